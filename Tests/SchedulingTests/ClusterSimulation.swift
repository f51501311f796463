import FetchModel
import Scheduling

// Theory of operation
//
// One scheduler and a few agents live in virtual time: the simulation goes from one due instant to the next. All that
// is random comes from the seed, and nothing depends on the order of a dictionary, so a seed is a story that can be
// told again. The shell around the scheduler is the least that the real one does: a session is bound to the
// connection that began it, and a session that cannot be reached is left to its lease. Faults stop at a known time;
// from then on the job has to end within a bound.

/// A cluster in virtual time.
struct ClusterSimulation {
  private static let tick: UInt64 = 100_000_000
  private static let epoch = Instant(nanoseconds: 5_000_000_000)
  private static let patience: UInt64 = 1_200_000_000_000

  private struct Bound {
    let session: UInt64
    let agent: Int
    let connection: Int
  }

  private struct Planned {
    let seq: UInt64
    /// Number of the row's own origin in the simulation; nil for a line that is no request.
    let home: Int?
    var redirect: RedirectState?
  }

  private let seed: UInt64
  private var random: SimulationRandom
  private var service: SimulatedService
  private var scheduler: Scheduler
  private var oracle: SimulationOracle
  private var agents: [SimulatedAgent] = []
  private var links: [SimulatedLink] = []
  private var linkRestored: [Instant] = []
  private var sessions: [Bound] = []
  private var planned: [Planned] = []
  private var rowsLeft: Int
  private let windowRows: Int
  private let originCount: Int
  private let unsafePercent: UInt64
  private let latency: Int
  private let faultsEnd: Instant
  private var nextFault: Instant
  private var nextTick = epoch
  private var now = epoch
  private let isTraced: Bool
  private(set) var trace: [String] = []

  init(seed: UInt64, isTraced: Bool = false) {
    self.seed = seed
    self.isTraced = isTraced
    var random = SimulationRandom(seed: seed)
    originCount = random.chance(20) ? random.number(20...40) : random.number(1...8)
    rowsLeft = random.number(1...200)
    unsafePercent = random.chance(40) ? UInt64(random.number(5...100)) : 0
    latency = random.chance(20) ? 400 : 20
    windowRows = random.chance(30) ? random.number(1...20) : 1000
    var retry = RetryPolicy()
    if random.chance(30) { retry.delay = .milliseconds(random.number(0...500)) }
    let limit = random.number(1...8)
    var configuration = Scheduler.Configuration(connectionsPerOrigin: limit, retry: retry, seed: seed)
    configuration.windowRows = windowRows
    scheduler = Scheduler(configuration, now: Self.epoch)
    oracle = SimulationOracle(connectionsPerOrigin: limit)
    service = SimulatedService(seed: random.next(), origins: originCount)
    for index in 0..<random.number(1...4) {
      agents.append(SimulatedAgent(index: index, random: &random))
      links.append(SimulatedLink())
      linkRestored.append(.zero)
      // Agents come when they come.
      if random.chance(40) {
        agents[index].life = .dead(until: Self.epoch.adding(nanoseconds: random.milliseconds(0...8000)))
      }
    }
    let hasFaults = random.chance(75)
    let length = hasFaults ? random.milliseconds(0...60_000) : 0
    faultsEnd = Self.epoch.adding(nanoseconds: length)
    nextFault = hasFaults ? Self.epoch.adding(nanoseconds: random.milliseconds(0...3000)) : .distantFuture
    self.random = random
  }

  /// Until the job is done; returns how long it took.
  mutating func run() throws -> UInt64 {
    let end = faultsEnd.adding(nanoseconds: Self.patience)
    while true {
      try step()
      if scheduler.isComplete, now >= faultsEnd { return now.nanoseconds(since: Self.epoch) }
      guard now < end else {
        throw SimulationFailure("the job does not end: \(scheduler.counts); \(oracle.unfinished)")
      }
    }
  }

  private mutating func note(_ text: @autoclosure () -> String) {
    if isTraced { trace.append("\(now.nanoseconds(since: Self.epoch) / 1_000_000) ms  \(text())") }
  }

  // MARK: Time

  private mutating func step() throws {
    var due = min(nextTick, nextFault)
    for index in agents.indices {
      due = min(due, agents[index].due, links[index].upwardDue)
      // A frozen process reads nothing, however much has come.
      if agents[index].life == .running { due = min(due, links[index].downwardDue) }
    }
    now = max(now, due)
    injectFault()
    for index in agents.indices { try stepAgent(index) }
    for index in agents.indices {
      while let message = links[index].receiveUpward(now: now) { try receive(message, from: index) }
    }
    try stepCoordinator()
    try oracle.check(scheduler.counts)
    if now >= nextTick { nextTick = now.adding(nanoseconds: Self.tick) }
  }

  private mutating func stepAgent(_ index: Int) throws {
    if linkRestored[index] <= now, !links[index].isUp {
      links[index].restore()
      note("link \(index) up")
    }
    switch agents[index].life {
    case .frozen(let end), .dead(let end):
      guard end <= now else { return }
      let wasDead = agents[index].life == .dead(until: end)
      if wasDead { agents[index].beBorn(random: &random) }
      agents[index].life = .running
      note("agent \(index) \(wasDead ? "born" : "awake")")
    case .running: break
    }
    // Threads of a process that wakes up run in any order.
    if random.chance(50) { try work(index) }
    while let message = links[index].receiveDownward(now: now) {
      agents[index].receive(message, now: now, linkIsUp: links[index].isUp)
    }
    if random.chance(50) { try work(index) }
    agents[index].tick(now: now, linkIsUp: links[index].isUp)
    try work(index)
    guard links[index].isUp else { return }
    for message in agents[index].unsent {
      links[index].send(message, now: now, latency: random.milliseconds(0...latency))
    }
    agents[index].unsent = []
  }

  private mutating func work(_ index: Int) throws {
    try agents[index].work(now: now, service: &service)
    for start in agents[index].starts {
      note("agent \(index) starts \(start.row.seq) under \(start.session)")
      try oracle.started(start, now: now)
    }
    agents[index].starts = []
  }

  // MARK: The coordinator

  private mutating func stepCoordinator() throws {
    for end in scheduler.tick(now: now).ends { try ended(end) }
    addRows()
    for dispatch in scheduler.dispatch(now: now) {
      let tickets = scheduler.tickets(of: dispatch.rows, now: now)
      note("to \(dispatch.session): \(dispatch.rows) \(dispatch.shares.map { "\($0.origin)=\($0.connections)" })")
      for (seq, ticket) in zip(dispatch.rows, tickets) { try checkOrigin(seq, ticket) }
      try oracle.dispatched(dispatch, tickets: tickets)
      let rows = zip(dispatch.rows, tickets).map { seq, ticket in
        SimulatedRow(
          seq: seq,
          origin: ticket.origin,
          mustNotRepeat: ticket.mustNotRepeat,
          attempts: ticket.attempts,
          redirect: ticket.redirect
        )
      }
      let shares = dispatch.shares.map { (origin: $0.origin, connections: $0.connections) }
      send(.work(session: dispatch.session, shares: shares, rows: rows), to: dispatch.session)
    }
    guard scheduler.counts.submitted - scheduler.counts.recorded <= UInt64(windowRows) else {
      throw SimulationFailure("more rows than the window holds")
    }
  }

  private mutating func addRows() {
    while rowsLeft > 0, scheduler.needsRows {
      rowsLeft -= 1
      let home = random.chance(3) ? nil : random.chance(40) ? 0 : random.number(0...originCount - 1)
      let number = home.map { scheduler.number(of: Self.key(ofOrigin: $0)) } ?? 0
      let isUnsafe = home != nil && random.chance(unsafePercent)
      let length = random.number(20...300)
      guard case .taken(let seq) = scheduler.add(
        origin: number,
        length: length,
        location: 0,
        mustNotRepeat: isUnsafe
      ) else { preconditionFailure("nothing is known early") }
      planned.append(Planned(seq: seq, home: home))
      do { try oracle.added(seq, length: length, mustNotRepeat: isUnsafe) } catch { preconditionFailure("\(error)") }
    }
    if rowsLeft == 0 { scheduler.endInput() }
  }

  /// A row goes out under the number of the origin that its request is for: the agent trusts it.
  private mutating func checkOrigin(_ seq: UInt64, _ ticket: RowTicket) throws {
    let row = planned[Int(seq)]
    guard ticket.redirect == row.redirect else { throw SimulationFailure("row \(seq) has a wrong redirect state") }
    let key = row.redirect.map { Self.key(of: $0.url) } ?? row.home.map(Self.key(ofOrigin:))
    let expected = key.map { scheduler.number(of: $0) } ?? 0
    guard ticket.origin == expected else {
      throw SimulationFailure("row \(seq) goes to origin \(ticket.origin), but its request is for \(expected)")
    }
  }

  private static func key(ofOrigin origin: Int) -> [UInt8] { key(of: SimulatedService.url(ofOrigin: origin)) }

  private static func key(of text: [UInt8]) -> [UInt8] {
    var url = HTTPURL()
    guard (try? url.parseOrigin(text.span)) != nil else { return [] }
    var key: [UInt8] = []
    url.appendOriginKey(to: &key)
    return key
  }

  private mutating func send(_ message: CoordinatorMessage, to session: UInt64) {
    guard let bound = sessions.first(where: { $0.session == session }) else { return }
    // To a peer that is gone: the message is lost, and the session is left to its lease.
    guard links[bound.agent].connection == bound.connection else { return }
    links[bound.agent].send(message, now: now, latency: random.milliseconds(0...latency))
  }

  private mutating func ended(_ end: SessionEnd) throws {
    note("session \(end.session) ends: \(end.requeued) requeued, lost \(end.lost.map(\.seq))")
    sessions.removeAll { $0.session == end.session }
    try oracle.ended(end)
  }

  private mutating func receive(_ message: AgentMessage, from index: Int) throws {
    if case .hello(let nonce) = message {
      let reception = scheduler.hello(agents[index].greeting, now: now)
      let (session, fenced) = (reception.session, reception.fenced)
      if let fenced { try ended(fenced) }
      oracle.began(session, agents[index].greeting, now: now)
      sessions.append(Bound(session: session, agent: index, connection: links[index].connection))
      note("agent \(index) is welcomed as \(session)")
      return send(.welcome(nonce: nonce, session: session), to: session)
    }
    let session = message.session
    let isBound = sessions.contains { $0.session == session && $0.connection == links[index].connection }
    guard scheduler.isKnown(session), isBound else {
      let answer = CoordinatorMessage.helloAgain(session: session)
      return links[index].send(answer, now: now, latency: random.milliseconds(0...latency))
    }
    try receive(message, session)
  }

  private mutating func receive(_ message: AgentMessage, _ session: UInt64) throws {
    switch message {
    case .hello: break
    case .beat(_, let stamp):
      guard scheduler.beat(session, now: now) else { throw SimulationFailure("a known session may not beat") }
      oracle.beat(session, now: now)
      send(.echo(session: session, stamp: stamp), to: session)
    case .results(_, let seqs):
      note("results of \(session): \(seqs)")
      var acceptance = Acceptance()
      try scheduler.accept(seqs.map(column(seq:)), from: session, now: now, into: &acceptance)
      for seq in seqs { try oracle.recorded(seq, from: session) }
    case .deferrals(_, let deferrals):
      note("deferrals of \(session): \(deferrals.map { "\($0.seq) \($0.cause)" })")
      try scheduler.defer(deferrals, from: session, now: now)
      for deferral in deferrals {
        try oracle.deferred(deferral.seq, from: session)
        switch deferral.cause {
        case .failure, .status: planned[Int(deferral.seq)].redirect = nil
        case .redirect: planned[Int(deferral.seq)].redirect = deferral.redirect
        case .localTrouble, .notStarted: break
        }
      }
    case .lowered(_, let origin, let connections):
      note("\(session) lowered \(origin) to \(connections)")
      scheduler.sharesLowered([ShareGrant(origin: origin, connections: connections)], by: session)
      oracle.lowered(origin, to: connections, by: session)
    }
  }

  // MARK: Faults

  private mutating func injectFault() {
    guard now >= nextFault else { return }
    guard now < faultsEnd else { return endFaults() }
    nextFault = min(faultsEnd, now.adding(nanoseconds: random.milliseconds(100...6000)))
    let index = random.number(0...agents.count - 1)
    let kind = random.number(0...9)
    let long = random.chance(40)
    let until = now.adding(nanoseconds: random.milliseconds(long ? 8000...15_000 : 50...3000))
    guard agents[index].life == .running else { return }
    switch kind {
    case 0, 1:
      note("agent \(index) crashes")
      links[index].cut()
      linkRestored[index] = until
      agents[index].die(until: until)
      // A local agent's end is seen at once.
      if kind == 0, let bound = sessions.last(where: { $0.agent == index }), let end = scheduler.end(bound.session) {
        do { try ended(end) } catch { preconditionFailure("\(error)") }
      }
    case 2, 3, 4:
      note("agent \(index) freezes")
      agents[index].life = .frozen(until: until)
    case 5, 6, 7:
      note("link \(index) down")
      links[index].cut()
      linkRestored[index] = until
    default:
      let slowness = random.chance(50) ? 0 : random.milliseconds(100...13_000)
      links[index].slowness = slowness
      note("link \(index) slow by \(slowness / 1_000_000) ms")
    }
  }

  private mutating func endFaults() {
    note("faults end")
    nextFault = .distantFuture
    for index in agents.indices {
      links[index].slowness = 0
      linkRestored[index] = min(linkRestored[index], now)
      switch agents[index].life {
      case .frozen: agents[index].life = .frozen(until: now)
      case .dead: agents[index].life = .dead(until: now)
      case .running: break
      }
    }
  }
}
