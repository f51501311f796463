import DequeModule
import FetchModel

/// Origins, their queues, and where `dispatch` looks for them.
extension Scheduler {
  /// The number of an origin, given to it now if it has none. Add a row of it next.
  package mutating func number(of key: [UInt8]) -> UInt32 {
    if let known = originNumbers[key] { return known }
    var hash = StableHash()
    hash.add(key)
    let number: UInt32
    if let free = freeOrigins.popLast() {
      number = free
      origins[Int(free) - 1] = Origin(key: key, hash: hash.value)
    } else {
      origins.append(Origin(key: key, hash: hash.value))
      number = UInt32(origins.count)
    }
    originNumbers[key] = number
    return number
  }

  /// Puts a queued row into its origin's queue, for whoever has a share.
  mutating func enqueue(_ seq: UInt64, atFront: Bool) {
    let number = rows[seq].origin
    guard number != 0 else {
      return atFront ? rows.prepend(seq, to: &homeless) : rows.append(seq, to: &homeless)
    }
    let index = Int(number) - 1
    if atFront {
      rows.prepend(seq, to: &origins[index].queue)
    } else {
      rows.append(seq, to: &origins[index].queue)
    }
    origins[index].queued += 1
    settle(number)
  }

  /// A leased row that nobody holds any more, and which is in no list, waits again.
  mutating func requeue(_ seq: UInt64) {
    rows[seq].state = .queued
    counts.queued += 1
    returnHomeIfUnknown(seq)
    enqueue(seq, atFront: true)
  }

  /// Puts a queued row to the front of its queue; one that failed at a session goes to another if there is one.
  mutating func queueElsewhere(_ seq: UInt64) {
    let avoided = Int32(rows[seq].avoided)
    let number = rows[seq].origin
    guard avoided >= 0, number != 0, sessions.count > 1, let share = shareElsewhere(number, than: avoided) else {
      return enqueue(seq, atFront: true)
    }
    pin(seq, to: share)
  }

  /// Keeps a queued row, which is in no list, for one session.
  mutating func pin(_ seq: UInt64, to share: Int) {
    let number = rows[seq].origin
    let index = Int(number) - 1
    rows[seq].session = origins[index].shares[share].session
    rows.append(seq, to: &origins[index].shares[share].pinned)
    origins[index].queued += 1
    settle(number)
  }

  /// Takes a queued or deferred row out of where it waits.
  mutating func withdraw(_ seq: UInt64) {
    guard rows[seq].state == .queued else {
      // Its entry in the heap is skipped when its time comes.
      counts.deferred -= 1
      counts.queued += 1
      rows[seq].state = .queued
      return
    }
    let number = rows[seq].origin
    guard number != 0 else { return rows.remove(seq, from: &homeless) }
    let index = Int(number) - 1
    if rows[seq].session >= 0, let share = origins[index].shareIndex(of: rows[seq].session) {
      rows.remove(seq, from: &origins[index].shares[share].pinned)
    } else {
      rows.remove(seq, from: &origins[index].queue)
    }
    rows[seq].session = -1
    origins[index].queued -= 1
    settle(number)
  }

  /// Leases a queued row, which is in no list, to a session.
  mutating func noteLease(_ seq: UInt64, to slot: Int32, now: Instant) {
    rows[seq].state = .leased
    rows[seq].session = slot
    if rows[seq].firstLease == 0 { rows[seq].firstLease = max(elapsed(now), 1) }
    counts.queued -= 1
    counts.leased += 1
    sessions[Int(slot)]?.outstandingRows += 1
    sessions[Int(slot)]?.outstandingBytes += Int(rows[seq].length)
    let number = rows[seq].origin
    guard number != 0 else {
      sessions[Int(slot)]?.noteHomeless(seq, in: &rows)
      return
    }
    guard let share = origins[Int(number) - 1].shareIndex(of: slot) else {
      preconditionFailure("row \(seq) is leased to a session without a share of its origin")
    }
    rows.append(seq, to: &origins[Int(number) - 1].shares[share].leased)
    origins[Int(number) - 1].shares[share].isUsed = true
  }

  func elapsed(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds(since: start) / 10_000_000)
  }

  /// An origin's queue, shares or health have changed: it is put where `dispatch` looks for it, or forgotten.
  mutating func settle(_ number: UInt32) {
    let index = Int(number) - 1
    if origins[index].queued > 0 {
      guard origins[index].health.isOpen else { return noteGivenUp(number) }
      if origins[index].isServed {
        for share in origins[index].shares.indices { makeReady(number, share) }
      } else if !origins[index].isUnplaced {
        origins[index].isUnplaced = true
        unplaced.append(number)
      }
    } else {
      for share in origins[index].shares.indices { noteIdle(number, share) }
      forgetIfPossible(number)
    }
  }

  func isCurrent(_ number: UInt32) -> Bool { originNumbers[origins[Int(number) - 1].key] == number }

  mutating func forgetIfPossible(_ number: UInt32) {
    let index = Int(number) - 1
    guard origins[index].isForgettable, isCurrent(number) else { return }
    originNumbers[origins[index].key] = nil
    freeOrigins.append(number)
  }

  /// A share that has nothing to do is listed once with its session, however it came to that.
  mutating func noteIdle(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isListedIdle, entry.target > 0, entry.outstanding == 0, origins[index].queued == 0 else { return }
    origins[index].shares[share].isListedIdle = true
    sessions[Int(entry.session)]?.idleShares.append(number)
  }

  /// Rows that a share's session may be given more. An unsafe request leaves only when a connection is free for it:
  /// what is lost with an agent was in flight. An origin that comes back slowly gets no row ahead of its time.
  func room(for share: Share, at index: Int) -> Int {
    guard share.target > 0 else { return 0 }
    switch origins[index].health.phase {
    case .healthy: break
    case .parked, .down: return 0
    case .probing: return 1 - origins[index].outstanding
    case .recovering: return share.target - share.outstanding
    }
    let head = share.pinned.isEmpty ? origins[index].queue.head : share.pinned.head
    guard head != Row.none else { return 0 }
    return (rows[head].mustNotRepeat ? min(share.depth, share.target) : share.depth) - share.outstanding
  }

  mutating func makeReady(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isReady, !(entry.pinned.isEmpty && origins[index].queue.isEmpty), room(for: entry, at: index) > 0
    else { return }
    origins[index].shares[share].isReady = true
    sessions[Int(entry.session)]?.ready.append(number)
  }
}

extension Session {
  /// Holds a row that has no origin.
  mutating func noteHomeless(_ seq: UInt64, in rows: inout RowTable) { rows.append(seq, to: &homeless) }
}
