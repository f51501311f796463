import FetchModel
import Scheduling

/// A transcript of the coordinator's scheduler. Agents and origins go by names; sessions by their agent's, which means
/// the newest, or as `session-3`.
struct SchedulerTranscript: TranscriptMachine {
  struct Peer {
    let session: UInt64
    let agent: String
    /// Numbers of origins as they were told.
    var numbers: [String: UInt32] = [:]
    /// Rows that it has not reported, and the origins they were given with.
    var inHand: [(seq: UInt64, origin: String)] = []
  }

  private let configuration: Scheduler.Configuration
  var scheduler: Scheduler
  private(set) var now: UInt64 = 0
  var peers: [Peer] = []
  /// Agents in the order of their first hello: an agent's connection is its place in it.
  var agents: [String] = []
  /// Agents that do not beat.
  private var quiet: Set<String> = []
  var originNames: [[UInt8]: String] = [:]

  init(_ command: inout TranscriptCommand) throws(TranscriptError) {
    var retry = RetryPolicy()
    let giveUp: UInt64 = try command.number("give-up-after", or: 30_000)
    retry.giveUpAfter = .milliseconds(Int64(giveUp))
    let delay: Int64 = try command.number("delay", or: -1)
    if delay >= 0 { retry.delay = .milliseconds(delay) }
    var configuration = Scheduler.Configuration(
      connectionsPerOrigin: try command.number("limit", or: 8),
      retry: retry,
      seed: 1
    )
    configuration.windowRows = try command.number("window-rows", or: configuration.windowRows)
    configuration.windowBytes = try command.number("window-bytes", or: configuration.windowBytes)
    self.configuration = configuration
    scheduler = Scheduler(configuration, now: at(0))
  }

  mutating func run(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    if let time = command.time("at") {
      guard time >= now else { throw command.error("time does not run backwards") }
      now = time
    }
    let output = try carryOut(&command)
    if let fault = scheduler.audit() { throw command.error("the books are wrong: \(fault)") }
    return output
  }

  private mutating func carryOut(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    switch command.verb {
    case "scheduler": return []
    case "restart": return restart(&command)
    case "add": return try add(&command)
    case "skip": return try skip(&command)
    case "end-input":
      scheduler.endInput()
      return []
    case "tick": return tick()
    case "dispatch": return dispatch()
    case "step": return step()
    case "run": return try repeatSteps(&command)
    case "show": return [show()]
    case "ticket": return try tickets(&command)
    case "quiet": quiet.formUnion(command.remainingWords())
    case "loud": quiet.subtract(command.remainingWords())
    default: return try hear(&command)
    }
    return []
  }

  // MARK: Names

  mutating func key(_ name: String) -> [UInt8] {
    let key = Harness.key(name)
    originNames[key] = name
    return key
  }

  func name(of number: UInt32) -> String { number == 0 ? "" : name(ofKey: scheduler.key(ofOrigin: number)) }

  func name(ofKey key: [UInt8]) -> String { originNames[key] ?? String(decoding: key, as: UTF8.self) }

  func agent(of session: UInt64) -> String { peers.first { $0.session == session }?.agent ?? "nobody" }

  /// Where the session that a command names stands in `peers`.
  func peer(_ word: String, _ command: TranscriptCommand) throws(TranscriptError) -> Int {
    guard let index = peers.lastIndex(where: { $0.agent == word || "session-\($0.session)" == word }) else {
      throw command.error("no agent \(word)")
    }
    return index
  }

  // MARK: Rows

  private mutating func add(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    let origins = command.has("without-origin") ? [""] : try command.names(command.word("the origin"))
    let count: Int = try command.number("rows", or: 1)
    let isUnsafe = command.has("unsafe")
    let instance = command.option("left-to").map(Self.instance)
    let length: Int = try command.number("length", or: 10)
    var output: [String] = []
    for origin in origins {
      for _ in 0..<count {
        let number = origin.isEmpty ? 0 : scheduler.number(of: key(origin))
        let intake = scheduler.add(
          origin: number,
          length: length,
          location: 0,
          mustNotRepeat: isUnsafe,
          leftTo: instance
        )
        switch intake {
        case .taken: break
        case .recorded(let seq): output.append("row \(seq) is recorded already")
        case .lost(let row): output.append("row \(row.seq) is lost")
        }
      }
    }
    return output
  }

  private mutating func skip(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    for _ in 0..<(try command.number("rows", or: 1)) as Range<Int> { scheduler.skip() }
    return []
  }

  // MARK: Time

  /// Another coordinator takes over; the agents do not know yet.
  private mutating func restart(_ command: inout TranscriptCommand) -> [String] {
    scheduler = Scheduler(
      configuration,
      awaited: command.remainingWords().map(Self.instance),
      now: at(now)
    )
    peers = []
    return []
  }

  static func instance(_ name: String) -> [UInt8] { Array((name + String(repeating: " ", count: 16)).utf8.prefix(16)) }

  private mutating func tick() -> [String] { text(scheduler.tick(now: at(now))) }

  private mutating func dispatch() -> [String] {
    scheduler.dispatch(now: at(now)).map { dispatch in
      let text = text(dispatch)
      noteGiven(dispatch)
      return text
    }
  }

  /// What the coordinator's loop does; who can, beats before.
  private mutating func step() -> [String] {
    for peer in peers where !quiet.contains(peer.agent) { _ = scheduler.beat(peer.session, now: at(now)) }
    let ended = tick()
    return ended + dispatch()
  }

  private mutating func repeatSteps(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String] {
    guard let end = command.time("to"), end > now else { throw command.error("run to when?") }
    let interval = command.time("every") ?? 100
    var output: [String] = []
    while now < end {
      now = min(end, now + interval)
      output += step().map { "\(now) ms: \($0)" }
    }
    return output
  }

  private mutating func noteGiven(_ dispatch: Dispatch) {
    guard let index = peers.firstIndex(where: { $0.session == dispatch.session }) else { return }
    for grant in dispatch.shares { peers[index].numbers[name(of: grant.origin)] = grant.origin }
    for (seq, ticket) in zip(dispatch.rows, scheduler.tickets(of: dispatch.rows, now: at(now))) {
      peers[index].inHand.append((seq, name(of: ticket.origin)))
    }
  }
}
