import FetchModel
import Scheduling

// The coordinator's shell in small: the production scheduler, sessions bound to the connection that began them,
// numbered messages, blocks acknowledged once they are durable. Its disk outlives it: records, the log of unsafe
// rows that left, and who holds a lease. A coordinator that is started again reads the input anew.

/// One coordinator process, or the gap between two, with its disk.
struct SimulatedCoordinator {
  enum Life: Equatable { case running, frozen(until: Instant), dead(until: Instant) }

  struct Outgoing {
    let agent: Int
    let connection: Int
    let message: CoordinatorMessage
  }

  let input: [PlannedRow]
  private let configuration: Scheduler.Configuration
  let mutation: Mutation?
  private(set) var epoch: UInt64 = 1
  var scheduler: Scheduler
  private(set) var peers: [SimulatedPeer] = []
  private var rowsRead = 0
  var life = Life.running
  var disk: SimulatedDisk
  var outgoing: [Outgoing] = []
  /// Of each agent, by index: its connection if there is one.
  var connections: [Int?] = []
  var coverage = SimulationCoverage()
  /// Unsafe rows that wait for their log.
  var departures: [SimulatedDeparture] = []
  private var recalled: Set<UInt64> = []
  /// What it has to tell of its decisions.
  private(set) var notes: [String] = []

  mutating func takeNotes() -> [String] {
    defer { notes = [] }
    return notes
  }

  init(_ configuration: Scheduler.Configuration, input: [PlannedRow], mutation: Mutation?, now: Instant) {
    var configuration = configuration
    if mutation == .expiresEarly { configuration.leaseNanoseconds = 5_000_000_000 }
    self.configuration = configuration
    self.input = input
    self.mutation = mutation
    scheduler = Scheduler(configuration, now: now)
    disk = SimulatedDisk(rows: input.count)
  }

  var isDone: Bool {
    life == .running && scheduler.isComplete && disk.queue.isEmpty
  }

  // MARK: Life

  mutating func crash(until end: Instant, now: Instant, _ oracle: SimulationOracle) throws {
    try settleDisk(now, oracle)
    disk.queue = []
    departures = []
    peers = []
    outgoing = []
    life = .dead(until: end)
  }

  mutating func restart(now: Instant) {
    life = .running
    epoch += 1
    recalled = []
    coverage.note(.restart)
    var recorded = RowSet()
    for (seq, count) in disk.records.enumerated() where count > 0 { recorded.insert(UInt64(seq)) }
    scheduler = Scheduler(
      configuration,
      awaited: mutation == .skipsQuarantine ? [] : disk.instances,
      recorded: recorded,
      now: now
    )
    rowsRead = 0
  }

  // MARK: The disk

  /// What is durable by now is; its blocks are acknowledged.
  mutating func settleDisk(_ now: Instant, _ oracle: SimulationOracle) throws {
    while let first = disk.queue.first, max(first.due, disk.stalledUntil) <= now {
      disk.queue.removeFirst()
      if mutation == .losesOwnRecords, first.session == 0 { continue }
      for seq in first.seqs { disk.records[Int(seq)] += mutation == .writesTwice ? 2 : 1 }
      try settle(block: first.block, of: first.session, oracle)
    }
  }

  var diskDue: Instant { disk.queue.first.map { max($0.due, disk.stalledUntil) } ?? .distantFuture }

  private mutating func write(_ seqs: [UInt64], session: UInt64, block: UInt64, now: Instant, delay: UInt64) {
    let due = max(now.adding(nanoseconds: delay), disk.queue.last?.due ?? .zero)
    disk.queue.append(SimulatedDisk.Commit(seqs: seqs, session: session, block: block, due: due))
  }

  private mutating func settle(block: UInt64, of session: UInt64, _ oracle: SimulationOracle) throws {
    guard let index = peers.firstIndex(where: { $0.session == session }) else { return }
    for entry in peers[index].unsettled.indices where peers[index].unsettled[entry].block == block {
      peers[index].unsettled[entry].isDurable = true
    }
    var settled: UInt64?
    while let first = peers[index].unsettled.first, first.isDurable || mutation == .acknowledgesEarly {
      try oracle.acknowledged(first.seqs, records: disk.records)
      settled = first.block
      peers[index].unsettled.removeFirst()
    }
    if let settled { send(.acknowledgement(block: settled), to: session) }
  }

  // MARK: Messages

  mutating func send(_ body: CoordinatorMessage.Body, to session: UInt64) {
    guard let index = peers.firstIndex(where: { $0.session == session }) else { return }
    let isOutside = if case .welcome = body { true } else { false }
    let number = isOutside ? 0 : peers[index].outgoing.next()
    outgoing.append(
      Outgoing(
        agent: peers[index].agent,
        connection: peers[index].connection,
        message: CoordinatorMessage(session: session, epoch: epoch, number: number, body: body)
      )
    )
  }

  private mutating func sayHelloAgain(_ session: UInt64, agent: Int, connection: Int) {
    let body = CoordinatorMessage.Body.helloAgain(isSuperseded: scheduler.isSuperseded(session))
    outgoing.append(
      Outgoing(
        agent: agent,
        connection: connection,
        message: CoordinatorMessage(session: session, epoch: epoch, body: body)
      )
    )
  }

  mutating func receive(
    _ message: AgentMessage,
    from agent: Int,
    connection: Int,
    now: Instant,
    diskDelay: UInt64,
    oracle: inout SimulationOracle
  ) throws {
    if case .hello(let greeting, let nonce, let holdings) = message.body {
      return try greet(greeting, nonce, holdings, agent, connection, now, &oracle)
    }
    guard scheduler.isKnown(message.session),
      let index = peers.firstIndex(where: {
        $0.session == message.session && $0.agent == agent && $0.connection == connection
      })
    else { return sayHelloAgain(message.session, agent: agent, connection: connection) }
    switch peers[index].incoming.admit(message.number) {
    case .next: break
    case .repeated: return
    case .gap:
      coverage.note(.fence)
      if let end = scheduler.fence(message.session) { try ended(end, isFenced: true, now, diskDelay, &oracle) }
      return sayHelloAgain(message.session, agent: agent, connection: connection)
    }
    try take(message.body, message.session, index, now, diskDelay, &oracle)
  }

  private mutating func greet(
    _ greeting: Greeting,
    _ nonce: UInt64,
    _ holdings: [Holding],
    _ agent: Int,
    _ connection: Int,
    _ now: Instant,
    _ oracle: inout SimulationOracle
  ) throws {
    var believed = greeting
    if mutation == .ignoresCredit {
      believed.creditRows *= 100
      believed.creditBytes *= 100
    }
    let reception = scheduler.hello(believed, holdings: holdings, now: now)
    coverage.note(.adoption, reception.renumbered.count)
    if let end = reception.fenced {
      try ended(end, isFenced: scheduler.isSuperseded(end.session), now, 1_000_000, &oracle)
    }
    oracle.forgetFenced(on: greeting.link, greeting.instance)
    peers.append(
      SimulatedPeer(
        session: reception.session,
        instance: greeting.instance,
        agent: agent,
        connection: connection
      )
    )
    oracle.began(LeaseName(epoch: epoch, session: reception.session), greeting, holdings, now: now)
    disk.instances = scheduler.instances
    send(.welcome(nonce: nonce, renumbered: reception.renumbered), to: reception.session)
  }

  private mutating func take(
    _ body: AgentMessage.Body,
    _ session: UInt64,
    _ index: Int,
    _ now: Instant,
    _ diskDelay: UInt64,
    _ oracle: inout SimulationOracle
  ) throws {
    let lease = LeaseName(epoch: epoch, session: session)
    switch body {
    case .hello: break
    case .beat(let stamp):
      guard scheduler.beat(session, now: now) else {
        throw SimulationFailure(.honestAgentsAreBelieved, "a known session may not beat")
      }
      oracle.beat(lease, now: now)
      send(.echo(stamp: stamp), to: session)
    case .block(let number, let block):
      guard number == peers[index].lastBlock + 1 else {
        throw SimulationFailure(.honestAgentsAreBelieved, "block \(number) of \(session) is out of order")
      }
      peers[index].lastBlock = number
      try take(block, number, lease, index, now, diskDelay, &oracle)
    case .lowered(let grants):
      for grant in grants { oracle.lowered(scheduler.key(ofOrigin: grant.origin), to: grant.connections, by: lease) }
      scheduler.sharesLowered(grants, by: session)
    case .pause(let origin, let milliseconds):
      oracle.paused(scheduler.key(ofOrigin: origin), milliseconds: milliseconds, now: now)
      scheduler.pause(origin, milliseconds: mutation == .hidesPauses ? 0 : milliseconds, from: session, now: now)
    case .draining:
      coverage.note(.drain)
      scheduler.draining(session)
    case .goodbye: if let end = scheduler.end(session) { try ended(end, isFenced: false, now, diskDelay, &oracle) }
    }
  }

  private mutating func take(
    _ block: SimulatedBlock,
    _ number: UInt64,
    _ lease: LeaseName,
    _ index: Int,
    _ now: Instant,
    _ diskDelay: UInt64,
    _ oracle: inout SimulationOracle
  ) throws {
    do {
      switch block {
      case .results(let columns):
        var acceptance = Acceptance()
        // The mistaken one says that somebody else's rows are its own.
        let reporter = mutation == .mixesUpSessions ? peers[0].session : lease.session
        try scheduler.accept(columns, from: reporter, now: now, into: &acceptance)
        var seqs = columns.map(\.seq)
        oracle.reported(seqs, by: lease)
        coverage.note(.lateResult, acceptance.refused.count)
        coverage.note(.earlyResult, seqs.count { $0 >= UInt64(rowsRead) })
        if mutation != .keepsRefusedLines {
          for position in acceptance.refused.reversed() { seqs.remove(at: position) }
        }
        try oracle.accepted(seqs)
        peers[index].unsettled.append(SimulatedPeer.Unsettled(block: number, seqs: seqs))
        write(seqs, session: lease.session, block: number, now: now, delay: diskDelay)
        if mutation == .acknowledgesEarly { try settle(block: number, of: lease.session, oracle) }
      case .deferrals(var deferrals):
        for deferral in deferrals { oracle.deferred(deferral, by: lease, now: now) }
        if mutation == .hidesPauses {
          for position in deferrals.indices { deferrals[position].retryAfterMilliseconds = 0 }
        }
        coverage.note(.returnOfRecalled, deferrals.count { $0.cause == .notStarted && recalled.contains($0.seq) })
        try scheduler.defer(deferrals, from: lease.session, now: now)
        oracle.reported(deferrals.map(\.seq), by: lease)
        peers[index].unsettled.append(SimulatedPeer.Unsettled(block: number, seqs: []))
        try settle(block: number, of: lease.session, oracle)
      }
    } catch let refusal as Refusal {
      throw SimulationFailure(.honestAgentsAreBelieved, "\(refusal) for a block of \(lease)")
    }
  }

  // MARK: Time

  /// What the loop does when it has taken its messages.
  mutating func step(
    now: Instant,
    diskDelay: UInt64,
    random: inout SimulationRandom,
    origins: SimulatedOrigins,
    oracle: inout SimulationOracle
  ) throws {
    try settleDisk(now, oracle)
    let passing = scheduler.tick(now: now)
    for end in passing.ends { try ended(end, isFenced: false, now, diskDelay, &oracle) }
    for origin in passing.givenUp {
      try oracle.gaveUp(
        origin,
        isTrue: origins.wasDown(origins.number(of: origin.key), since: oracle.doubtful(now), now: now),
        now: now
      )
      coverage.note(.downOrigin)
      notes.append("\(String(decoding: origin.key, as: UTF8.self)) is down: \(origin.rows.map(\.seq))")
      try record(origin.rows, now, diskDelay, &oracle)
    }
    try lose(passing.lost, now, diskDelay, &oracle)
    try readInput(now, diskDelay, &random, &oracle)
    try sendLogged(now, &oracle)
    for dispatch in scheduler.dispatch(now: now) { try carryOut(dispatch, now, &oracle) }
    noteState()
    disk.instances = scheduler.instances
  }

  private mutating func noteState() {
    coverage.note(.suspension, scheduler.suspendedAgents.count)
    coverage.note(.jobPause, scheduler.isPaused ? 1 : 0)
    coverage.note(.originPause, scheduler.parkedOriginCount)
    coverage.note(.quarantine, scheduler.isQuarantined ? 1 : 0)
  }

  /// The shell sees a local process end.
  mutating func processEnded(agent: Int, now: Instant, oracle: inout SimulationOracle) throws {
    for peer in peers where peer.agent == agent {
      guard let end = scheduler.end(peer.session) else { continue }
      coverage.note(.processEnd)
      try ended(end, isFenced: false, now, 1_000_000, &oracle)
    }
  }

  private mutating func ended(
    _ end: SessionEnd,
    isFenced: Bool,
    _ now: Instant,
    _ diskDelay: UInt64,
    _ oracle: inout SimulationOracle
  ) throws {
    notes.append(
      "session \(end.session) \(isFenced ? "is fenced" : "ends"): \(end.requeued) requeued, lost \(end.lost.map(\.seq))"
    )
    oracle.ended(LeaseName(epoch: epoch, session: end.session), isFenced: isFenced)
    peers.removeAll { $0.session == end.session }
    if isFenced { coverage.note(.superseded, scheduler.isSuperseded(end.session) ? 1 : 0) }
    if mutation == .inventsLosses { try oracle.lost(0, isLogged: false) }
    try lose(end.lost, now, diskDelay, &oracle)
  }

  private mutating func lose(_ rows: [EndedRow], _ now: Instant, _ diskDelay: UInt64, _ oracle: inout SimulationOracle)
    throws
  {
    coverage.note(.loss, rows.count)
    for row in rows { try oracle.lost(row.seq, isLogged: disk.unsafeLog[Int(row.seq)] != nil) }
    try record(rows, now, diskDelay, &oracle)
  }

  private mutating func record(
    _ rows: [EndedRow],
    _ now: Instant,
    _ diskDelay: UInt64,
    _ oracle: inout SimulationOracle
  ) throws {
    guard !rows.isEmpty else { return }
    try oracle.accepted(rows.map(\.seq))
    write(rows.map(\.seq), session: 0, block: 0, now: now, delay: diskDelay)
  }

  private mutating func readInput(
    _ now: Instant,
    _ diskDelay: UInt64,
    _ random: inout SimulationRandom,
    _ oracle: inout SimulationOracle
  ) throws {
    // A reader may be slow: agents come back before their rows are read again.
    var budget = random.chance(30) ? random.number(0...5) : 1000
    while rowsRead < input.count, scheduler.needsRows, budget > 0 {
      budget -= 1
      let row = input[rowsRead]
      let seq = UInt64(rowsRead)
      rowsRead += 1
      if disk.records[Int(seq)] > 0 {
        scheduler.skip()
        oracle.skipped(seq)
        continue
      }
      let intake = scheduler.add(
        origin: row.home.map { scheduler.number(of: SimulatedOrigins.key(of: $0)) } ?? 0,
        length: row.length,
        location: 0,
        mustNotRepeat: row.isUnsafe,
        leftTo: mutation == .losesUnsafeLog ? nil : disk.unsafeLog[Int(seq)]
      )
      switch intake {
      case .taken: break
      case .recorded: break
      case .lost(let row): try lose([row], now, diskDelay, &oracle)
      }
    }
    if rowsRead == input.count { scheduler.endInput() }
  }

  private mutating func carryOut(
    _ dispatch: Dispatch,
    _ now: Instant,
    _ oracle: inout SimulationOracle
  ) throws {
    let lease = LeaseName(epoch: epoch, session: dispatch.session)
    notes.append("gives \(dispatch.session) \(dispatch.rows)")
    let inflation = mutation == .inflatesShares ? 1 : 0
    let shares = dispatch.shares.map { ShareGrant(origin: $0.origin, connections: $0.connections + inflation) }
    for share in shares {
      coverage.note(.lowering, share.connections == 0 ? 1 : 0)
      coverage.note(.growth, share.connections > 1 ? 1 : 0)
      coverage.note(.split, oracle.sharers(of: scheduler.key(ofOrigin: share.origin)) > 0 ? 1 : 0)
      try oracle.granted(scheduler.key(ofOrigin: share.origin), share.connections, to: lease, now: now)
    }
    let unsafe = dispatch.rows.filter { input[Int($0)].isUnsafe }
    holdBack(unsafe, for: dispatch.session, now)
    let ready = dispatch.rows.filter { !unsafe.contains($0) }
    var rows = try prepare(ready, for: lease, now, &oracle)
    if mutation == .doublesAtWill, let row = rows.first,
      let other = peers.first(where: { $0.session != dispatch.session })
    {
      try oracle.dispatched(
        row.seq,
        row.key,
        to: LeaseName(epoch: epoch, session: other.session),
        suspended: [],
        now: now
      )
    }
    try oracle.checkCredit(of: lease)
    if mutation == .losesDispatchedRows, rows.count > 2 { rows.removeLast() }
    for recall in dispatch.recalls { recalled.formUnion(recall.seqs) }
    coverage.note(.recall, dispatch.recalls.count)
    if let peer = peers.first(where: { $0.session == dispatch.session }), connections[peer.agent] != peer.connection,
      ready.count.isMultiple(of: 2)
    {
      // The socket says so; in the other cases it takes the message, which is lost.
      coverage.note(.undelivered)
      scheduler.unreachable(dispatch.session)
      scheduler.undelivered(ready, to: dispatch.session)
      return oracle.undelivered(ready, by: lease)
    }
    if !shares.isEmpty || !rows.isEmpty { send(.work(shares: shares, rows: rows), to: dispatch.session) }
    for recall in dispatch.recalls { send(.recall(recall), to: dispatch.session) }
  }

  /// Everybody leaves and time passes: nothing is remembered.
  mutating func checkLeftovers(now: Instant) throws {
    if mutation == .leaksOrigins { _ = scheduler.number(of: [1]) }
    for peer in peers { _ = scheduler.end(peer.session) }
    var later = now
    for _ in 0..<40 {
      later = later.adding(nanoseconds: 60_000_000_000)
      _ = scheduler.tick(now: later)
      _ = scheduler.dispatch(now: later)
    }
    if let left = scheduler.leftovers() { throw SimulationFailure(.nothingIsKept, left) }
  }

  /// The scheduler's own books, or what the mutation makes of them.
  var counts: RowCounts {
    var counts = scheduler.counts
    if mutation == .miscounts, counts.leased > 3 { counts.queued += 1 }
    return counts
  }
}
