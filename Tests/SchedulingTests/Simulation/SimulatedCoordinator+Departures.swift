import FetchModel
import Scheduling

/// Unsafe rows on their way: leased, then logged, then sent. A crash may come between any two of these.
struct SimulatedDeparture {
  let session: UInt64
  let instance: [UInt8]
  let seqs: [UInt64]
  let due: Instant
  var isLogged = false
}

extension SimulatedCoordinator {
  mutating func holdBack(_ seqs: [UInt64], for session: UInt64, _ now: Instant) {
    guard !seqs.isEmpty, let peer = peers.first(where: { $0.session == session }) else { return }
    if mutation != .forgetsToHoldBack { scheduler.holdBack(seqs) }
    coverage.note(.heldBack, seqs.count)
    departures.append(
      // A sync, more or less.
      SimulatedDeparture(session: session, instance: peer.instance, seqs: seqs, due: now.adding(nanoseconds: 3_000_000))
    )
  }

  /// What was logged in an earlier step leaves now.
  mutating func sendLogged(_ now: Instant, _ oracle: inout SimulationOracle) throws {
    while let first = departures.first, first.isLogged {
      departures.removeFirst()
      let seqs = mutation == .forgetsToHoldBack ? first.seqs : scheduler.letGo(first.seqs, to: first.session)
      coverage.note(.stayed, first.seqs.count - seqs.count)
      guard !seqs.isEmpty, let peer = peers.first(where: { $0.session == first.session }) else { continue }
      if connections[peer.agent] != peer.connection, seqs.count.isMultiple(of: 2) {
        scheduler.unreachable(first.session)
        scheduler.undelivered(seqs, to: first.session)
        continue
      }
      let rows = try prepare(seqs, for: LeaseName(epoch: epoch, session: first.session), now, &oracle)
      send(.work(shares: [], rows: rows), to: first.session)
    }
    for index in departures.indices where max(departures[index].due, disk.stalledUntil) <= now {
      departures[index].isLogged = true
      for seq in departures[index].seqs { disk.unsafeLog[Int(seq)] = departures[index].instance }
    }
  }

  /// Rows as they travel.
  mutating func prepare(
    _ seqs: [UInt64],
    for lease: LeaseName,
    _ now: Instant,
    _ oracle: inout SimulationOracle
  ) throws -> [SimulatedRow] {
    try zip(seqs, scheduler.tickets(of: seqs, now: now)).map { seq, ticket in
      let key = ticket.origin == 0 ? [] : scheduler.key(ofOrigin: ticket.origin)
      let wanted =
        ticket.redirect.map { SimulatedOrigins.key(of: $0.url) }
        ?? input[Int(seq)].home.map { SimulatedOrigins.key(of: $0) } ?? []
      guard key == wanted else { throw SimulationFailure(.booksBalance, "row \(seq) goes to a wrong origin") }
      try oracle.dispatched(seq, key, to: lease, suspended: scheduler.suspendedAgents, now: now)
      coverage.note(.doubling, oracle.takeDoublings())
      return SimulatedRow(
        seq: seq,
        origin: ticket.origin,
        key: key,
        mustNotRepeat: ticket.mustNotRepeat,
        attempts: ticket.attempts,
        redirect: ticket.redirect
      )
    }
  }
}
