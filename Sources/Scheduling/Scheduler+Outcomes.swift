package import FetchModel
import HeapModule

/// What becomes of rows that a session holds.
extension Scheduler {
  /// Takes the rows of a block as recorded, all or none but those that it says to be refused.
  ///
  /// A late block comes from before its session: its rows may be anywhere by now, and the first record of each
  /// counts.
  package mutating func accept(
    _ columns: [ResultColumn],
    from session: UInt64,
    isLate: Bool = false,
    now: Instant,
    into acceptance: inout Acceptance
  ) throws(Refusal) {
    guard let slot = sessionSlots[session] else { throw .unknownSession }
    clock = now
    if isLate { return try acceptLate(columns, now, into: &acceptance) }
    try check(columns.lazy.map(\.seq), at: slot)
    for (position, column) in columns.enumerated() {
      guard rows.contains(column.seq), rows[column.seq].state == .leased else {
        takeForeign(column.seq, position, slot, &acceptance)
        continue
      }
      let origin = rows[column.seq].origin
      let isDoubtful = learn(origin, status: column.status, failure: column.failure, from: slot, now)
      if origin != 0, column.status != 0 { noteService(column.totalMicroseconds, of: origin) }
      if isDoubtful, mayTryAgain(column.seq, at: slot) {
        acceptance.refused.append(position)
        tryElsewhere(column.seq, from: slot, attempts: UInt16(max(column.attempts, 1)) - 1, now)
      } else {
        acceptance.freed.append(rows[column.seq].location)
        releaseAll(column.seq, reportedBy: slot)
        finish(column.seq)
      }
    }
  }

  /// A result of a row that is not leased: another's came first, or the row was not read yet.
  private mutating func takeForeign(_ seq: UInt64, _ position: Int, _ slot: Int32, _ acceptance: inout Acceptance) {
    if early[seq] != nil {
      endEarlyRow(seq, at: slot, as: .recorded)
    } else {
      dropOrphan(seq, at: slot)
      acceptance.refused.append(position)
    }
  }

  private mutating func acceptLate(_ columns: [ResultColumn], _ now: Instant, into acceptance: inout Acceptance)
    throws(Refusal)
  {
    for column in columns where rows.contains(column.seq) && rows[column.seq].firstLease == 0 {
      // Before this epoch it may have been given to anyone; in this epoch it was given to nobody.
      guard isContinued else { throw .notLeased(seq: column.seq) }
    }
    for column in columns where column.seq >= rows.nextSeq {
      guard isContinued else { throw .notLeased(seq: column.seq) }
    }
    for (position, column) in columns.enumerated() {
      let seq = column.seq
      if seq >= rows.nextSeq {
        acceptEarly(seq, position, &acceptance)
      } else if rows.contains(seq) {
        acceptance.freed.append(rows[seq].location)
        if rows[seq].state == .leased { releaseAll(seq, reportedBy: nil) } else { withdrawAndCount(seq) }
        finish(seq)
      } else {
        acceptance.refused.append(position)
      }
    }
  }

  private mutating func acceptEarly(_ seq: UInt64, _ position: Int, _ acceptance: inout Acceptance) {
    switch early[seq] {
    case .recorded: acceptance.refused.append(position)
    case .held(let slot, let origin):
      endEarlyRow(seq, at: slot, as: .recorded)
      // Its holder has not heard of it and will report it, too.
      sessions[Int(slot)]?.outstandingRows += 1
      noteOrphan(seq, origin: origin, length: 0, at: slot)
      if origin != 0 { addCopy(of: origin, to: slot) }
    case .returned, .lost, nil: early[seq] = .recorded
    }
  }

  private mutating func withdrawAndCount(_ seq: UInt64) {
    withdraw(seq)
    counts.queued -= 1
  }

  /// Takes attempts back that did not end their rows, all or none.
  package mutating func `defer`(_ deferrals: [Deferral], from session: UInt64, now: Instant) throws(Refusal) {
    guard let slot = sessionSlots[session] else { throw .unknownSession }
    clock = now
    try check(deferrals.lazy.map(\.seq), at: slot)
    for deferral in deferrals {
      let seq = deferral.seq
      guard rows.contains(seq), rows[seq].state == .leased else {
        if early[seq] != nil {
          endEarlyRow(seq, at: slot, as: .returned(attempts: deferral.attempts))
        } else {
          dropOrphan(seq, at: slot)
        }
        continue
      }
      takeBack(deferral, from: slot, now)
    }
  }

  private mutating func takeBack(_ deferral: Deferral, from slot: Int32, _ now: Instant) {
    let seq = deferral.seq
    let origin = rows[seq].origin
    var isDoubtful = false
    switch deferral.cause {
    case .failure, .status:
      isDoubtful = learn(origin, status: deferral.status, failure: deferral.failure, from: slot, now)
      if deferral.retryAfterMilliseconds > 0, deferral.status == 429 || deferral.status == 503 {
        pause(origin, milliseconds: deferral.retryAfterMilliseconds, now)
      }
    case .redirect, .localTrouble, .notStarted: break
    }
    if isDoubtful, mayTryAgain(seq, at: slot) {
      return tryElsewhere(seq, from: slot, attempts: max(deferral.attempts, 1) - 1, now)
    }
    if doubles[seq] == slot {
      // The first holder still has it, and its word counts.
      return releaseDouble(seq, from: slot)
    }
    release(seq, from: slot)
    if passToDouble(seq) {
      rows[seq].attempts = max(rows[seq].attempts, deferral.attempts)
      return
    }
    apply(deferral, from: slot)
    let pause = pause(after: deferral)
    wait(seq, until: now.adding(nanoseconds: pause))
  }

  private mutating func apply(_ deferral: Deferral, from slot: Int32) {
    let seq = deferral.seq
    switch deferral.cause {
    case .failure, .status:
      rows[seq].attempts = deferral.attempts
      if deferral.cause == .failure { rows[seq].avoided = Int16(clamping: slot) }
      // A scheduled retry begins the whole chain anew.
      if let detour = detours[seq] { returnHome(seq, detour) }
    case .redirect:
      if let redirect = deferral.redirect { follow(redirect, seq) }
    case .localTrouble: rows[seq].avoided = Int16(clamping: slot)
    case .notStarted:
      if let detour = detours[seq], detour.state == nil { returnHome(seq, detour) }
    }
  }

  private func pause(after deferral: Deferral) -> UInt64 {
    switch deferral.cause {
    case .failure, .status:
      backoff.pause(
        seq: deferral.seq,
        attempts: Int(deferral.attempts),
        retryAfterMilliseconds: deferral.retryAfterMilliseconds
      )
    case .localTrouble: 1_000_000_000
    case .redirect, .notStarted: 0
    }
  }

  /// A row that is in no list waits for its time.
  mutating func wait(_ seq: UInt64, until instant: Instant) {
    rows[seq].state = .deferred
    counts.deferred += 1
    deferred.insert(Deferred(notBefore: instant, seq: seq))
  }

  /// What rows carry when they are given out.
  package func tickets(of seqs: [UInt64], now: Instant) -> [RowTicket] { seqs.map { ticket(of: $0, now: now) } }

  /// What a row carries when it is given out.
  package func ticket(of seq: UInt64, now: Instant) -> RowTicket {
    let row = rows[seq]
    // `firstLease` is rounded up from 0, so it may lie ahead.
    let elapsed = row.attempts == 0 ? 0 : max(self.elapsed(now), row.firstLease) - row.firstLease
    return RowTicket(
      location: row.location,
      origin: row.origin,
      elapsedMilliseconds: UInt32(clamping: UInt64(elapsed) * 10),
      attempts: row.attempts,
      mustNotRepeat: row.mustNotRepeat,
      redirect: detours.isEmpty ? nil : detours[seq]?.state
    )
  }

  // MARK: A row's way back

  /// All rows are the session's to report, and each stands once in the list.
  private mutating func check(_ seqs: some Sequence<UInt64>, at slot: Int32) throws(Refusal) {
    var marked: [UInt64] = []
    var culprit: UInt64?
    for seq in seqs {
      if rows.contains(seq), rows[seq].state == .leased, !rows[seq].isMarked {
        if rows[seq].session == slot || doubles[seq] == slot {
          rows[seq].isMarked = true
          marked.append(seq)
          continue
        }
      } else if case .held(slot, _) = early[seq] {
        continue
      }
      if sessions[Int(slot)]?.orphans[seq] != nil { continue }
      culprit = seq
      break
    }
    for seq in marked { rows[seq].isMarked = false }
    if let culprit { throw .notLeased(seq: culprit) }
  }

  /// Takes a leased row out of its session's books; it is in no list then.
  mutating func release(_ seq: UInt64, from slot: Int32) {
    let number = rows[seq].origin
    rows[seq].session = -1
    counts.leased -= 1
    giveBackCredit(to: slot, length: Int(rows[seq].length))
    guard number != 0 else {
      if var list = sessions[Int(slot)]?.homeless {
        rows.remove(seq, from: &list)
        sessions[Int(slot)]?.homeless = list
      }
      return
    }
    let index = Int(number) - 1
    guard let share = origins[index].shareIndex(of: slot) else {
      preconditionFailure("row \(seq) was leased without a share")
    }
    rows.remove(seq, from: &origins[index].shares[share].leased)
    settleShare(number, share)
  }

  mutating func giveBackCredit(to slot: Int32, length: Int) {
    sessions[Int(slot)]?.outstandingRows -= 1
    sessions[Int(slot)]?.outstandingBytes -= length
    sessions[Int(slot)]?.noteFinishedRow()
  }

  /// A share holds one row less.
  func isDone(_ entry: Share) -> Bool { entry.connections == 0 && entry.outstanding == 0 }

  mutating func settleShare(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    if isDone(origins[index].shares[share]) {
      dropIfEmpty(number, share)
      settle(number)
    } else if origins[index].health.phase == .healthy {
      makeReady(number, share)
      noteIdle(number, share)
    } else {
      settle(number)
    }
  }

  /// The row has its result: whoever else has it in hand holds a copy that does not count.
  private mutating func releaseAll(_ seq: UInt64, reportedBy reporter: Int32?) {
    let holder = rows[seq].session
    let origin = rows[seq].origin
    let length = Int(rows[seq].length)
    if let double = doubles.isEmpty ? nil : doubles.removeValue(forKey: seq) {
      rows[seq].isDoubled = false
      if double == reporter {
        dropCopy(origin: origin, length: length, at: double)
      } else {
        // It is counted there as a copy already.
        noteOrphan(seq, origin: origin, length: length, at: double)
      }
    }
    if holder == reporter { return release(seq, from: holder) }
    release(seq, from: holder)
    // Taken out as a row and put in as a copy.
    sessions[Int(holder)]?.outstandingRows += 1
    sessions[Int(holder)]?.outstandingBytes += length
    noteOrphan(seq, origin: origin, length: length, at: holder)
    if origin != 0, let share = origins[Int(origin) - 1].shareIndex(of: holder) {
      origins[Int(origin) - 1].shares[share].copies += 1
    }
  }

  mutating func finish(_ seq: UInt64) {
    windowBytes -= Int(rows[seq].length)
    counts.recorded += 1
    if !detours.isEmpty { detours[seq] = nil }
    let origin = rows[seq].origin
    rows.recorded(seq)
    leave(origin)
  }

  // MARK: Origins of rows

  private mutating func follow(_ redirect: RedirectState, _ seq: UInt64) {
    let origin = rows[seq].origin
    let home = detours[seq]?.homeKey ?? (origin == 0 ? [] : origins[Int(origin) - 1].key)
    detours[seq] = Detour(state: redirect, homeKey: home)
    var url = HTTPURL()
    guard (try? url.parseOrigin(redirect.url.span)) != nil else { return }
    var key: [UInt8] = []
    url.appendOriginKey(to: &key)
    moveRow(seq, to: number(of: key))
  }

  mutating func returnHome(_ seq: UInt64, _ detour: Detour) {
    detours[seq] = nil
    moveRow(seq, to: detour.homeKey.isEmpty ? 0 : number(of: detour.homeKey))
  }

  /// A row that stands in no list belongs to another origin from now on.
  mutating func moveRow(_ seq: UInt64, to new: UInt32) {
    let old = rows[seq].origin
    if new != 0 { origins[Int(new) - 1].live += 1 }
    rows[seq].origin = new
    leave(old)
  }

  /// One row less belongs to the origin.
  mutating func leave(_ number: UInt32) {
    guard number != 0 else { return }
    origins[Int(number) - 1].live -= 1
    if origins[Int(number) - 1].live == 0 { settle(number) }
  }
}
