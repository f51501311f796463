import FetchModel

/// A row that a session has in hand without being its holder: a double, a row that somebody else's result has ended,
/// or one that its agent brought along.
struct RowCopy {
  let origin: UInt32
  let length: Int
}

/// Rows that more than one session has in hand. The first record counts, whoever brings it; what the others bring
/// is not wanted any more, but uses their credit until they say so.
extension Scheduler {
  /// Whether a record of the row would count.
  func isOpen(_ seq: UInt64) -> Bool {
    seq >= rows.nextSeq
      ? early[seq] != .recorded && !recorded.contains(seq) : rows.contains(seq) && rows[seq].state != .recorded
  }

  func hasCopies(_ seq: UInt64) -> Bool { !copies.isEmpty && copies[seq] != nil }

  func isCopy(_ seq: UInt64, at slot: Int32) -> Bool { sessions[Int(slot)].copies[seq] != nil }

  /// The session has the row in hand, too.
  mutating func addCopy(_ seq: UInt64, origin: UInt32, length: Int, at slot: Int32) {
    precondition(!isCopy(seq, at: slot), "session slot \(slot) has two copies of row \(seq)")
    sessions[Int(slot)].copies[seq] = RowCopy(origin: origin, length: length)
    sessions[Int(slot)].outstandingRows += 1
    sessions[Int(slot)].outstandingBytes += length
    if isOpen(seq) { copies[seq, default: []].append(slot) }
    guard origin != 0 else { return }
    // It keeps the origin's number, which its agent will name.
    origins[Int(origin) - 1].live += 1
    if let share = origins[Int(origin) - 1].shareIndex(of: slot) { origins[Int(origin) - 1].shares[share].copies += 1 }
  }

  /// The session does not have it in hand any more.
  mutating func dropCopy(_ seq: UInt64, at slot: Int32) {
    guard let copy = sessions[Int(slot)].copies.removeValue(forKey: seq) else { return }
    forgetCopy(seq, of: slot)
    giveBackCredit(to: slot, length: copy.length)
    guard copy.origin != 0 else { return }
    if let share = origins[Int(copy.origin) - 1].shareIndex(of: slot) {
      origins[Int(copy.origin) - 1].shares[share].copies -= 1
      settleShare(copy.origin, share)
    }
    leave(copy.origin)
  }

  private mutating func forgetCopy(_ seq: UInt64, of slot: Int32) {
    guard var slots = copies[seq] else { return }
    slots.removeAll { $0 == slot }
    copies[seq] = slots.isEmpty ? nil : slots
  }

  /// The session ends: nothing it has in hand is waited for.
  mutating func dropCopies(of slot: Int32) {
    let held = sessions[Int(slot)].copies
    guard !held.isEmpty else { return }
    sessions[Int(slot)].copies = [:]
    for (seq, copy) in held.sorted(by: { $0.key < $1.key }) {
      forgetCopy(seq, of: slot)
      if seq >= rows.nextSeq, copies[seq] == nil, early[seq] == nil { early[seq] = .lost }
      guard copy.origin != 0 else { continue }
      if let share = origins[Int(copy.origin) - 1].shareIndex(of: slot) {
        origins[Int(copy.origin) - 1].shares[share].copies -= 1
      }
      leave(copy.origin)
    }
  }

  /// Nobody holds the row, which is queued or leased to nobody and in no list: a session that has a copy is its holder
  /// from now on. False if there is none.
  mutating func passToCopy(_ seq: UInt64) -> Bool {
    guard !copies.isEmpty, let slot = copies[seq]?.first(where: { mayAnswer(for: seq, $0) }),
      let copy = sessions[Int(slot)].copies.removeValue(forKey: seq)
    else { return false }
    forgetCopy(seq, of: slot)
    if !departed.isEmpty { departed[seq] = nil }
    // Only its agent knows how it came to another origin.
    if rows[seq].origin != copy.origin { detour(seq, to: copy.origin) }
    rows[seq].state = .leased
    rows[seq].session = slot
    if rows[seq].firstLease == 0 { rows[seq].firstLease = 1 }
    counts.leased += 1
    sessions[Int(slot)].outstandingBytes += Int(rows[seq].length) - copy.length
    guard copy.origin != 0 else {
      sessions[Int(slot)].noteHomeless(seq, in: &rows)
      return true
    }
    guard let share = origins[Int(copy.origin) - 1].shareIndex(of: slot) else {
      preconditionFailure("session slot \(slot) has row \(seq) in hand without a share of its origin")
    }
    origins[Int(copy.origin) - 1].shares[share].copies -= 1
    rows.append(seq, to: &origins[Int(copy.origin) - 1].shares[share].leased)
    leave(copy.origin)
    return true
  }

  /// The row has its record, from a session that was not its holder: whoever was has a copy now, and whoever was to
  /// be given it is not.
  mutating func supersedeHolder(of seq: UInt64) {
    let (origin, length, holder) = (rows[seq].origin, Int(rows[seq].length), rows[seq].session)
    switch rows[seq].state {
    case .leased:
      // First the copy: a share without rows and connections goes.
      addCopy(seq, origin: origin, length: length, at: holder)
      forgetCopy(seq, of: holder)
      release(seq, from: holder)
    case .queued, .deferred:
      withdraw(seq)
      counts.queued -= 1
    case .recorded: preconditionFailure("row \(seq) is recorded twice")
    }
  }
}
