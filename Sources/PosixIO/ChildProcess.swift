import CLinux
import Glibc

/// A process that this one has started, watched through a descriptor.
package struct ChildProcess {
  package let identifier: Int32
  /// Readable once the process has ended (pidfd_open(2)); closed by `collect` and `end`.
  package let exitDescriptor: Int32

  /// Starts a program with an empty signal mask in a process group of its own, so that Ctrl-C does not reach it. The
  /// child gets each descriptor of `inherited` under the number beside it, which must be one that nothing else has
  /// there.
  package init(program: String, arguments: [String], inheriting inherited: [(descriptor: Int32, number: Int32)])
    throws(SystemError)
  {
    // Copied out of the way first: one descriptor may have the number that another is to get.
    let lowest = (inherited.map(\.number).max() ?? 0) + 1
    var copies: [Int32] = []
    defer { for copy in copies { close(copy) } }
    for (descriptor, _) in inherited {
      let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, lowest)
      guard copy >= 0 else { throw SystemError("fcntl") }
      copies.append(copy)
    }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for (copy, (_, number)) in zip(copies, inherited) {
      // The child's is without close-on-exec (dup2(2)).
      posix_spawn_file_actions_adddup2(&actions, copy, number)
    }
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var noSignals = sigset_t()
    sigemptyset(&noSignals)
    posix_spawnattr_setsigmask(&attributes, &noSignals)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP) | Int16(POSIX_SPAWN_SETSIGMASK))
    var strings = ([program] + arguments).map { strdup($0) }
    strings.append(nil)
    defer { for string in strings { free(string) } }
    var pid = pid_t()
    let status = posix_spawn(&pid, program, &actions, &attributes, strings, environ)
    guard status == 0 else { throw SystemError("posix_spawn", number: status) }
    let descriptor = trawl_pidfd_open(pid)
    guard descriptor >= 0 else {
      let error = SystemError("pidfd_open")
      kill(pid, SIGKILL)
      waitpid(pid, nil, 0)
      throw error
    }
    identifier = pid
    exitDescriptor = descriptor
  }

  /// How the process ended, once; nil if it has not.
  package func collect() -> String? {
    var status: Int32 = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
    close(exitDescriptor)
    let signal = trawl_term_signal(status)
    return signal != 0 ? "killed by signal \(signal)" : "exit status \(trawl_exit_status(status))"
  }

  package func terminate() { kill(identifier, SIGTERM) }

  /// Waits for the end, at most so long, and kills the process then.
  package func end(withinMilliseconds milliseconds: Int32) {
    var entry = pollfd(fd: exitDescriptor, events: Int16(POLLIN), revents: 0)
    if retryingInterrupted({ poll(&entry, 1, milliseconds) }) <= 0 { kill(identifier, SIGKILL) }
    waitpid(identifier, nil, 0)
    close(exitDescriptor)
  }
}

/// A descriptor that this process was started with, and that it only has to hold for as long as it lives.
package enum InheritedDescriptor {
  /// Keeps it from processes that this one starts.
  package static func keep(_ number: Int32) throws(SystemError) {
    guard fcntl(number, F_SETFD, FD_CLOEXEC) == 0 else { throw SystemError("fcntl") }
  }
}

/// A pipe whose write end nobody writes to: its end of file says that the process which holds it is gone.
package struct Lifeline: ~Copyable {
  package let readEnd: Descriptor
  private let writeEnd: Descriptor

  package init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    guard trawl_pipe(&ends) == 0 else { throw SystemError("pipe2") }
    readEnd = Descriptor(owning: ends[0])
    writeEnd = Descriptor(owning: ends[1])
  }
}
