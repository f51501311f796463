package import FetchModel
import HeapModule

/// What becomes of rows that a session holds.
extension Scheduler {
  /// Takes the rows of a block as recorded, all or none; adds where their lines were to `freed`.
  package mutating func accept(_ columns: [ResultColumn], from session: UInt64, freed: inout [UInt64])
    throws(Refusal)
  {
    let slot = try leaseCheck(columns.lazy.map(\.seq), session)
    for column in columns {
      freed.append(rows[column.seq].location)
      release(column.seq, from: slot)
      finish(column.seq)
    }
  }

  /// Takes attempts back that did not end their rows, all or none.
  package mutating func `defer`(_ deferrals: [Deferral], from session: UInt64, now: Instant) throws(Refusal) {
    let slot = try leaseCheck(deferrals.lazy.map(\.seq), session)
    for deferral in deferrals {
      let seq = deferral.seq
      release(seq, from: slot)
      let pause: UInt64
      switch deferral.cause {
      case .failure, .status:
        rows[seq].attempts = deferral.attempts
        // A scheduled retry begins the whole chain anew.
        if let detour = detours.removeValue(forKey: seq) { move(seq, toOrigin: detour.homeKey) }
        pause = backoff.pause(
          seq: seq,
          attempts: Int(deferral.attempts),
          retryAfterMilliseconds: deferral.retryAfterMilliseconds
        )
      case .redirect:
        if let redirect = deferral.redirect { follow(redirect, seq) }
        pause = 0
      case .localTrouble: pause = 1_000_000_000
      case .notStarted: pause = 0
      }
      rows[seq].state = .deferred
      counts.deferred += 1
      deferred.insert(Deferred(notBefore: now.adding(nanoseconds: pause), seq: seq))
    }
  }

  /// The agent has come down to fewer connections.
  package mutating func sharesLowered(_ grants: [ShareGrant], by session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    for grant in grants {
      let index = Int(grant.origin) - 1
      guard origins.indices.contains(index), let share = origins[index].shareIndex(of: slot) else { continue }
      let current = origins[index].shares[share].connections
      // Only what was asked for is taken back.
      let confirmed = max(grant.connections, origins[index].shares[share].target)
      guard confirmed < current else { continue }
      origins[index].shares[share].connections = confirmed
      sessions[Int(slot)]?.freeConnections += current - confirmed
      if confirmed == 0, origins[index].shares[share].outstanding == 0 { origins[index].shares.remove(at: share) }
      settle(grant.origin)
    }
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

  /// All rows are leased to the session, and each stands once in the list.
  mutating func leaseCheck(_ seqs: some Sequence<UInt64>, _ session: UInt64) throws(Refusal) -> Int32 {
    guard let slot = sessionSlots[session] else { throw .unknownSession }
    var checked: [UInt64] = []
    var culprit: UInt64?
    for seq in seqs {
      guard rows.contains(seq), rows[seq].state == .leased, rows[seq].session == slot else {
        culprit = seq
        break
      }
      // Marks it, so that a second mention is found.
      rows[seq].session = -2
      checked.append(seq)
    }
    for seq in checked { rows[seq].session = slot }
    if let culprit { throw .notLeased(seq: culprit) }
    return slot
  }

  /// Takes a leased row out of its session's books.
  mutating func release(_ seq: UInt64, from slot: Int32) {
    let row = rows[seq]
    rows[seq].session = -1
    counts.leased -= 1
    sessions[Int(slot)]?.outstandingRows -= 1
    sessions[Int(slot)]?.outstandingBytes -= Int(row.length)
    guard row.origin != 0 else { return }
    let index = Int(row.origin) - 1
    guard let share = origins[index].shareIndex(of: slot) else { return }
    origins[index].shares[share].outstanding -= 1
    makeReady(row.origin, share)
    noteIdle(row.origin, share)
  }

  mutating func finish(_ seq: UInt64) {
    windowBytes -= Int(rows[seq].length)
    counts.recorded += 1
    if !detours.isEmpty { detours[seq] = nil }
    let origin = rows[seq].origin
    rows.recorded(seq)
    leave(origin)
  }

  mutating func follow(_ redirect: RedirectState, _ seq: UInt64) {
    let origin = rows[seq].origin
    let home = detours[seq]?.homeKey ?? (origin == 0 ? [] : origins[Int(origin) - 1].key)
    detours[seq] = Detour(state: redirect, homeKey: home)
    var url = HTTPURL()
    guard (try? url.parseOrigin(redirect.url.span)) != nil else { return }
    var key: [UInt8] = []
    url.appendOriginKey(to: &key)
    move(seq, toOrigin: key)
  }

  /// A row that stands in no queue belongs to another origin from now on; to none if the key is empty.
  mutating func move(_ seq: UInt64, toOrigin key: [UInt8]) {
    let old = rows[seq].origin
    let new = key.isEmpty ? 0 : number(of: key)
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
