import CLinux
import Glibc

/// Facts and settings of this process.
package enum Process {
  package static var identifier: Int32 { getpid() }

  /// Processors this process may run on (sched_getaffinity(2)).
  package static var processorCount: Int { max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  package static var hostName: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
      guard let base = buffer.baseAddress, gethostname(base, 255) == 0 else { return "host" }
      base[255] = 0
      return String(cString: base)
    }
  }

  /// Writing to a closed socket or pipe, or beyond the limit on the size of files (setrlimit(2)), has to be an error,
  /// not a signal; once, at start.
  package static func makeFailedWritesErrors() {
    signal(SIGPIPE, SIG_IGN)
    signal(SIGXFSZ, SIG_IGN)
  }

  /// Gives each of the standard descriptors that is closed to the null device; once, before anything is opened. What
  /// is opened next would become standard input or output otherwise.
  package static func openStandardDescriptors() {
    // Lowest first, because the lowest free one is what opening gives (open(2)).
    for descriptor in 0...2 where fcntl(Int32(descriptor), F_GETFD) < 0 {
      _ = openRelative(AT_FDCWD, "/dev/null", O_RDWR)
    }
  }

  /// Raises the soft limit on open descriptors to the hard one; returns what is in force.
  @discardableResult
  package static func raiseDescriptorLimit() -> UInt64 {
    var limit = rlimit()
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    guard getrlimit(resource, &limit) == 0 else { return 1024 }
    if limit.rlim_cur < limit.rlim_max {
      limit.rlim_cur = limit.rlim_max
      _ = setrlimit(resource, &limit)
      _ = getrlimit(resource, &limit)
    }
    return UInt64(limit.rlim_cur)
  }

  /// Ends the process now, whatever its threads wait for (_exit(2)).
  package static func exitNow(_ status: Int32) -> Never { _exit(status) }

  /// `count` bytes from the kernel's generator (getrandom(2)).
  package static func randomBytes(_ count: Int) -> [UInt8] {
    var generator = SystemRandomNumberGenerator()
    return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
  }
}
