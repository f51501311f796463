import FetchModel
import Scheduling

// An agent as far as the scheduler can tell: the production session and outbox, and rows that take time instead of
// sockets. What the real agent's threads do one after the other is done here in one place, with the same order of
// messages: finished rows leave before the answer to `collect`, and holdings are of the moment of that answer.

/// One agent process, or the gap between two.
struct SimulatedAgent {
  enum Life: Equatable {
    case running
    /// Does nothing at all: `running`.
    case frozen(until: Instant)
    /// Has forgotten everything: `running`, as another instance unless it is a copy.
    case dead(until: Instant)
  }

  struct Flight {
    let row: SimulatedRow
    let end: Instant
    let answer: SimulatedOrigins.Answer
  }

  struct Slot {
    var origin: UInt32
    let key: [UInt8]
    var share = 0
    var owesLowered = false
    var waiting: [SimulatedRow] = []
    var flights: [Flight] = []
  }

  struct Start {
    let row: SimulatedRow
    let lease: LeaseName
    let leaves: Bool
  }

  let index: Int
  let connections: Int
  let creditRows: Int
  let creditBytes: Int
  let retries: Int
  /// Blocks that may wait for their acknowledgement.
  let unacknowledgedBlocks: Int
  /// What its own clock is ahead of the simulation's, and how many thousandths it is fast.
  private let clockOffset: UInt64
  private let clockRate: UInt64
  private(set) var instance: [UInt8] = []
  private var draws: UInt64 = 0
  var life = Life.running
  var isNetworkBroken = false
  var session: AgentSession
  var lease = LeaseName(epoch: 0, session: 0)
  private var leaseEnd = Instant.zero
  var slots: [Slot] = []
  /// Shares of origins that have had no row yet.
  var early: [UInt32: Int] = [:]
  var outbox = Outbox<SimulatedBlock>()
  private var holdings: [Holding] = []
  var collecting: (keepsRows: Bool, due: Instant)?
  private var departure: Departure?
  private var pending: [AgentMessage] = []
  let mutation: Mutation?
  /// What was started since the simulation last looked.
  var starts: [Start] = []

  init(index: Int, retries: Int, mutation: Mutation?, random: inout SimulationRandom) {
    self.index = index
    self.retries = retries
    self.mutation = mutation
    connections = random.chance(40) ? random.number(1...2) : random.number(3...10)
    creditRows = random.chance(30) ? random.number(2...8) : random.number(8...200)
    creditBytes = random.chance(20) ? random.number(200...2000) : 1_000_000
    unacknowledgedBlocks = random.chance(20) ? random.number(1...4) : 100
    clockOffset = random.next() >> 8
    clockRate = UInt64(random.number(970...1030))
    session = AgentSession(nonce: random.next())
    takeNewInstance()
  }

  private mutating func takeNewInstance() {
    draws += 1
    instance = [UInt8(index), UInt8(truncatingIfNeeded: draws)] + Array(repeating: 0, count: 14)
  }

  /// Connections that are open to an origin, by its key; the lease says whether they count.
  func openConnections(to key: [UInt8]) -> Int {
    slots.reduce(0) { $0 + ($1.key == key ? $1.flights.count : 0) }
  }

  func holdsLease(_ now: Instant) -> Bool { local(now) < leaseEnd }

  /// When something of its own becomes due.
  var due: Instant {
    switch life {
    case .frozen(let end), .dead(let end): return end
    case .running:
      var due = collecting?.due ?? .distantFuture
      for slot in slots { for flight in slot.flights { due = min(due, flight.end) } }
      return due
    }
  }

  /// What is due in the agent's own time, seen by its own clock.
  func local(_ now: Instant) -> Instant {
    Instant(nanoseconds: now.nanoseconds / 1000 * clockRate).adding(nanoseconds: clockOffset)
  }

  // MARK: Life

  mutating func die(until end: Instant) {
    life = .dead(until: end)
    slots = []
    early = [:]
    outbox = Outbox()
    holdings = []
    pending = []
    collecting = nil
    departure = nil
    leaseEnd = .zero
  }

  /// `isCopy`: under the instance it had before, as a process that was cloned.
  mutating func beBorn(isCopy: Bool, random: inout SimulationRandom) {
    life = .running
    if !isCopy { takeNewInstance() }
    session = AgentSession(nonce: random.next())
  }

  /// Another process under the same instance.
  mutating func clone(of other: SimulatedAgent, random: inout SimulationRandom) {
    instance = other.instance
    session = AgentSession(nonce: random.next())
    life = .running
  }

  mutating func drain(now: Instant) {
    guard departure == nil else { return }
    departure = Departure(end: local(now).adding(nanoseconds: 5_000_000_000))
    perform(session.drain(), now, linkIsUp: true)
  }

  /// Says goodbye if everything is finished and in good hands, or its time is over. Returns whether it did.
  mutating func departIfDone(now: Instant) -> Bool {
    let isEmptyHanded =
      outbox.isEmpty && collecting == nil && slots.allSatisfy { $0.waiting.isEmpty && $0.flights.isEmpty }
    let isOver = departure?.isOver(
      isEmptyHanded: isEmptyHanded,
      hasSession: session.session != 0,
      now: local(now)
    )
    guard isOver == true else { return false }
    perform(session.part(), now, linkIsUp: true)
    return true
  }

  // MARK: Session

  mutating func tick(now: Instant, linkIsUp: Bool) {
    if let (keepsRows, due) = collecting, due <= now {
      collecting = nil
      collect(keepsRows: keepsRows)
      perform(session.collected(now: local(now)), now, linkIsUp: linkIsUp)
    }
    perform(session.tick(now: local(now)), now, linkIsUp: linkIsUp)
  }

  mutating func receive(_ message: CoordinatorMessage, now: Instant, linkIsUp: Bool) {
    let time = local(now)
    switch message.body {
    case .welcome(let nonce, let renumbered):
      let actions = session.welcomed(
        nonce: nonce,
        session: message.session,
        epoch: message.epoch,
        job: [1],
        now: time
      )
      if actions.contains(where: { if case .begin = $0 { true } else { false } }) {
        lease = LeaseName(epoch: message.epoch, session: message.session)
        renumber(renumbered)
      }
      perform(actions, now, linkIsUp: linkIsUp)
    case .helloAgain(let isSuperseded):
      let actions = session.unknown(session: message.session, epoch: message.epoch, isSuperseded: isSuperseded)
      perform(actions, now, linkIsUp: linkIsUp)
    case .echo, .work, .recall, .acknowledgement:
      guard session.isCurrent(session: message.session, epoch: message.epoch) else { return }
      switch session.admit(message.number) {
      case .next: obey(message.body, now, linkIsUp: linkIsUp)
      case .repeated: break
      case .gap: perform(session.lostMessage(), now, linkIsUp: linkIsUp)
      }
    }
  }

  private mutating func obey(_ body: CoordinatorMessage.Body, _ now: Instant, linkIsUp: Bool) {
    switch body {
    case .echo(let stamp):
      departure?.echoed(stamp: stamp)
      perform(session.echoed(stamp: stamp, now: local(now)), now, linkIsUp: linkIsUp)
    case .work(let shares, let rows):
      for share in shares { setShare(of: share.origin, to: share.connections, rows) }
      for row in rows { slots[slot(of: row.origin, key: row.key)].waiting.append(row) }
    case .recall(let recall): giveBack(recall)
    case .acknowledgement(let block): _ = outbox.acknowledged(upTo: block)
    case .welcome, .helloAgain: break
    }
  }

  private mutating func perform(_ actions: [AgentSession.Action], _ now: Instant, linkIsUp: Bool) {
    for action in actions {
      switch action {
      case .collect(let keepsRows):
        // The workers answer when they get to it; the lease has told them to stop if they are to.
        var random = SimulationRandom(seed: now.nanoseconds ^ UInt64(index))
        collecting = (keepsRows, now.adding(nanoseconds: random.milliseconds(0...50)))
        pending = []
      case .sendHello(let nonce):
        guard linkIsUp else {
          session.helloNotSent()
          continue
        }
        pending = [AgentMessage(body: .hello(greeting(link: 0), nonce: nonce, holdings: holdings))]
      case .sendBeat(_, let stamp): say(.beat(stamp: stamp))
      case .lease(let end): leaseEnd = end
      case .begin(_, let isNewJob):
        pending = []
        if isNewJob { _ = outbox.removeAll() } else { outbox.beginSession() }
      case .takeNewInstance: takeNewInstance()
      case .sendDraining:
        let time = local(now)
        departure?.announced(at: time)
        say(.draining)
      case .sendGoodbye: say(.goodbye)
      case .refused: break
      }
    }
  }

  mutating func say(_ body: AgentMessage.Body) {
    pending.append(AgentMessage(session: session.session, number: session.nextNumber(), body: body))
  }

  func greeting(link: UInt64) -> Greeting {
    Greeting(
      instance: instance,
      name: "agent-\(index)",
      link: link,
      connections: connections,
      creditRows: creditRows,
      creditBytes: creditBytes,
      isContinuing: session.isContinuing
    )
  }

  /// What the socket takes now.
  mutating func takeMessages() -> [AgentMessage] {
    if session.session != 0 {
      while mutation != .holdsResultsBack || index != 0, let block = outbox.takeUnsent() {
        say(.block(number: block.number, block.payload))
      }
    }
    defer { pending = [] }
    return pending
  }

  // MARK: What it has in hand

  private mutating func collect(keepsRows: Bool) {
    let inHand = slots.flatMap { $0.waiting.map(\.seq) + $0.flights.map(\.row.seq) }
    early = [:]
    if !keepsRows { slots = [] }
    holdings = slots.map { slot in
      Holding(
        origin: slot.origin,
        key: slot.key,
        connections: max(slot.share, slot.flights.count),
        rows: slot.waiting.map(\.seq) + slot.flights.map(\.row.seq)
      )
    }
    for index in slots.indices {
      slots[index].share = max(slots[index].share, slots[index].flights.count)
      slots[index].owesLowered = false
    }
    // Rows that were dropped, too: a block from before they came again would say that they were never lost.
    _ = outbox.prune(inHand: inHand)
    let finished = outbox.seqs
    if !finished.isEmpty { holdings.append(Holding(origin: 0, key: [], connections: 0, rows: finished)) }
  }

  private mutating func renumber(_ renumbered: [(held: UInt32, origin: UInt32)]) {
    for index in slots.indices {
      if let new = renumbered.first(where: { $0.held == slots[index].origin }) { slots[index].origin = new.origin }
    }
  }

  private mutating func slot(of origin: UInt32, key: [UInt8]) -> Int {
    if let known = slots.firstIndex(where: { $0.origin == origin }) { return known }
    slots.append(Slot(origin: origin, key: key, share: early.removeValue(forKey: origin) ?? 0))
    return slots.count - 1
  }

  // MARK: Shares

  private mutating func setShare(of origin: UInt32, to connections: Int, _ rows: [SimulatedRow]) {
    let known = slots.firstIndex { $0.origin == origin }
    guard let slot = known ?? rows.first(where: { $0.origin == origin }).map({ self.slot(of: origin, key: $0.key) })
    else {
      // Nothing is open yet, so a lower share is reached at once.
      early[origin] = connections == 0 ? nil : connections
      if connections == 0 { say(.lowered([ShareGrant(origin: origin, connections: 0)])) }
      return
    }
    if connections < slots[slot].share { slots[slot].owesLowered = true }
    slots[slot].share = connections
    if connections == 0 { giveBack(from: slot) { _ in true } }
  }

  private mutating func giveBack(_ recall: Recall) {
    guard let slot = slots.firstIndex(where: { $0.origin == recall.origin }) else { return }
    giveBack(from: slot) { recall.seqs.contains($0.seq) }
  }

  private mutating func giveBack(from slot: Int, _ isMeant: (SimulatedRow) -> Bool) {
    let returned = slots[slot].waiting.filter(isMeant).map { row in
      Deferral(
        seq: row.seq,
        cause: row.redirect == nil ? .notStarted : .redirect,
        attempts: row.attempts,
        redirect: row.redirect
      )
    }
    slots[slot].waiting.removeAll(where: isMeant)
    if !returned.isEmpty { outbox.add(.deferrals(returned)) }
  }

  mutating func confirmLowered() {
    for slot in slots.indices where slots[slot].owesLowered && slots[slot].flights.count <= slots[slot].share {
      slots[slot].owesLowered = false
      if session.session != 0 {
        say(.lowered([ShareGrant(origin: slots[slot].origin, connections: slots[slot].share)]))
      }
    }
    slots.removeAll { $0.share == 0 && $0.waiting.isEmpty && $0.flights.isEmpty && !$0.owesLowered }
  }
}
