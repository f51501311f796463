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

  /// Keeps a queued row, which is in no list, for one session, before others.
  mutating func pin(_ seq: UInt64, to share: Int) {
    let number = rows[seq].origin
    let index = Int(number) - 1
    rows[seq].session = origins[index].shares[share].session
    rows.prepend(seq, to: &origins[index].shares[share].pinned)
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
    let number = rows[at: place].origin
    guard number != 0 else {
      noteLease(at: place, to: slot, now)
      rows.append(place: place, to: &sessions[Int(slot)].homeless)
      return
    }
    guard let share = origins[Int(number) - 1].shareIndex(of: slot) else {
      preconditionFailure("row \(seq) is leased to a session without a share of its origin")
    }
    lease(place, by: share, of: Int(number) - 1, to: slot, now)
  }

  /// Leases a queued row, which is in no list, to the session of a share.
  private mutating func lease(_ place: Int, by share: Int, of index: Int, to slot: Int32, _ now: Instant) {
    noteLease(at: place, to: slot, now)
    if origins[index].shares[share].outstanding == 0 { origins[index].shares[share].lastNews = now }
    rows.append(place: place, to: &origins[index].shares[share].leased)
    origins[index].shares[share].isUsed = true
  }

  private mutating func noteLease(at place: Int, to slot: Int32, _ now: Instant) {
    let length = rows[at: place].lease(to: slot, max(elapsed(now), 1))
    noteLeases(1, bytes: length, to: slot)
  }

  /// So many rows that were queued are the session's now.
  mutating func noteLeases(_ count: Int, bytes: Int, to slot: Int32) {
    counts.queued -= UInt64(count)
    counts.leased += UInt64(count)
    sessions[Int(slot)].outstandingRows += count
    sessions[Int(slot)].outstandingBytes += bytes
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
    guard origins[index].isForgettable else { return rememberIfProbing(number) }
    guard isCurrent(number) else { return }
    originNumbers[OriginKey(bytes: origins[index].key)] = nil
    freeOrigins.append(number)
  }

  /// A share that has nothing to do is listed once with its session, however it came to that.
  mutating func noteIdle(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    guard !origins[index].shares[share].isListedIdle, origins[index].shares[share].target > 0,
      origins[index].shares[share].outstanding == 0, origins[index].queued == 0
    else { return }
    origins[index].shares[share].isListedIdle = true
    let slot = Int(origins[index].shares[share].session)
    sessions[slot].idleShares.append(number)
    tidyIdleShares(of: slot)
  }

  /// Entries of shares that are gone are dropped before they are many.
  private mutating func tidyIdleShares(of slot: Int) {
    guard sessions[slot].idleShares.count > 2 * sessions[slot].greeting.connections + 64 else { return }
    var kept: Deque<UInt32> = []
    for number in sessions[slot].idleShares {
      // Each stands once from here on.
      guard let share = origins[Int(number) - 1].shareIndex(of: Int32(slot)),
        origins[Int(number) - 1].shares[share].isListedIdle
      else { continue }
      origins[Int(number) - 1].shares[share].isListedIdle = false
      kept.append(number)
    }
    for number in kept {
      if let share = origins[Int(number) - 1].shareIndex(of: Int32(slot)) {
        origins[Int(number) - 1].shares[share].isListedIdle = true
      }
    }
    sessions[slot].idleShares = kept
  }

  /// Rows that a share's session may be given more. An unsafe request leaves only when a connection is free for it:
  /// what is lost with an agent was in flight. An origin that comes back slowly gets no row ahead of its time.
  func room(for share: Int, at index: Int, isUnsafe: Bool) -> Int {
    let (target, outstanding) = (origins[index].shares[share].target, origins[index].shares[share].outstanding)
    guard target > 0 else { return 0 }
    if origins[index].health.isUneventful { return Share.depth(of: target, isUnsafe: isUnsafe) - outstanding }
    switch origins[index].health.phase {
    case .healthy: return Share.depth(of: target, isUnsafe: isUnsafe) - outstanding
    case .parked, .down: return 0
    case .probing: return 1 - origins[index].outstanding
    case .recovering: return target - outstanding
    }
  }

  mutating func makeReady(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    guard !origins[index].shares[share].isReady else { return }
    let pinned = origins[index].shares[share].pinned.head
    let head = pinned < 0 ? origins[index].queue.head : pinned
    guard head >= 0, room(for: share, at: index, isUnsafe: rows[at: Int(head)].mustNotRepeat) > 0 else { return }
    origins[index].shares[share].isReady = true
    sessions[Int(origins[index].shares[share].session)].ready.append(number)
  }
}

extension Session {
  /// Holds a row that has no origin.
  mutating func noteHomeless(_ seq: UInt64, in rows: inout RowTable) { rows.append(seq, to: &homeless) }
}
