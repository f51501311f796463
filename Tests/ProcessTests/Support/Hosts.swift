import Foundation
import Glibc

/// Hosts of our own on this machine, joined by cables that can be cut: network namespaces, which deploy/hosts.sh
/// makes and removes.
final class Hosts {
  private let name: String

  /// Why there can be none here; nil if there can.
  static let obstacle: String? = {
    guard geteuid() == 0 else { return "network namespaces can be made by root only" }
    do {
      try script(["up", "\(getpid())-probe", "1"])
      try script(["down", "\(getpid())-probe"])
      return nil
    } catch {
      return "\(error)"
    }
  }()

  init(_ count: Int) throws {
    name = "\(getpid())-\(UUID().uuidString.prefix(8))"
    try Self.script(["up", name, "\(count)"])
  }

  deinit { try? Self.script(["down", name]) }

  func address(_ host: Int) -> String { "10.83.0.\(host + 1)" }

  func cut(_ host: Int) throws { try Self.script(["cut", name, "\(host)"]) }

  func heal(_ host: Int) throws { try Self.script(["heal", name, "\(host)"]) }

  /// Does something on a host: what is started there stays there, and sockets that are opened there are of there.
  func on<Result>(_ host: Int, _ body: () throws -> Result) throws -> Result {
    let path = "/run/netns/trawl-\(name)-\(host)"
    let home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)
    defer { close(home) }
    let away = open(path, O_RDONLY | O_CLOEXEC)
    defer { close(away) }
    guard home >= 0, away >= 0, try Self.enter(away) else { throw Trouble("cannot enter \(path): errno \(errno)") }
    defer {
      // What the thread did next would be done on the wrong host.
      guard (try? Self.enter(home)) == true else { preconditionFailure("a thread cannot come back from \(path)") }
    }
    return try body()
  }

  /// Moves this thread, and no other, into a network namespace (setns(2)).
  private static func enter(_ descriptor: Int32) throws -> Bool {
    // Glibc's module leaves out what needs _GNU_SOURCE. The null handle stands for everything that is loaded.
    guard let address = dlsym(nil, "setns") else { throw Trouble("this system has no setns") }
    let setns = unsafeBitCast(address, to: (@convention(c) (Int32, Int32) -> Int32).self)
    let newNetwork: Int32 = 0x4000_0000
    return setns(descriptor, newNetwork) == 0
  }

  private static func script(_ arguments: [String]) throws {
    // Of the repository that this was compiled in: three folders above this file's.
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    try runTool(root.appending(path: "deploy/hosts.sh").path, arguments)
  }
}

/// Runs a program of the system; throws with what it said if it fails.
func runTool(_ path: String, _ arguments: [String]) throws {
  let process = Foundation.Process()
  let errors = Pipe()
  process.executableURL = URL(filePath: path)
  process.arguments = arguments
  process.standardInput = FileHandle.nullDevice
  process.standardOutput = FileHandle.nullDevice
  process.standardError = errors
  try process.run()
  let said = try errors.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  guard process.terminationStatus == 0 else {
    let text = String(decoding: said, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    throw Trouble("\(path) \(arguments.joined(separator: " ")): \(text)")
  }
}
