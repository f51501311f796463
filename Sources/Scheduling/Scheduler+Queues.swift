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

  /// Puts a queued row into its origin's queue.
  mutating func enqueue(_ seq: UInt64, atFront: Bool) {
    let number = rows[seq].origin
    guard number != 0 else { return atFront ? homeless.prepend(seq) : homeless.append(seq) }
    let index = Int(number) - 1
    if atFront {
      rows[seq].next = origins[index].head
      if origins[index].head == Row.none { origins[index].tail = seq }
      origins[index].head = seq
    } else {
      rows[seq].next = Row.none
      if origins[index].tail == Row.none {
        origins[index].head = seq
      } else {
        rows[origins[index].tail].next = seq
      }
      origins[index].tail = seq
    }
    origins[index].queued += 1
    settle(number)
  }

  /// Takes the first row out of an origin's queue and leases it.
  mutating func lease(from index: Int, to slot: Int32, now: Instant) -> UInt64 {
    let seq = origins[index].head
    let next = rows[seq].next
    origins[index].head = next
    if next == Row.none { origins[index].tail = Row.none }
    origins[index].queued -= 1
    noteLease(seq, to: slot, now: now)
    return seq
  }

  mutating func noteLease(_ seq: UInt64, to slot: Int32, now: Instant) {
    rows[seq].state = .leased
    rows[seq].session = slot
    rows[seq].next = Row.none
    if rows[seq].firstLease == 0 { rows[seq].firstLease = max(elapsed(now), 1) }
    counts.queued -= 1
    counts.leased += 1
    sessions[Int(slot)]?.outstandingRows += 1
    sessions[Int(slot)]?.outstandingBytes += Int(rows[seq].length)
  }

  func elapsed(_ now: Instant) -> UInt32 {
    UInt32(truncatingIfNeeded: now.nanoseconds(since: start) / 10_000_000)
  }

  /// An origin's queue or shares have changed: it is put where `dispatch` looks for it, or forgotten.
  mutating func settle(_ number: UInt32) {
    let index = Int(number) - 1
    if origins[index].queued > 0 {
      if origins[index].shares.isEmpty {
        if !origins[index].isUnplaced {
          origins[index].isUnplaced = true
          unplaced.append(number)
        }
      } else {
        for share in origins[index].shares.indices { makeReady(number, share) }
      }
    } else {
      for share in origins[index].shares.indices { noteIdle(number, share) }
      if origins[index].isForgettable, originNumbers[origins[index].key] == number {
        originNumbers[origins[index].key] = nil
        freeOrigins.append(number)
      }
    }
  }

  /// A share that has nothing to do is listed once with its session, however it came to that.
  mutating func noteIdle(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isListedIdle, entry.outstanding == 0, origins[index].queued == 0 else { return }
    origins[index].shares[share].isListedIdle = true
    sessions[Int(entry.session)]?.idleShares.append(number)
  }

  /// Rows that a share's session may hold with the next one of the queue. An unsafe request leaves only when a
  /// connection is free for it: what is lost with an agent was in flight.
  func room(for share: Share, at index: Int) -> Int {
    rows[origins[index].head].mustNotRepeat ? min(share.depth, share.target) : share.depth
  }

  mutating func makeReady(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isReady, origins[index].queued > 0, entry.outstanding < room(for: entry, at: index) else { return }
    origins[index].shares[share].isReady = true
    sessions[Int(entry.session)]?.ready.append(number)
  }
}
