import FetchModel
import Glibc
import PosixIO

/// Agents on this host that the coordinator starts, watches and starts again.
///
/// Each holds one end of a pipe; when this process ends, however it ends, theirs reads its end and they end, too. Each
/// holds the job's lock, so that nobody goes on with the job while one of them may still send a request.
struct LocalAgents: ~Copyable {
  private static let respawns = 5
  /// The lifeline's number in an agent: the first after the standard ones.
  private static let lifelineNumber: Int32 = 3
  private static let lockNumber: Int32 = 4

  private struct Slot {
    var process: ChildProcess?
    var starts = 0
    var restartAt: Instant?
  }

  enum Event {
    case exited(pid: Int32, description: String)
    /// It will not be started again.
    case givenUp
  }

  private let program: String
  private let arguments: [String]
  private let lifeline: Lifeline
  private let lock: Int32?
  private var slots: [Slot]

  /// `program`: the agent's path. `arguments`: all but the descriptors. `lock`: the job's, if it has one.
  init(program: String, arguments: [String], lock: Int32?, count: Int) throws(SystemError) {
    let lifeline = try Lifeline()
    self.program = program
    self.lifeline = lifeline
    self.lock = lock
    self.arguments =
      arguments + ["--lifeline", "\(Self.lifelineNumber)"]
      + (lock == nil ? [] : ["--lock-descriptor", "\(Self.lockNumber)"])
    // The first `check` starts them.
    slots = Array(repeating: Slot(process: nil, starts: 0, restartAt: .zero), count: count)
  }

  var exitDescriptors: [Int32] { slots.compactMap { $0.process?.exitDescriptor } }

  var areAllGone: Bool { slots.allSatisfy { $0.process == nil && $0.restartAt == nil } }

  private mutating func start(_ index: Int) throws(SystemError) {
    slots[index].starts += 1
    slots[index].restartAt = nil
    slots[index].process = try ChildProcess(
      program: program,
      arguments: arguments,
      inheriting: [(lifeline.readEnd.rawValue, Self.lifelineNumber)] + (lock.map { [($0, Self.lockNumber)] } ?? [])
    )
  }

  /// Collects agents that have ended, and starts those again whose pause is over. `isOver`: none is wanted any more.
  mutating func check(now: Instant, isOver: Bool) -> [Event] {
    var events: [Event] = []
    for index in slots.indices {
      if let process = slots[index].process, let description = process.collect() {
        events.append(.exited(pid: process.identifier, description: description))
        slots[index].process = nil
        if isOver { continue }
        if slots[index].starts > Self.respawns {
          events.append(.givenUp)
        } else {
          let pause = UInt64(100_000_000) << UInt64(slots[index].starts - 1)
          slots[index].restartAt = now.adding(nanoseconds: pause)
        }
      }
      if let time = slots[index].restartAt, now >= time, !isOver {
        do { try start(index) } catch { events.append(.givenUp) }
      }
    }
    return events
  }

  /// Lets agents end and waits for them; those that do not are killed.
  mutating func stop() {
    for slot in slots { slot.process?.terminate() }
    let deadline = Clock.now().adding(nanoseconds: 3_000_000_000)
    for slot in slots {
      slot.process?.end(withinMilliseconds: Int32(deadline.nanoseconds(since: Clock.now()) / 1_000_000))
    }
    slots.removeAll()
  }

  /// The `agent` program beside this one.
  static func programPath() throws(CoordinatorError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let length = readlink("/proc/self/exe", &buffer, buffer.count - 1)
    guard length > 0 else { throw CoordinatorError("cannot find the agent program: /proc/self/exe is not readable") }
    let own = String(decoding: buffer[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    let path = own[..<(own.lastIndex(of: "/") ?? own.startIndex)] + "/agent"
    guard access(String(path), X_OK) == 0 else {
      throw CoordinatorError("cannot find the agent program: \(path) is missing; build it beside coordinator")
    }
    return String(path)
  }
}
