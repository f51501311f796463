import FetchModel
import Scheduling

/// An agent as far as the scheduler can tell: the production session, and rows that take time instead of sockets.
struct SimulatedAgent {
  enum Life: Equatable {
    case running
    /// Does nothing at all: `running`.
    case frozen(until: Instant)
    /// Has forgotten everything: `running`, as another instance.
    case dead(until: Instant)
  }

  enum Outcome {
    case result
    case failure(retryAfterMilliseconds: UInt64)
    case redirect(RedirectState)
  }

  private struct Flight {
    let row: SimulatedRow
    let end: Instant
    let outcome: Outcome
  }

  private struct Slot {
    let origin: UInt32
    var share = 0
    var owesLowered = false
    var waiting: [SimulatedRow] = []
  }

  struct Start {
    let row: SimulatedRow
    let session: UInt64
  }

  static let epoch: UInt64 = 7

  let index: Int
  let connections: Int
  let creditRows: Int
  let creditBytes: Int
  /// What its own clock is ahead of the simulation's.
  private let clockOffset: UInt64
  private(set) var incarnation: UInt64 = 0
  var life = Life.running
  private var session: AgentSession
  private var leaseEnd = Instant.zero
  private var slots: [Slot] = []
  private var flights: [Flight] = []
  /// What the socket has to take, in order.
  var unsent: [AgentMessage] = []
  /// What was started since the simulation last looked.
  var starts: [Start] = []

  init(index: Int, random: inout SimulationRandom) {
    self.index = index
    connections = random.chance(50) ? random.number(1...2) : random.number(1...10)
    creditRows = random.chance(30) ? random.number(2...8) : random.number(8...200)
    creditBytes = random.chance(20) ? random.number(200...2000) : 1_000_000
    clockOffset = random.next() >> 8
    session = AgentSession(nonce: random.next())
  }

  var greeting: Greeting {
    Greeting(
      instance: [UInt8(index), UInt8(truncatingIfNeeded: incarnation)] + Array(repeating: 0, count: 14),
      name: "agent-\(index)",
      link: 0,
      connections: connections,
      creditRows: creditRows,
      creditBytes: creditBytes
    )
  }

  /// When something of its own becomes due.
  var due: Instant {
    switch life {
    case .frozen(let end), .dead(let end): end
    case .running: flights.reduce(.distantFuture) { min($0, $1.end) }
    }
  }

  private func local(_ now: Instant) -> Instant { now.adding(nanoseconds: clockOffset) }

  // MARK: Life

  mutating func die(until end: Instant) {
    life = .dead(until: end)
    forgetSession()
  }

  mutating func beBorn(random: inout SimulationRandom) {
    life = .running
    incarnation += 1
    session = AgentSession(nonce: random.next())
  }

  private mutating func forgetSession() {
    slots = []
    flights = []
    unsent = []
    leaseEnd = .zero
  }

  // MARK: Session

  mutating func tick(now: Instant, linkIsUp: Bool) { perform(session.tick(now: local(now)), linkIsUp: linkIsUp) }

  mutating func receive(_ message: CoordinatorMessage, now: Instant, linkIsUp: Bool) {
    switch message {
    case .welcome(let nonce, let identifier):
      let actions = session.welcomed(nonce: nonce, session: identifier, epoch: Self.epoch, now: local(now))
      perform(actions, linkIsUp: linkIsUp)
    case .echo(let identifier, let stamp):
      perform(
        session.echoed(stamp: stamp, session: identifier, epoch: Self.epoch, now: local(now)),
        linkIsUp: linkIsUp
      )
    case .helloAgain(let identifier):
      perform(session.unknown(session: identifier, now: local(now)), linkIsUp: linkIsUp)
    case .work(let identifier, let shares, let rows):
      guard session.isCurrent(session: identifier, epoch: Self.epoch) else { return }
      for (origin, connections) in shares { setShare(of: origin, to: connections) }
      for row in rows {
        let slot = slot(of: row.origin)
        slots[slot].waiting.append(row)
      }
    }
  }

  private mutating func perform(_ actions: [AgentSession.Action], linkIsUp: Bool) {
    for action in actions {
      switch action {
      case .sendHello(let nonce):
        if linkIsUp { unsent.append(.hello(nonce: nonce)) } else { session.helloNotSent() }
      case .sendBeat(let identifier, let stamp): unsent.append(.beat(session: identifier, stamp: stamp))
      case .lease(let end): leaseEnd = end
      case .abandon: forgetSession()
      case .begin, .refused: break
      }
    }
  }

  // MARK: Shares

  private mutating func slot(of origin: UInt32) -> Int {
    if let known = slots.firstIndex(where: { $0.origin == origin }) { return known }
    slots.append(Slot(origin: origin))
    return slots.count - 1
  }

  private mutating func setShare(of origin: UInt32, to connections: Int) {
    let slot = slot(of: origin)
    if connections < slots[slot].share { slots[slot].owesLowered = true }
    slots[slot].share = connections
    guard connections == 0, !slots[slot].waiting.isEmpty else { return }
    let returned = slots[slot].waiting.map { row in
      Deferral(
        seq: row.seq,
        cause: row.redirect == nil ? .notStarted : .redirect,
        attempts: row.attempts,
        redirect: row.redirect
      )
    }
    slots[slot].waiting = []
    unsent.append(.deferrals(session: session.session, returned))
  }

  private mutating func confirmLowered() {
    for slot in slots.indices where slots[slot].owesLowered {
      guard openConnections(to: slots[slot].origin) <= slots[slot].share else { continue }
      slots[slot].owesLowered = false
      let (origin, share) = (slots[slot].origin, slots[slot].share)
      unsent.append(.lowered(session: session.session, origin: origin, connections: share))
    }
    slots.removeAll { $0.share == 0 && $0.waiting.isEmpty && !$0.owesLowered }
  }

  private func openConnections(to origin: UInt32) -> Int { flights.count { $0.row.origin == origin } }

  // MARK: Rows

  /// Ends what has taken its time and starts what may start.
  mutating func work(now: Instant, service: inout SimulatedService) throws {
    finish(now)
    confirmLowered()
    var results: [UInt64] = []
    var deferrals: [Deferral] = []
    for slot in slots.indices {
      while let row = slots[slot].waiting.first, local(now) < leaseEnd {
        // A row that is no valid request ends without a connection.
        if row.origin == 0 {
          results.append(row.seq)
        } else if openConnections(to: row.origin) >= slots[slot].share {
          break
        } else if service.hasLocalTrouble() {
          deferrals.append(Deferral(seq: row.seq, cause: .localTrouble, attempts: row.attempts))
        } else {
          guard flights.count < connections else {
            throw SimulationFailure("agent \(index) was given shares of more connections than it has")
          }
          let (duration, outcome) = service.serve(row)
          flights.append(Flight(row: row, end: now.adding(nanoseconds: duration), outcome: outcome))
          starts.append(Start(row: row, session: session.session))
        }
        slots[slot].waiting.removeFirst()
      }
    }
    report(results, deferrals)
  }

  private mutating func finish(_ now: Instant) {
    var results: [UInt64] = []
    var deferrals: [Deferral] = []
    for flight in flights where flight.end <= now {
      let row = flight.row
      switch flight.outcome {
      case .result: results.append(row.seq)
      case .failure(let pause):
        deferrals.append(
          Deferral(
            seq: row.seq,
            cause: .failure,
            failure: .reset,
            attempts: row.attempts + 1,
            retryAfterMilliseconds: pause
          )
        )
      case .redirect(let state):
        deferrals.append(Deferral(seq: row.seq, cause: .redirect, attempts: row.attempts, redirect: state))
      }
    }
    flights.removeAll { $0.end <= now }
    report(results, deferrals)
  }

  private mutating func report(_ results: [UInt64], _ deferrals: [Deferral]) {
    if !results.isEmpty { unsent.append(.results(session: session.session, seqs: results)) }
    if !deferrals.isEmpty { unsent.append(.deferrals(session: session.session, deferrals)) }
  }
}

/// The origins: how long they take and what they answer.
struct SimulatedService {
  static let retries: UInt16 = 2

  private var random: SimulationRandom
  private let origins: Int
  private let failurePercent: UInt64
  private let longest: Int

  init(seed: UInt64, origins: Int) {
    random = SimulationRandom(seed: seed)
    self.origins = origins
    failurePercent = UInt64(random.number(0...25))
    longest = random.chance(20) ? 2000 : 200
  }

  static func url(ofOrigin origin: Int) -> [UInt8] { Array("http://o\(origin).test/".utf8) }

  mutating func hasLocalTrouble() -> Bool { random.chance(2) }

  mutating func serve(_ row: SimulatedRow) -> (duration: UInt64, outcome: SimulatedAgent.Outcome) {
    let duration = random.milliseconds(1...longest)
    if !row.mustNotRepeat, row.attempts < Self.retries, random.chance(failurePercent) {
      return (duration, .failure(retryAfterMilliseconds: random.chance(20) ? UInt64(random.number(1...5000)) : 0))
    }
    let hops = row.redirect?.hops ?? 0
    guard !row.mustNotRepeat, hops < 3, random.chance(8) else { return (duration, .result) }
    let state = RedirectState(
      url: Self.url(ofOrigin: random.number(0...origins - 1)),
      method: .get,
      dropsCredentials: false,
      dropsContent: false,
      hops: hops + 1,
      spentMicroseconds: 0,
      visited: []
    )
    return (duration, .redirect(state))
  }
}
