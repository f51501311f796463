import DequeModule
package import FetchModel

/// Who gets which rows.
extension Scheduler {
  /// Rows per turn of an origin, so that a long queue does not keep others waiting.
  private static let turn = 64
  private static let probeInterval: UInt64 = 5_000_000_000
  private static let probeOrigins = 4096

  /// Gives out what can be given out now: rows, and shares new, larger or asked back; asks for rows back.
  package mutating func dispatch(now: Instant) -> [Dispatch] {
    clock = now
    if !isQuarantined {
      growSharesIfDue(now)
      placeOrigins(now)
    }
    for slot in sessions.indices { serve(Int32(slot), now) }
    if !isQuarantined {
      splitHotOrigins(now)
      balanceIfDue(now)
    }
    defer { dispatches.removeAll(keepingCapacity: true) }
    for dispatch in dispatches { noteTold(dispatch) }
    return dispatches.filter { !$0.isEmpty && sessionSlots[$0.session] != nil }
  }

  /// Fills a session's credit from its ready origins, in turns.
  mutating func serve(_ slot: Int32, _ now: Instant) {
    // Not bound to a name: a copy would make the queues inside be copied when they change.
    while sessions[Int(slot)].hasCredit {
      if !homeless.isEmpty {
        giveHomelessRow(to: slot, now)
        continue
      }
      guard let number = sessions[Int(slot)].ready.popFirst() else { return }
      let index = Int(number) - 1
      guard let share = origins[index].shareIndex(of: slot), origins[index].shares[share].isReady else { continue }
      origins[index].shares[share].isReady = false
      growIfWorthwhile(number, share, now)
      let given = giveTurn(number, share, slot, limit: Self.turn, now)
      // What may not be given now is looked at again when something has changed.
      if given > 0 { settle(number) }
      noteHeat(number)
    }
    if sessions[Int(slot)].trust.isSuspended { serveProbe(slot, now) }
  }

  /// A suspended agent gets a row from time to time, which shows whether its network is back.
  private mutating func serveProbe(_ slot: Int32, _ now: Instant) {
    let session = sessions[Int(slot)]
    guard session.hasRoom, session.outstandingRows == 0, now >= session.nextProbe else { return }
    if session.ready.isEmpty, !isQuarantined { grantProbe(to: slot) }
    while let number = sessions[Int(slot)].ready.popFirst() {
      let index = Int(number) - 1
      guard let share = origins[index].shareIndex(of: slot), origins[index].shares[share].isReady else { continue }
      origins[index].shares[share].isReady = false
      // What may not be given now is looked at again when something has changed.
      guard giveTurn(number, share, slot, limit: 1, now) == 0 else {
        settle(number)
        sessions[Int(slot)].nextProbe = now.adding(nanoseconds: Self.probeInterval)
        return
      }
    }
  }

  /// One connection to some origin that has rows for a probe.
  private mutating func grantProbe(to slot: Int32) {
    guard sessions[Int(slot)].freeConnections > 0 else {
      return reclaimIdleShares(of: slot, atMost: 1)
    }
    for _ in 0..<min(origins.count, Self.probeOrigins) {
      balanceCursor = balanceCursor + 1 >= origins.count ? 0 : balanceCursor + 1
      let index = balanceCursor
      guard !origins[index].queue.isEmpty, origins[index].health.isOpen, origins[index].granted < limit(of: index),
        origins[index].shareIndex(of: slot) == nil
      else { continue }
      return grant(UInt32(index + 1), to: slot, connections: 1)
    }
  }

  private mutating func giveHomelessRow(to slot: Int32, _ now: Instant) {
    guard let seq = rows.first(of: homeless) else { return }
    rows.remove(seq, from: &homeless)
    noteLease(seq, to: slot, now: now)
    withDispatch(to: slot) { $0.rows.append(seq) }
  }

  /// Leases up to a turn of an origin's rows to the session of one of its shares. While shares of the last epoch are
  /// not known, somebody may be at work on a row that must not be sent twice.
  private mutating func giveTurn(_ number: UInt32, _ share: Int, _ slot: Int32, limit: Int, _ now: Instant) -> Int {
    let index = Int(number) - 1
    guard origins[index].health.isOpen, sessions[Int(slot)].hasRoom else { return 0 }
    let position = dispatchIndex(of: slot)
    let room = min(limit, sessions[Int(slot)].creditRows)
    let safeRoom = min(room, self.room(for: share, at: index, isUnsafe: false))
    let unsafeRoom = isQuarantined ? 0 : min(room, self.room(for: share, at: index, isUnsafe: true))
    var bytes = sessions[Int(slot)].creditBytes
    let when = max(elapsed(now), 1)
    var pinned = origins[index].shares[share].pinned
    var queue = origins[index].queue
    var leased = origins[index].shares[share].leased
    var given = 0
    // The lists are changed aside: this runs once for each row.
    while bytes > 0 {
      let place = Int(pinned.isEmpty ? queue.head : pinned.head)
      guard place >= 0, given < (rows[at: place].mustNotRepeat ? unsafeRoom : safeRoom) else { break }
      if pinned.isEmpty { rows.remove(place: place, from: &queue) } else { rows.remove(place: place, from: &pinned) }
      bytes -= rows[at: place].lease(to: slot, when)
      rows.append(place: place, to: &leased)
      dispatches[position].rows.append(rows[at: place].seq)
      given += 1
    }
    guard given > 0 else { return 0 }
    if origins[index].shares[share].outstanding == 0 { origins[index].shares[share].lastNews = now }
    origins[index].queue = queue
    origins[index].shares[share].pinned = pinned
    origins[index].shares[share].leased = leased
    origins[index].shares[share].isUsed = true
    origins[index].queued -= given
    noteLeases(given, bytes: sessions[Int(slot)].creditBytes - bytes, to: slot)
    return given
  }

  // MARK: What is told

  /// Where what the session is to be told is collected.
  mutating func dispatchIndex(of slot: Int32) -> Int {
    let identifier = sessions[Int(slot)].identifier
    // Sessions are served one after the other, so the last is most often it.
    if !dispatches.isEmpty, dispatches[dispatches.count - 1].session == identifier { return dispatches.count - 1 }
    if let known = dispatches.firstIndex(where: { $0.session == identifier }) { return known }
    dispatches.append(Dispatch(session: identifier))
    return dispatches.count - 1
  }

  mutating func withDispatch(to slot: Int32, _ change: (inout Dispatch) -> Void) {
    change(&dispatches[dispatchIndex(of: slot)])
  }

  /// Tells a session the target of its share.
  mutating func announce(_ number: UInt32, _ slot: Int32) {
    let index = Int(number) - 1
    guard let share = origins[index].shareIndex(of: slot) else { return }
    let grant = ShareGrant(origin: number, connections: origins[index].shares[share].target)
    withDispatch(to: slot) { dispatch in
      dispatch.shares.removeAll { $0.origin == number }
      dispatch.shares.append(grant)
    }
  }

  private mutating func noteTold(_ dispatch: Dispatch) {
    guard let slot = sessionSlots[dispatch.session] else { return }
    for grant in dispatch.shares {
      let index = Int(grant.origin) - 1
      if let share = origins[index].shareIndex(of: slot) { origins[index].shares[share].told = grant.connections }
    }
  }

  /// What was to be told of a share is not any more.
  mutating func retract(_ number: UInt32, from slot: Int32) {
    withDispatch(to: slot) { dispatch in dispatch.shares.removeAll { $0.origin == number } }
  }

  /// Whether the session's share changes already in this round.
  func isAnnounced(_ number: UInt32, to slot: Int32) -> Bool {
    let identifier = sessions[Int(slot)].identifier
    guard let dispatch = dispatches.first(where: { $0.session == identifier }) else { return false }
    return dispatch.shares.contains { $0.origin == number }
  }
}
