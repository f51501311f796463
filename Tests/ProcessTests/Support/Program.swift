import Foundation
import Glibc

/// How a process ended.
enum Ending: Equatable, Sendable {
  case exit(Int32)
  case signal(Int32)
}

/// Something a test needs is not there, or did not happen in time. The text says what to do or what was seen.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Waits until a condition holds; throws when the time is over.
func waitUntil(_ what: String, within seconds: Double = 30, _ condition: () throws -> Bool) throws {
  let limit = seconds * patience
  let end = Date().addingTimeInterval(limit)
  while try !condition() {
    guard Date() < end else { throw Trouble("waited \(limit) s in vain: \(what)") }
    usleep(3_000)
  }
}

/// A running program. Its output goes into files, so that it can never be held up by a full pipe.
final class Program {
  let name: String
  let identifier: pid_t
  let outputPath: String
  let errorPath: String
  private static let starting = NSLock()
  private var inputDescriptor: Int32
  private var ending: Ending?

  /// What a program reads as its standard input.
  enum Input {
    case nothing
    case file(String)
    /// Written by `send`, ended by `closeInput`.
    case pipe
  }

  /// Starts a program in a process group of its own, in `directory`, where its output goes as well.
  init(
    _ path: String,
    _ arguments: [String],
    in directory: String,
    label: String,
    environment: [String: String],
    input: Input
  ) throws {
    name = label
    outputPath = "\(directory)/\(label).stdout"
    errorPath = "\(directory)/\(label).stderr"
    // No other start may come between: its program would hold the pipe open, and its end would never be seen.
    Self.starting.lock()
    defer { Self.starting.unlock() }
    var ends: [Int32] = [-1, -1]
    if case .pipe = input {
      guard pipe(&ends) == 0 else { throw Trouble("pipe: errno \(errno)") }
      for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    }
    inputDescriptor = ends[1]
    defer { if ends[0] >= 0 { close(ends[0]) } }

    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    switch input {
    case .nothing: posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    case .file(let path): posix_spawn_file_actions_addopen(&actions, 0, path, O_RDONLY, 0)
    case .pipe: posix_spawn_file_actions_adddup2(&actions, ends[0], 0)
    }
    posix_spawn_file_actions_addopen(&actions, 1, outputPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)
    posix_spawn_file_actions_addopen(&actions, 2, errorPath, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0o600)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    var ordinary = sigset_t()
    sigemptyset(&ordinary)
    sigaddset(&ordinary, SIGPIPE)
    sigaddset(&ordinary, SIGINT)
    sigaddset(&ordinary, SIGTERM)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &ordinary)
    posix_spawnattr_setpgroup(&attributes, 0)
    let flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    posix_spawnattr_setflags(&attributes, Int16(flags))

    // Changes the folder and becomes the program; the process stays the same.
    let command = "/usr/bin/env"
    var words = ([command, "-C", directory, path] + arguments).map { strdup($0) }
    words.append(nil)
    var variables: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") }
    variables.append(nil)
    defer { for text in words + variables { free(text) } }
    var pid = pid_t()
    let status = posix_spawn(&pid, command, &actions, &attributes, words, variables)
    guard status == 0 else {
      if ends[1] >= 0 { close(ends[1]) }
      throw Trouble("cannot start \(path): \(String(cString: strerror(status)))")
    }
    identifier = pid
  }

  // MARK: What it says

  var outputText: String { text(outputPath) }
  var errorText: String { text(errorPath) }
  var errorLines: [String] { errorText.split(separator: "\n").map(String.init) }

  private func text(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  // MARK: What it is told

  /// Writes to its standard input; throws if it does not read for too long.
  func send(_ text: String, within seconds: Double = 30) throws {
    var rest = Array(text.utf8)[...]
    let end = Date().addingTimeInterval(seconds * patience)
    _ = fcntl(inputDescriptor, F_SETFL, O_NONBLOCK)
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(inputDescriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
        continue
      }
      guard count < 0, errno == EAGAIN, Date() < end else {
        throw Trouble("\(name) does not take its input (errno \(errno)): \(errorText)")
      }
      var entry = pollfd(fd: inputDescriptor, events: Int16(POLLOUT), revents: 0)
      Glibc.poll(&entry, 1, 100)
    }
  }

  func closeInput() {
    if inputDescriptor >= 0 { close(inputDescriptor) }
    inputDescriptor = -1
  }

  func signal(_ number: Int32) { if ending == nil { kill(identifier, number) } }

  // MARK: Its end

  /// How it ended; nil while it runs.
  func poll() -> Ending? {
    guard ending == nil else { return ending }
    var status: Int32 = 0
    guard waitpid(identifier, &status, WNOHANG) == identifier else { return nil }
    // What the macros WIFSIGNALED, WTERMSIG and WEXITSTATUS do.
    ending = status & 0x7F != 0 ? .signal(status & 0x7F) : .exit(status >> 8 & 0xFF)
    return ending
  }

  /// Waits for its end; throws with what it said if it runs on.
  @discardableResult
  func wait(within seconds: Double = 60) throws -> Ending {
    var result: Ending?
    do {
      try waitUntil("the end of \(name)", within: seconds) {
        result = poll()
        return result != nil
      }
    } catch {
      throw Trouble("\(error)\nit said: \(errorText.suffix(2_000))")
    }
    guard let result else { throw Trouble("\(name) has no end") }
    return result
  }

  /// Ends it and what it started, whatever state they are in.
  func destroy() {
    closeInput()
    let children = ending == nil ? ProcessTable.children(of: identifier) : []
    kill(-identifier, SIGKILL)
    for child in children { kill(child, SIGKILL) }
    if ending == nil {
      kill(identifier, SIGKILL)
      waitpid(identifier, nil, 0)
      ending = .signal(SIGKILL)
    }
  }
}

/// What /proc says about processes.
enum ProcessTable {
  static func children(of parent: pid_t) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { status(of: $0)?.parent == parent }.sorted()
  }

  /// Whether it runs; one that has ended and was not collected does not.
  static func isAlive(_ pid: pid_t) -> Bool {
    guard let state = status(of: pid)?.state else { return false }
    return state != "Z" && state != "X"
  }

  /// Processes of this user whose command line holds a text.
  static func identifiers(withArgument text: String) -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { pid in
      let line = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
      return String(decoding: line, as: UTF8.self).contains(text) && isAlive(pid)
    }
  }

  private static func status(of pid: pid_t) -> (state: Substring, parent: pid_t)? {
    guard let data = FileManager.default.contents(atPath: "/proc/\(pid)/stat") else { return nil }
    let text = String(decoding: data, as: UTF8.self)
    // The name in parentheses may hold anything.
    guard let end = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 1, let parent = pid_t(fields[1]) else { return nil }
    return (fields[0], parent)
  }
}
