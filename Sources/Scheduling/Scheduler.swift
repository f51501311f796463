import DequeModule
package import FetchModel
import HeapModule

// Theory of operation
//
// The scheduler is the coordinator's mind: a value with no clock, no randomness and no I/O. It is told what happens
// (`add`, `hello`, `beat`, `accept`, `defer`, `tick`) and asked what to do (`dispatch`); every instant comes in as an
// argument. It knows rows by number and length; their bytes are with whoever runs it.
//
// A row is queued at its origin, leased to a session, deferred, or recorded, and counted in one place at a time. Rows
// and shares hang on the session, which ends as a whole: when its lease runs out, its process is known to be dead,
// or it says goodbye. What it held is queued again, except unsafe requests, whose fate nobody knows.
//
// An origin's connections are shares of sessions, and their sum never exceeds the limit: a share that is to shrink
// counts in full until the session has confirmed. A new origin goes to one session, by rendezvous hashing, with one
// connection; the share grows with the backlog, and is split when another session has nothing better to do.
//
// Nothing here depends on the order of a dictionary: they are only looked up in.

/// The pure core of the coordinator.
package struct Scheduler: Sendable {
  package struct Configuration: Sendable {
    /// Connections to one origin over the whole cluster.
    package var connectionsPerOrigin: Int
    package var retry: RetryPolicy
    /// Rows and bytes of lines that may be read and not recorded.
    package var windowRows = 262_144
    package var windowBytes = 64 * 1024 * 1024
    /// From a beat's receipt to the session's end; a second longer than the agent's own reckoning.
    package var leaseNanoseconds: UInt64 = 11_000_000_000
    /// For jitter.
    package var seed: UInt64

    package init(connectionsPerOrigin: Int, retry: RetryPolicy, seed: UInt64) {
      self.connectionsPerOrigin = connectionsPerOrigin
      self.retry = retry
      self.seed = seed
    }
  }

  private struct Deferred: Comparable {
    let notBefore: Instant
    let seq: UInt64

    static func < (left: Deferred, right: Deferred) -> Bool {
      (left.notBefore, left.seq) < (right.notBefore, right.seq)
    }
  }

  /// Where a row is in its redirects, and the origin of its own URL, from which a retry begins anew.
  private struct Detour {
    let state: RedirectState
    let homeKey: [UInt8]
  }

  let configuration: Configuration
  private let backoff: Backoff
  private let start: Instant

  var rows = RowTable()
  package private(set) var counts = RowCounts()
  private var windowBytes = 0
  private var inputHasEnded = false
  private var deferred = Heap<Deferred>()
  /// Redirects under way; looked up only.
  private var detours: [UInt64: Detour] = [:]

  /// By number less one. Numbers are used again once an origin is forgotten, which its agents have confirmed.
  var origins: [Origin] = []
  private var freeOrigins: [UInt32] = []
  private var originNumbers: [[UInt8]: UInt32] = [:]
  var unplaced: Deque<UInt32> = []
  var hot: Deque<UInt32> = []
  /// Rows without an origin, because they are no valid requests: any session says so.
  var homeless: Deque<UInt64> = []

  var sessions: [Session?] = []
  private var sessionSlots: [UInt64: Int32] = [:]
  private var nextSession: UInt64 = 1
  var nextGrowth = Instant.zero
  var dispatches: [Dispatch] = []

  package init(_ configuration: Configuration, now: Instant) {
    self.configuration = configuration
    backoff = Backoff(policy: configuration.retry, seed: configuration.seed)
    start = now
  }

  // MARK: Input

  /// Whether the window has room for rows.
  package var needsRows: Bool {
    !inputHasEnded && counts.submitted - counts.recorded < UInt64(configuration.windowRows)
      && windowBytes < configuration.windowBytes
  }

  /// Takes the next row of the input in and numbers it. `origin` is what `number` gave for it since the last call
  /// of anything but `add`, or 0: the line is no valid request.
  @discardableResult
  package mutating func add(origin: UInt32, length: Int, location: UInt64, mustNotRepeat: Bool) -> UInt64 {
    let seq = rows.append(Row(length: UInt32(length), location: location, origin: origin, mustNotRepeat: mustNotRepeat))
    if origin != 0 { origins[Int(origin) - 1].live += 1 }
    counts.submitted += 1
    counts.queued += 1
    windowBytes += length
    enqueue(seq, atFront: false)
    return seq
  }

  /// Bytes of lines that may be held for rows in the window.
  package var windowBytesLimit: Int { configuration.windowBytes }

  package mutating func endInput() { inputHasEnded = true }

  /// Every row of the whole input is recorded.
  package var isComplete: Bool { inputHasEnded && counts.recorded == counts.submitted }

  /// Origins that have rows or shares.
  package var originCount: Int { originNumbers.count }

  /// Sessions that are not at their end.
  package var sessionCount: Int { sessionSlots.count }

  // MARK: Sessions

  /// Begins a session. An earlier one of the same instance is fenced: of two copies only the last may work.
  package mutating func hello(_ greeting: Greeting, now: Instant) -> (session: UInt64, fenced: SessionEnd?) {
    var fenced: SessionEnd?
    for slot in sessions.indices {
      if let session = sessions[slot], session.greeting.instance == greeting.instance {
        fenced = end(slot: Int32(slot))
      }
    }
    var hash = StableHash()
    hash.add(greeting.instance)
    let session = Session(
      identifier: nextSession,
      greeting: greeting,
      hash: hash.value,
      expiry: now.adding(nanoseconds: configuration.leaseNanoseconds),
      freeConnections: greeting.connections
    )
    nextSession += 1
    let slot: Int
    if let free = sessions.firstIndex(where: { $0 == nil }) {
      slot = free
      sessions[slot] = session
    } else {
      slot = sessions.count
      sessions.append(session)
    }
    sessionSlots[session.identifier] = Int32(slot)
    return (session.identifier, fenced)
  }

  /// Renews a session's lease; false if there is no such session.
  package mutating func beat(_ session: UInt64, now: Instant) -> Bool {
    guard let slot = sessionSlots[session] else { return false }
    sessions[Int(slot)]?.isReachable = true
    sessions[Int(slot)]?.expiry = now.adding(nanoseconds: configuration.leaseNanoseconds)
    return true
  }

  /// A message to the session could not be sent.
  package mutating func unreachable(_ session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    sessions[Int(slot)]?.isReachable = false
  }

  /// Takes rows back that were leased to the session and never left, so that even unsafe ones may go elsewhere.
  package mutating func undelivered(_ seqs: [UInt64], to session: UInt64) {
    guard let slot = sessionSlots[session] else { return }
    // From the back, each to the front of its queue: the order stays.
    for seq in seqs.reversed() where rows.contains(seq) && rows[seq].state == .leased && rows[seq].session == slot {
      release(seq, from: slot)
      rows[seq].state = .queued
      counts.queued += 1
      enqueue(seq, atFront: true)
    }
  }

  package func isKnown(_ session: UInt64) -> Bool { sessionSlots[session] != nil }

  /// Ends a session whose process is known to be gone; nil if it has ended already.
  package mutating func end(_ session: UInt64) -> SessionEnd? {
    guard let slot = sessionSlots[session] else { return nil }
    return end(slot: slot)
  }

  /// Ends the sessions whose lease has run out, and queues the rows whose time has come.
  package mutating func tick(now: Instant) -> [SessionEnd] {
    var due: [UInt64] = []
    while let first = deferred.min, first.notBefore <= now {
      deferred.removeMin()
      due.append(first.seq)
    }
    for seq in due.reversed() {
      counts.deferred -= 1
      counts.queued += 1
      rows[seq].state = .queued
      enqueue(seq, atFront: true)
    }
    var ends: [SessionEnd] = []
    for slot in sessions.indices {
      if let session = sessions[slot], session.expiry <= now { ends.append(end(slot: Int32(slot))) }
    }
    return ends
  }

  private mutating func end(slot: Int32) -> SessionEnd {
    guard let session = sessions[Int(slot)] else { preconditionFailure("session slot \(slot) is empty") }
    var lost: [LostRow] = []
    var requeued = 0
    // From the back, each to the front of its queue: the order stays.
    for seq in rows.leased(to: slot).reversed() {
      counts.leased -= 1
      rows[seq].session = -1
      if rows[seq].mustNotRepeat {
        lost.append(LostRow(seq: seq, location: rows[seq].location, attempts: rows[seq].attempts))
        finish(seq)
      } else {
        rows[seq].state = .queued
        counts.queued += 1
        requeued += 1
        enqueue(seq, atFront: true)
      }
    }
    for index in origins.indices {
      guard let share = origins[index].shareIndex(of: slot) else { continue }
      origins[index].shares.remove(at: share)
      settle(UInt32(index + 1))
    }
    sessions[Int(slot)] = nil
    sessionSlots[session.identifier] = nil
    return SessionEnd(
      session: session.identifier,
      agent: session.greeting.name,
      requeued: requeued,
      lost: lost.reversed()
    )
  }

  // MARK: Outcomes

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

  // MARK: Parts of the above

  /// All rows are leased to the session, and each stands once in the list.
  private mutating func leaseCheck(_ seqs: some Sequence<UInt64>, _ session: UInt64) throws(Refusal) -> Int32 {
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
  private mutating func release(_ seq: UInt64, from slot: Int32) {
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

  private mutating func finish(_ seq: UInt64) {
    windowBytes -= Int(rows[seq].length)
    counts.recorded += 1
    if !detours.isEmpty { detours[seq] = nil }
    let origin = rows[seq].origin
    rows.recorded(seq)
    leave(origin)
  }

  private mutating func follow(_ redirect: RedirectState, _ seq: UInt64) {
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
  private mutating func move(_ seq: UInt64, toOrigin key: [UInt8]) {
    let old = rows[seq].origin
    let new = key.isEmpty ? 0 : number(of: key)
    if new != 0 { origins[Int(new) - 1].live += 1 }
    rows[seq].origin = new
    leave(old)
  }

  /// One row less belongs to the origin.
  private mutating func leave(_ number: UInt32) {
    guard number != 0 else { return }
    origins[Int(number) - 1].live -= 1
    if origins[Int(number) - 1].live == 0 { settle(number) }
  }

  /// The number of an origin, given to it now if it has none. It is lost again if no row is added.
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
  private mutating func enqueue(_ seq: UInt64, atFront: Bool) {
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

  private func elapsed(_ now: Instant) -> UInt32 {
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
  private mutating func noteIdle(_ number: UInt32, _ share: Int) {
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

  private mutating func makeReady(_ number: UInt32, _ share: Int) {
    let index = Int(number) - 1
    let entry = origins[index].shares[share]
    guard !entry.isReady, origins[index].queued > 0, entry.outstanding < room(for: entry, at: index) else { return }
    origins[index].shares[share].isReady = true
    sessions[Int(entry.session)]?.ready.append(number)
  }
}
