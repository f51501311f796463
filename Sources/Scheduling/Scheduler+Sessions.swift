package import FetchModel

/// Who is here.
extension Scheduler {
  private static let silence: UInt64 = 3_000_000_000

  /// Sessions that are not at their end.
  package var sessionCount: Int { sessionSlots.count }

  /// Begins a session. An earlier one of the same instance is over: of two copies only the last may work. What
  /// `holdings` lists goes on in the new session.
  package mutating func hello(_ greeting: Greeting, holdings: [Holding] = [], now: Instant) -> Reception {
    clock = now
    let fenced = endEarlierSession(of: greeting, holdings)
    var hash = StableHash()
    hash.add(greeting.instance)
    let session = Session(
      identifier: nextSession,
      greeting: greeting,
      hash: hash.value,
      trustWindow: configuration.trustWindow,
      expiry: now.adding(nanoseconds: configuration.leaseNanoseconds),
      now: now
    )
    nextSession += 1
    let slot: Int
    if let free = sessions.firstIndex(where: { $0.standing == .gone }) {
      slot = free
      sessions[slot] = session
    } else {
      slot = sessions.count
      sessions.append(session)
    }
    sessionSlots[session.identifier] = Int32(slot)
    var reception = Reception(session: session.identifier, fenced: fenced)
    reception.renumbered = adopt(holdings, by: Int32(slot))
    // One that does not go on may be another process, and where its predecessor's connections are is not known.
    if greeting.isContinuing { noteReturn(of: greeting.instance) }
    return reception
  }

  /// Over the same connection it is the same process, which has closed what it had. Another copy may still run.
  private mutating func endEarlierSession(of greeting: Greeting, _ holdings: [Holding]) -> SessionEnd? {
    var ended: SessionEnd?
    for slot in sessions.indices {
      let session = sessions[slot]
      guard session.standing != .gone, session.greeting.instance == greeting.instance else { continue }
      let wasFenced = session.standing == .fenced
      let isSameProcess = session.greeting.link == greeting.link
      guard isSameProcess || !wasFenced else { continue }
      var moving = Set<UInt64>()
      if !wasFenced { for holding in holdings { moving.formUnion(holding.rows) } }
      let end = isSameProcess ? end(slot: Int32(slot), moving: moving) : fence(slot: Int32(slot), moving: moving)
      if !isSameProcess { sessions[slot].isSuperseded = true }
      if !wasFenced { ended = end }
    }
    return ended
  }

  /// Whether the session ended because another process began one under the same instance.
  package func isSuperseded(_ session: UInt64) -> Bool {
    sessions.contains { $0.identifier == session && $0.isSuperseded }
  }

  /// Renews a session's lease; false if there is no such session.
  package mutating func beat(_ session: UInt64, now: Instant) -> Bool {
    guard let slot = sessionSlots[session] else { return false }
    sessions[Int(slot)].isReachable = true
    sessions[Int(slot)].isSilent = false
    sessions[Int(slot)].lastBeat = now
    sessions[Int(slot)].expiry = now.adding(nanoseconds: configuration.leaseNanoseconds)
    return true
  }

  /// The agent will end when it has finished what it started.
  package mutating func draining(_ session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    sessions[Int(slot)].standing = .draining
    lowerAll(of: slot)
  }

  /// A message to the session could not be sent.
  package mutating func unreachable(_ session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    sessions[Int(slot)].isReachable = false
  }

  /// Takes rows back that were leased to the session and never left, so that even unsafe ones may go elsewhere.
  package mutating func undelivered(_ seqs: [UInt64], to session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    // From the back, each to the front of its queue: the order stays.
    for seq in seqs.reversed() where rows.contains(seq) {
      if rows[seq].session == slot {
        release(seq, from: slot)
        if !passToCopy(seq) { requeue(seq) }
      } else {
        dropCopy(seq, at: slot)
      }
    }
  }

  /// The rows were leased to a session and wait for something before they leave, so that its end does not make their
  /// fate unclear.
  package mutating func holdBack(_ seqs: [UInt64]) { heldBack.formUnion(seqs) }

  /// Nothing holds the rows back any more; returns those that leave now: the session still has their lease and
  /// connections for them, and their origin has not asked for a pause meanwhile. The others wait again.
  package mutating func letGo(_ seqs: [UInt64], to session: UInt64) -> [UInt64] {
    guard let slot = sessionSlots[session] else { return [] }
    let held = seqs.filter { seq in
      rows.contains(seq) && rows[seq].state == .leased && rows[seq].session == slot && heldBack.remove(seq) != nil
    }
    let leaving = held.filter { seq in
      guard rows[seq].origin != 0 else { return true }
      let origin = origins[Int(rows[seq].origin) - 1]
      // An agent that was told to lower its share to nothing has answered for the rows it had by then.
      guard origin.health.isOpen, let share = origin.shareIndex(of: slot) else { return false }
      return origin.shares[share].target > 0
    }
    if leaving.count < held.count { undelivered(held.filter { !leaving.contains($0) }, to: session) }
    return leaving
  }

  /// Whether the session has missed so many beats that it gets nothing new.
  package func isSilent(_ session: UInt64) -> Bool {
    guard let slot = sessionSlots[session] else { return false }
    return sessions[Int(slot)].isSilent
  }

  package func isKnown(_ session: UInt64) -> Bool { sessionSlots[session] != nil }

  /// The instances that may hold a lease, of this epoch or an earlier one, for whoever has to know them after a
  /// restart; one that two processes have stands twice.
  package var instances: [[UInt8]] {
    let here = sessions.filter { $0.standing != .gone }.map(\.greeting.instance)
    return here + (quarantine?.awaited ?? []).filter { !here.contains($0) }
  }

  /// Ends a session whose process is known to be gone; nil if it has ended already.
  package mutating func end(_ session: UInt64) -> SessionEnd? {
    guard let slot = sessionSlots[session] else { return nil }
    return end(slot: slot)
  }

  /// Ends a session whose process may go on until its lease has run out: its rows are given out again, its
  /// connections count until then. nil if it has ended already.
  package mutating func fence(_ session: UInt64) -> SessionEnd? {
    guard let slot = sessionSlots[session] else { return nil }
    return fence(slot: slot)
  }

  mutating func expireSessions(_ now: Instant) -> [SessionEnd] {
    var ends: [SessionEnd] = []
    for slot in sessions.indices {
      let session = sessions[slot]
      guard session.standing != .gone else { continue }
      if now.nanoseconds(since: session.lastBeat) >= Self.silence { sessions[slot].isSilent = true }
      guard session.expiry <= now else { continue }
      let end = end(slot: Int32(slot))
      if session.standing != .fenced { ends.append(end) }
    }
    return ends
  }

  /// Everything the session has not started comes back.
  mutating func lowerAll(of slot: Int32) {
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot), origins[index].shares[share].target > 0 else { continue }
      lower(UInt32(index + 1), share, to: 0)
      settle(UInt32(index + 1))
    }
  }

  // MARK: Ends

  /// `moving`: rows that the same agent goes on with in its next session.
  private mutating func end(slot: Int32, moving: Set<UInt64> = []) -> SessionEnd {
    let end = takeRows(of: slot, moving)
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      origins[index].shares.remove(at: share)
      settle(UInt32(index + 1))
    }
    sessions[Int(slot)] = .gone
    return end
  }

  private mutating func fence(slot: Int32, moving: Set<UInt64> = []) -> SessionEnd {
    let end = takeRows(of: slot, moving)
    sessions[Int(slot)].standing = .fenced
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      origins[index].shares[share].target = 0
      settle(UInt32(index + 1))
    }
    return end
  }

  /// Nothing of the session is waited for any more.
  private mutating func takeRows(of slot: Int32, _ moving: Set<UInt64>) -> SessionEnd {
    let session = sessions[Int(slot)]
    precondition(session.standing != .gone, "session slot \(slot) is empty")
    sessionSlots[session.identifier] = nil
    var loss = Loss(moving: moving)
    dropCopies(of: slot)
    unpin(slot)
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      let held = rows.sequence(of: origins[index].shares[share].leased)
      origins[index].shares[share].leased = RowList()
      for seq in held.reversed() { lose(seq, &loss) }
    }
    let held = rows.sequence(of: session.homeless)
    sessions[Int(slot)].homeless = RowList()
    for seq in held.reversed() { lose(seq, &loss) }
    return SessionEnd(
      session: session.identifier,
      agent: session.greeting.name,
      requeued: loss.requeued,
      lost: loss.lost.sorted { $0.seq < $1.seq }
    )
  }

  private struct Loss {
    let moving: Set<UInt64>
    var requeued = 0
    var lost: [EndedRow] = []
  }

  /// A row whose session is over, and which is in no list.
  private mutating func lose(_ seq: UInt64, _ loss: inout Loss) {
    rows[seq].session = -1
    counts.leased -= 1
    let wasHeldBack = !heldBack.isEmpty && heldBack.remove(seq) != nil
    if loss.moving.contains(seq) { return requeue(seq) }
    if passToCopy(seq) { return }
    if rows[seq].mustNotRepeat, !wasHeldBack {
      loss.lost.append(EndedRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts))
      finish(seq)
    } else {
      loss.requeued += 1
      requeue(seq)
    }
  }

  /// Rows that were kept for the session are for anyone again.
  private mutating func unpin(_ slot: Int32) {
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      unpin(share, of: UInt32(index + 1))
    }
  }

  mutating func unpin(_ share: Int, of number: UInt32) {
    let index = Int(number) - 1
    let pinned = rows.sequence(of: origins[index].shares[share].pinned)
    guard !pinned.isEmpty else { return }
    origins[index].shares[share].pinned = RowList()
    for seq in pinned.reversed() {
      rows[seq].session = -1
      rows.prepend(seq, to: &origins[index].queue)
    }
    settle(number)
  }
}
