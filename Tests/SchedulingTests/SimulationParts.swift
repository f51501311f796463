import FetchModel

/// SplitMix64: the same numbers for the same seed on every machine.
struct SimulationRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0xA076_1D64_78BD_642F &+ 0x1234_5678 }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// True with that many chances of a hundred.
  mutating func chance(_ percent: UInt64) -> Bool { next() % 100 < percent }

  mutating func number(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
  }

  mutating func milliseconds(_ range: ClosedRange<Int>) -> UInt64 { UInt64(number(range)) * 1_000_000 }
}

/// What a simulation found to be wrong.
struct SimulationFailure: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A row on its way to an agent.
struct SimulatedRow {
  let seq: UInt64
  let origin: UInt32
  let mustNotRepeat: Bool
  let attempts: UInt16
  let redirect: RedirectState?
}

/// From an agent.
enum AgentMessage {
  case hello(nonce: UInt64)
  case beat(session: UInt64, stamp: Instant)
  case results(session: UInt64, seqs: [UInt64])
  case deferrals(session: UInt64, [Deferral])
  case lowered(session: UInt64, origin: UInt32, connections: Int)

  /// 0 for a hello.
  var session: UInt64 {
    switch self {
    case .hello: 0
    case .beat(let session, _), .results(let session, _): session
    case .deferrals(let session, _), .lowered(let session, _, _): session
    }
  }
}

/// From the coordinator.
enum CoordinatorMessage {
  case welcome(nonce: UInt64, session: UInt64)
  case echo(session: UInt64, stamp: Instant)
  case helloAgain(session: UInt64)
  case work(session: UInt64, shares: [(origin: UInt32, connections: Int)], rows: [SimulatedRow])
}

/// One connection of a DEALER with a ROUTER: in order and without loss while it lasts; when it breaks, all that is
/// under way is gone, and the next one is another peer to the ROUTER.
struct SimulatedLink {
  private(set) var connection = 1
  private(set) var isUp = true
  /// Added to the time of everything that is sent.
  var slowness: UInt64 = 0
  private var upward: [(due: Instant, message: AgentMessage)] = []
  private var downward: [(due: Instant, message: CoordinatorMessage)] = []

  mutating func cut() {
    isUp = false
    upward = []
    downward = []
  }

  mutating func restore() {
    guard !isUp else { return }
    isUp = true
    slowness = 0
    connection += 1
  }

  mutating func send(_ message: AgentMessage, now: Instant, latency: UInt64) {
    guard isUp else { return }
    upward.append((max(now.adding(nanoseconds: latency + slowness), upward.last?.due ?? .zero), message))
  }

  mutating func send(_ message: CoordinatorMessage, now: Instant, latency: UInt64) {
    guard isUp else { return }
    downward.append((max(now.adding(nanoseconds: latency + slowness), downward.last?.due ?? .zero), message))
  }

  var upwardDue: Instant { upward.first?.due ?? .distantFuture }
  var downwardDue: Instant { downward.first?.due ?? .distantFuture }

  mutating func receiveUpward(now: Instant) -> AgentMessage? { upwardDue <= now ? upward.removeFirst().message : nil }

  mutating func receiveDownward(now: Instant) -> CoordinatorMessage? {
    downwardDue <= now ? downward.removeFirst().message : nil
  }
}
