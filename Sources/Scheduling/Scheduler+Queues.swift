import DequeModule
import FetchModel

/// Origins, their queues, and where `dispatch` looks for them.
extension Scheduler {
  /// The number of an origin, given to it now if it has none. Add a row of it next.
  package mutating func number(of key: [UInt8]) -> UInt32 {
    let entry = OriginKey(bytes: key)
    if let known = originNumbers[entry] { return known }
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
    originNumbers[entry] = number
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
    // Behind others it changes nothing: they are looked for already, or cannot be given out now.
    if origins[index].queued == 1 || atFront { settle(number) }
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
    guard let place = rows.place(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
    let number = rows[at: Int32(place)].origin
    guard number != 0 else {
      noteLease(at: Int32(place), to: slot, now)
      rows.append(place: place, to: &sessions[Int(slot)].homeless)
      return
    }
    guard let share = origins[Int(number) - 1].shareIndex(of: slot) else {
      preconditionFailure("row \(seq) is leased to a session without a share of its origin")
    }
    lease(Int32(place), by: share, of: Int(number) - 1, to: slot, now)
  }

  /// Leases a queued row, which is in no list, to the session of a share.
  mutating func lease(_ place: Int32, by share: Int, of index: Int, to slot: Int32, _ now: Instant) {
    noteLease(at: place, to: slot, now)
    rows.append(place: Int(place), to: &origins[index].shares[share].leased)
    origins[index].shares[share].isUsed = true
  }

  private mutating func noteLease(at place: Int32, to slot: Int32, _ now: Instant) {
    let elapsed = max(elapsed(now), 1)
    let length = Self.noteLease(&rows[at: place], to: slot, elapsed)
    counts.queued -= 1
    counts.leased += 1
    sessions[Int(slot)].outstandingRows += 1
    sessions[Int(slot)].outstandingBytes += length
  }

  private static func noteLease(_ row: inout Row, to slot: Int32, _ elapsed: UInt32) -> Int {
    row.state = .leased
    row.session = slot
    if row.firstLease == 0 { row.firstLease = elapsed }
    return Int(row.length)
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

  func isCurrent(_ number: UInt32) -> Bool { originNumbers[OriginKey(bytes: origins[Int(number) - 1].key)] == number }

  mutating func forgetIfPossible(_ number: UInt32) {
    let index = Int(number) - 1
    guard origins[index].isForgettable, isCurrent(number) else { return }
    originNumbers[OriginKey(bytes: origins[index].key)] = nil
    freeOrigins.append(number)
  }

  /// A share that has nothing to do is listed once with its session, however it came to that.
  mutating func noteIdle(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isListedIdle, entry.target > 0, entry.outstanding == 0, origins[index].queued == 0 else { return }
    origins[index].shares[share].isListedIdle = true
    sessions[Int(entry.session)].idleShares.append(number)
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
    guard head >= 0 else { return 0 }
    return (rows[at: head].mustNotRepeat ? min(share.depth, share.target) : share.depth) - share.outstanding
  }

  mutating func makeReady(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isReady, !(entry.pinned.isEmpty && origins[index].queue.isEmpty), room(for: entry, at: index) > 0
    else { return }
    origins[index].shares[share].isReady = true
    sessions[Int(entry.session)].ready.append(number)
  }
}

extension Session {
  /// Holds a row that has no origin.
  mutating func noteHomeless(_ seq: UInt64, in rows: inout RowTable) { rows.append(seq, to: &homeless) }
}
