import FetchModel

/// What is known of a row before it is read from the input again.
enum EarlyRow: Equatable {
  /// A session has it in hand: `recorded`, `returned`, `lost`.
  case held(slot: Int32, origin: UInt32)
  /// Its record was accepted.
  case recorded
  /// It came back unfinished after so many attempts.
  case returned(attempts: UInt16)
  /// Its session ended.
  case lost
}

/// After a restart: whose shares are not known yet.
struct Quarantine: Equatable {
  var awaited: [[UInt8]]
  /// The leases of the last epoch have run out.
  let end: Instant
}

/// What agents bring along from before the coordinator's start.
extension Scheduler {
  /// Whether shares may be given out: those of the last epoch's agents are known or void.
  package var isQuarantined: Bool { quarantine != nil }

  mutating func noteReturn(of instance: [UInt8]) {
    quarantine?.awaited.removeAll { $0 == instance }
    if quarantine?.awaited.isEmpty == true { liftQuarantine() }
  }

  mutating func liftQuarantine() {
    quarantine = nil
    for index in origins.indices { settle(UInt32(index + 1)) }
  }

  /// Leases to a session what it holds: connections that are open, and rows, most of which are to be read again.
  mutating func adopt(_ holdings: [Holding], by slot: Int32) -> [(held: UInt32, origin: UInt32)] {
    var renumbered: [(held: UInt32, origin: UInt32)] = []
    for holding in holdings {
      let origin = holding.key.isEmpty ? 0 : number(of: holding.key)
      if origin != 0 {
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
    let limit = origins[index].health.ceiling(of: configuration.connectionsPerOrigin)
    let room = max(0, limit - origins[index].granted)
    var share = Share(session: slot, connections: connections)
    // Nothing is listed twice; a peer that does so gets no second share.
    guard origins[index].shareIndex(of: slot) == nil else { return }
    share.target = min(connections, room)
    share.told = connections
    origins[index].shares.append(share)
    sessions[Int(slot)]?.freeConnections -= connections
    // Another limit than the last epoch's.
    if share.target < connections { announce(number, slot) }
  }

  private mutating func adoptRow(_ seq: UInt64, origin: UInt32, by slot: Int32) {
    guard let session = sessions[Int(slot)], session.creditRows > 0 else { return }
    if seq >= rows.nextSeq {
      guard early[seq] == nil else { return }
      early[seq] = .held(slot: slot, origin: origin)
      if origin != 0 {
        origins[Int(origin) - 1].live += 1
        addCopy(of: origin, to: slot)
      }
      sessions[Int(slot)]?.outstandingRows += 1
    } else if rows.contains(seq), rows[seq].state == .queued || rows[seq].state == .deferred {
      withdraw(seq)
      if rows[seq].origin != origin { detour(seq, to: origin) }
      noteLease(seq, to: slot, now: start)
    } else {
      noteOrphan(seq, origin: origin, length: 0, at: slot)
      sessions[Int(slot)]?.outstandingRows += 1
      if origin != 0 { addCopy(of: origin, to: slot) }
    }
  }

  mutating func addCopy(of origin: UInt32, to slot: Int32) {
    let index = Int(origin) - 1
    if let share = origins[index].shareIndex(of: slot) { origins[index].shares[share].copies += 1 }
  }

  private mutating func removeCopy(of origin: UInt32, from slot: Int32) {
    let index = Int(origin) - 1
    if let share = origins[index].shareIndex(of: slot) { origins[index].shares[share].copies -= 1 }
  }

  /// The row is not at its own origin, for a reason that only its agent knows; a retry begins anew at its own.
  private mutating func detour(_ seq: UInt64, to origin: UInt32) {
    let home = rows[seq].origin
    detours[seq] = Detour(state: nil, homeKey: home == 0 ? [] : origins[Int(home) - 1].key)
    moveRow(seq, to: origin)
  }

  /// A row that was just read, and of which something is known already.
  mutating func takeIn(_ seq: UInt64, _ known: EarlyRow) -> Intake {
    switch known {
    case .held(let slot, let origin):
      if origin != 0 {
        origins[Int(origin) - 1].live -= 1
        removeCopy(of: origin, from: slot)
      }
      sessions[Int(slot)]?.outstandingRows -= 1
      if rows[seq].origin != origin { detour(seq, to: origin) }
      noteLease(seq, to: slot, now: start)
      if origin != 0 { settle(origin) }
      return .taken(seq: seq)
    case .recorded:
      counts.queued -= 1
      finish(seq)
      return .recorded(seq: seq)
    case .lost where rows[seq].mustNotRepeat:
      let ended = EndedRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts)
      counts.queued -= 1
      finish(seq)
      return .lost(ended)
    case .lost:
      enqueue(seq, atFront: false)
      return .taken(seq: seq)
    case .returned(let attempts):
      rows[seq].attempts = attempts
      enqueue(seq, atFront: false)
      return .taken(seq: seq)
    }
  }

  /// A session says of a row that it adopted, and that was not read yet, what became of it.
  mutating func endEarlyRow(_ seq: UInt64, at slot: Int32, as next: EarlyRow) {
    guard case .held(slot, let origin) = early[seq] else { preconditionFailure("row \(seq) is not held early") }
    early[seq] = next
    giveBackCredit(to: slot, length: 0)
    guard origin != 0 else { return }
    removeCopy(of: origin, from: slot)
    leave(origin)
    settle(origin)
  }

  mutating func loseEarlyRows(of slot: Int32) {
    guard !early.isEmpty else { return }
    for (seq, row) in early {
      guard case .held(slot, let origin) = row else { continue }
      early[seq] = .lost
      if origin != 0 { leave(origin) }
    }
  }
}
