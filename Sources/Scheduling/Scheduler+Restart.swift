import FetchModel

/// What is known of a row that was not read from the input again, and that nobody has in hand.
enum EarlyRow: Equatable {
  /// Its record was accepted.
  case recorded
  /// It came back unfinished after so many attempts.
  case returned(attempts: UInt16, by: [UInt8])
  /// The session that had it in hand ended.
  case lost
}

/// After a restart: whose shares are not known yet.
struct Quarantine: Equatable {
  var awaited: [[UInt8]]
  /// The leases of the last epoch have run out.
  let end: Instant
}

/// What agents bring along from before the coordinator's start, or from an earlier session.
extension Scheduler {
  /// Whether shares may be given out: those of the last epoch's agents are known or void.
  package var isQuarantined: Bool { quarantine != nil }

  mutating func noteReturn(of instance: [UInt8]) {
    // Of two processes under one instance it is not known which one has not come back.
    guard quarantine?.awaited.count(where: { $0 == instance }) == 1 else { return }
    quarantine?.awaited.removeAll { $0 == instance }
    if quarantine?.awaited.isEmpty == true { liftQuarantine() }
  }

  mutating func liftQuarantine() {
    quarantine = nil
    for index in origins.indices { settle(UInt32(index + 1)) }
  }

  /// Unsafe rows that were about to leave before this epoch and that no agent has: some agent had them, and is gone.
  mutating func takeUnclear() -> [EndedRow] {
    guard !isQuarantined, !unclear.isEmpty else { return [] }
    defer { unclear = [] }
    return unclear.compactMap { seq in
      guard rows.contains(seq), rows[seq].state == .queued, departed[seq] != nil else { return nil }
      withdraw(seq)
      counts.queued -= 1
      let ended = EndedRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts)
      finish(seq)
      return ended
    }
  }

  // MARK: Adoption

  /// Leases to a session what it holds: connections that are open, and rows, most of which are to be read again.
  mutating func adopt(_ holdings: [Holding], by slot: Int32) -> [(held: UInt32, origin: UInt32)] {
    var renumbered: [(held: UInt32, origin: UInt32)] = []
    for holding in holdings {
      let origin = holding.key.isEmpty ? 0 : number(of: holding.key)
      if origin != 0 {
        // Its agent can answer for an origin once only.
        guard origins[Int(origin) - 1].shareIndex(of: slot) == nil else { continue }
        renumbered.append((holding.origin, origin))
        adoptShare(of: origin, connections: holding.connections, by: slot)
      }
      for seq in holding.rows { adoptRow(seq, origin: origin, by: slot) }
      if origin != 0 { settle(origin) }
    }
    return renumbered
  }

  private mutating func adoptShare(of number: UInt32, connections: Int, by slot: Int32) {
    let index = Int(number) - 1
    let room = max(0, limit(of: index) - origins[index].granted)
    var share = Share(session: slot, connections: connections)
    share.target = min(connections, room)
    share.told = connections
    if origins[index].shares.isEmpty { origins[index].servedSince = clock }
    origins[index].shares.append(share)
    sessions[Int(slot)].freeConnections -= connections
    sessions[Int(slot)].comingConnections += connections - share.target
    // Another limit than the last epoch's.
    if share.target < connections { announce(number, slot) }
  }

  private mutating func adoptRow(_ seq: UInt64, origin: UInt32, by slot: Int32) {
    // Rows that were not read can only be known from an earlier epoch.
    guard seq < rows.nextSeq || isContinued else { return }
    guard !isCopy(seq, at: slot), !(rows.contains(seq) && rows[seq].session == slot) else { return }
    if rows.contains(seq), rows[seq].state == .queued || rows[seq].state == .deferred, mayAnswer(for: seq, slot) {
      withdraw(seq)
      if rows[seq].origin != origin { detour(seq, to: origin) }
      // From here on somebody answers for it.
      if !departed.isEmpty { departed[seq] = nil }
      noteLease(seq, to: slot, now: clock)
    } else {
      addCopy(seq, origin: origin, length: 0, at: slot)
      if seq >= rows.nextSeq, early[seq] != .recorded { early[seq] = nil }
    }
  }

  /// Whether what the session says of the row is the latest: an unsafe one may have gone to another since.
  func mayAnswer(for seq: UInt64, _ slot: Int32) -> Bool {
    guard !departed.isEmpty, let instance = departed[seq] else { return true }
    return instance == sessions[Int(slot)].greeting.instance
  }

  /// The row is not at its own origin, for a reason that only its agent knows; a retry begins anew at its own.
  mutating func detour(_ seq: UInt64, to origin: UInt32) {
    let home = rows[seq].origin
    let known = detours[seq]?.homeKey
    detours[seq] = Detour(state: nil, homeKey: known ?? (home == 0 ? [] : origins[Int(home) - 1].key))
    moveRow(seq, to: origin)
  }

  // MARK: Rows that are read again

  /// A row that was just read, and of which something may be known.
  mutating func takeIn(_ seq: UInt64) -> Intake {
    if hasCopies(seq), passToCopy(seq) {
      counts.queued -= 1
      return .taken(seq: seq)
    }
    switch early.removeValue(forKey: seq) {
    case .recorded:
      counts.queued -= 1
      finish(seq)
      return .recorded(seq: seq)
    case .lost where rows[seq].mustNotRepeat: return loseUnread(seq)
    case .returned(let attempts, let instance):
      rows[seq].attempts = attempts
      if departed[seq] == instance { departed[seq] = nil }
    case .lost, nil: break
    }
    if departed[seq] != nil {
      guard isQuarantined else { return loseUnread(seq) }
      unclear.append(seq)
    }
    enqueue(seq, atFront: false)
    return .taken(seq: seq)
  }

  private mutating func loseUnread(_ seq: UInt64) -> Intake {
    let ended = EndedRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts)
    counts.queued -= 1
    finish(seq)
    return .lost(ended)
  }
}
