package import FetchModel
import HeapModule

/// What becomes of rows that a session holds.
extension Scheduler {
  /// Takes the rows of a block as recorded, all or none but those that it says to be refused: the first record of a
  /// row counts.
  package mutating func accept(
    _ columns: [ResultColumn],
    from session: UInt64,
    now: Instant,
    into acceptance: inout Acceptance
  ) throws(Refusal) {
    guard let slot = sessionSlots[session] else { throw .unknownSession }
    clock = now
    try check(columns.lazy.map(\.seq), at: slot)
    acceptance.freed.reserveCapacity(columns.count)
    for (position, column) in columns.enumerated() {
      let seq = column.seq
      if acceptOrdinary(column, slot, &acceptance) { continue }
      guard rows.contains(seq), rows[seq].state == .leased, rows[seq].session == slot else {
        acceptCopy(seq, position, slot, &acceptance)
        continue
      }
      let origin = rows[seq].origin
      let isDoubtful = learn(origin, status: column.status, failure: column.failure, from: slot, now)
      if origin != 0, column.status != 0 { noteService(column.totalMicroseconds, of: Int(origin) - 1) }
      if isDoubtful, mayTryAgain(seq, at: slot) {
        acceptance.refused.append(position)
        tryElsewhere(seq, from: slot, attempts: UInt16(max(column.attempts, 1)) - 1, now)
      } else {
        acceptance.freed.append(rows[seq].location)
        release(seq, from: slot)
        finish(seq)
      }
    }
  }

  /// An answer from an origin that has always answered, by the row's holder: almost all results are, and from them
  /// nothing is to be learnt. False if it is anything else, and nothing was done then.
  private mutating func acceptOrdinary(_ column: ResultColumn, _ slot: Int32, _ acceptance: inout Acceptance) -> Bool {
    guard column.status != 0, let place = rows.place(of: column.seq), rows[at: place].state == .leased,
      rows[at: place].session == slot, rows[at: place].origin != 0
    else { return false }
    let index = Int(rows[at: place].origin) - 1
    guard origins[index].health.isUneventful, !sessions[Int(slot)].trust.isSuspended, !believesFailures,
      let share = origins[index].shareIndex(of: slot), origins[index].shares[share].hasFailed == false
    else { return false }
    noteService(column.totalMicroseconds, of: index)
    acceptance.freed.append(rows[at: place].location)
    rows.remove(place: place, from: &origins[index].shares[share].leased)
    counts.leased -= 1
    giveBackCredit(to: slot, length: Int(rows[at: place].length))
    settleShare(UInt32(index + 1), share)
    finish(place)
    return true
  }

  /// A result from a session that is not the row's holder.
  private mutating func acceptCopy(_ seq: UInt64, _ position: Int, _ slot: Int32, _ acceptance: inout Acceptance) {
    let isWanted = isOpen(seq) && isCopy(seq, at: slot)
    dropCopy(seq, at: slot)
    guard isWanted else {
      acceptance.refused.append(position)
      return
    }
    guard seq < rows.nextSeq else {
      // Its line was not read yet.
      early[seq] = .recorded
      copies[seq] = nil
      return
    }
    acceptance.freed.append(rows[seq].location)
    supersedeHolder(of: seq)
    finish(seq)
  }

  /// Takes attempts back that did not end their rows, all or none.
  package mutating func `defer`(_ deferrals: [Deferral], from session: UInt64, now: Instant) throws(Refusal) {
    guard let slot = sessionSlots[session] else { throw .unknownSession }
    clock = now
    try check(deferrals.lazy.map(\.seq), at: slot)
    for deferral in deferrals {
      let seq = deferral.seq
      if rows.contains(seq), rows[seq].state == .leased, rows[seq].session == slot {
        takeBack(deferral, from: slot, now)
      } else {
        // Whoever holds it still does. One that nobody has read waits for that.
        if let copy = sessions[Int(slot)].copies[seq] { _ = learn(deferral, of: copy.origin, from: slot, now) }
        dropCopy(seq, at: slot)
        if seq >= rows.nextSeq, copies[seq] == nil, early[seq] == nil {
          early[seq] = .returned(attempts: deferral.attempts, by: sessions[Int(slot)].greeting.instance)
        }
      }
    }
  }

  /// Takes note of what an attempt came to. Returns whether the failure may be the agent's own.
  private mutating func learn(_ deferral: Deferral, of origin: UInt32, from slot: Int32, _ now: Instant) -> Bool {
    switch deferral.cause {
    case .failure, .status:
      let isDoubtful = learn(origin, status: deferral.status, failure: deferral.failure, from: slot, now)
      if deferral.retryAfterMilliseconds > 0, deferral.status == 429 || deferral.status == 503 {
        pause(origin, milliseconds: deferral.retryAfterMilliseconds, now)
      }
      return isDoubtful
    case .redirect, .localTrouble, .notStarted: return false
    }
  }

  private mutating func takeBack(_ deferral: Deferral, from slot: Int32, _ now: Instant) {
    let seq = deferral.seq
    let isDoubtful = learn(deferral, of: rows[seq].origin, from: slot, now)
    if isDoubtful, mayTryAgain(seq, at: slot) {
      return tryElsewhere(seq, from: slot, attempts: max(deferral.attempts, 1) - 1, now)
    }
    release(seq, from: slot)
    if passToCopy(seq) {
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
    case .localTrouble:
      rows[seq].avoided = Int16(clamping: slot)
      returnHomeIfUnknown(seq)
    case .notStarted:
      noteNotStarted(seq, at: slot, clock)
      returnHomeIfUnknown(seq)
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
    rows[seq].deferrals &+= 1
    counts.deferred += 1
    deferred.insert(Deferred(notBefore: instant, seq: seq, turn: rows[seq].deferrals))
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

  /// All rows are the session's to report. One that stands in the list again is refused the second time.
  private func check(_ seqs: some Sequence<UInt64>, at slot: Int32) throws(Refusal) {
    for seq in seqs {
      if let place = rows.place(of: seq), rows[at: place].state == .leased, rows[at: place].session == slot { continue }
      guard isCopy(seq, at: slot) else { throw .notLeased(seq: seq) }
    }
  }

  /// Takes a leased row out of its session's books; it is in no list then.
  mutating func release(_ seq: UInt64, from slot: Int32) {
    let number = rows[seq].origin
    rows[seq].session = -1
    counts.leased -= 1
    if !heldBack.isEmpty { heldBack.remove(seq) }
    giveBackCredit(to: slot, length: Int(rows[seq].length))
    guard number != 0 else {
      return rows.remove(seq, from: &sessions[Int(slot)].homeless)
    }
    let index = Int(number) - 1
    guard let share = origins[index].shareIndex(of: slot) else {
      preconditionFailure("row \(seq) was leased without a share")
    }
    rows.remove(seq, from: &origins[index].shares[share].leased)
    settleShare(number, share)
  }

  mutating func giveBackCredit(to slot: Int32, length: Int) {
    sessions[Int(slot)].outstandingRows -= 1
    sessions[Int(slot)].outstandingBytes -= length
    sessions[Int(slot)].noteFinishedRow()
  }

  /// A share holds one row less.
  mutating func settleShare(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    origins[index].shares[share].lastNews = clock
    if origins[index].shares[share].connections == 0, origins[index].shares[share].outstanding == 0 {
      dropIfEmpty(number, share)
      settle(number)
    } else if origins[index].health.isUneventful {
      if origins[index].queued > 0 { makeReady(number, share) } else { noteIdle(number, share) }
    } else {
      settle(number)
    }
  }

  mutating func finish(_ seq: UInt64) {
    guard let place = rows.place(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
    finish(place)
  }

  private mutating func finish(_ place: Int) {
    windowBytes -= Int(rows[at: place].length)
    counts.recorded += 1
    if !detours.isEmpty { detours[rows[at: place].seq] = nil }
    if !copies.isEmpty { copies[rows[at: place].seq] = nil }
    if !departed.isEmpty { departed[rows[at: place].seq] = nil }
    if !heldBack.isEmpty { heldBack.remove(rows[at: place].seq) }
    let origin = rows[at: place].origin
    rows.recorded(at: place)
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

  /// Where the row was in its redirects only its agent knew.
  mutating func returnHomeIfUnknown(_ seq: UInt64) {
    guard !detours.isEmpty, let detour = detours[seq], detour.state == nil else { return }
    returnHome(seq, detour)
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
