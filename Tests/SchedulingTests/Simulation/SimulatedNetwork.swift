import FetchModel
import Scheduling

/// A row on its way to an agent.
struct SimulatedRow {
  let seq: UInt64
  let origin: UInt32
  let key: [UInt8]
  let mustNotRepeat: Bool
  let attempts: UInt16
  let redirect: RedirectState?
}

/// Finished or deferred rows on their way to the coordinator.
enum SimulatedBlock: OutboxPayload {
  case results([ResultColumn])
  case deferrals([Deferral])

  var seqs: [UInt64] {
    switch self {
    case .results(let columns): columns.map(\.seq)
    case .deferrals(let deferrals): deferrals.map(\.seq)
    }
  }

  var byteCount: Int { seqs.count }

  var finishedRows: Int { if case .results(let columns) = self { columns.count } else { 0 } }

  mutating func remove(_ seqs: Set<UInt64>) {
    switch self {
    case .results(let columns): self = .results(columns.filter { !seqs.contains($0.seq) })
    case .deferrals(let deferrals): self = .deferrals(deferrals.filter { !seqs.contains($0.seq) })
    }
  }
}

/// From an agent; `session` and `number` are 0 for a hello.
struct AgentMessage {
  enum Body {
    case hello(Greeting, nonce: UInt64, holdings: [Holding])
    case beat(stamp: Instant)
    case block(number: UInt64, SimulatedBlock)
    case lowered([ShareGrant])
    case pause(origin: UInt32, milliseconds: UInt64)
    case draining
    case goodbye
  }

  var session: UInt64 = 0
  var number: UInt64 = 0
  let body: Body
}

/// From the coordinator; `number` is 0 outside of a session.
struct CoordinatorMessage {
  enum Body {
    case welcome(nonce: UInt64, renumbered: [(held: UInt32, origin: UInt32)])
    case echo(stamp: Instant)
    case helloAgain(isSuperseded: Bool)
    case work(shares: [ShareGrant], rows: [SimulatedRow])
    case recall(Recall)
    case acknowledgement(block: UInt64)
  }

  let session: UInt64
  let epoch: UInt64
  var number: UInt64 = 0
  let body: Body
}

/// How badly a network treats messages, in tenths of a per cent.
struct Weather {
  var lost = 0
  var doubled = 0
  var swapped = 0
  /// Milliseconds.
  var latency = 20
}

/// One connection of an agent with the coordinator. While it lasts it may lose, double, delay and swap messages, which
/// no real one does; when it breaks, all that is under way is gone, and the next one is another peer to the ROUTER.
struct SimulatedLink {
  private struct Flight<Message> {
    let due: Instant
    let message: Message
  }

  private(set) var connection = 1
  private(set) var isUp = true
  /// Added to the time of everything that is sent.
  var slowness: UInt64 = 0
  private var upward: [Flight<AgentMessage>] = []
  private var downward: [Flight<CoordinatorMessage>] = []

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

  mutating func send(_ message: AgentMessage, now: Instant, _ weather: Weather, _ random: inout SimulationRandom) {
    guard isUp else { return }
    Self.send(message, on: &upward, now, slowness, weather, &random)
  }

  mutating func send(_ message: CoordinatorMessage, now: Instant, _ weather: Weather, _ random: inout SimulationRandom)
  {
    guard isUp else { return }
    Self.send(message, on: &downward, now, slowness, weather, &random)
  }

  private static func send<Message>(
    _ message: Message,
    on queue: inout [Flight<Message>],
    _ now: Instant,
    _ slowness: UInt64,
    _ weather: Weather,
    _ random: inout SimulationRandom
  ) {
    let due = now.adding(nanoseconds: random.milliseconds(0...weather.latency) + slowness)
    // Behind what was sent before.
    let arrival = max(due, queue.last?.due ?? .zero)
    let fate = random.number(0...999)
    if fate < weather.lost { return }
    if fate < weather.lost + weather.doubled { queue.append(Flight(due: arrival, message: message)) }
    if fate >= 1000 - weather.swapped, let last = queue.popLast() {
      queue.append(Flight(due: last.due, message: message))
      queue.append(Flight(due: arrival, message: last.message))
    } else {
      queue.append(Flight(due: arrival, message: message))
    }
  }

  var upwardDue: Instant { upward.first?.due ?? .distantFuture }
  var downwardDue: Instant { downward.first?.due ?? .distantFuture }

  mutating func receiveUpward(now: Instant) -> AgentMessage? { upwardDue <= now ? upward.removeFirst().message : nil }

  mutating func receiveDownward(now: Instant) -> CoordinatorMessage? {
    downwardDue <= now ? downward.removeFirst().message : nil
  }
}
