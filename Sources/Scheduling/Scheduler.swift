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

  struct Deferred: Comparable {
    let notBefore: Instant
    let seq: UInt64

    static func < (left: Deferred, right: Deferred) -> Bool {
      (left.notBefore, left.seq) < (right.notBefore, right.seq)
    }
  }

  /// Where a row is in its redirects, and the origin of its own URL, from which a retry begins anew.
  struct Detour {
    let state: RedirectState
    let homeKey: [UInt8]
  }

  let configuration: Configuration
  let backoff: Backoff
  let start: Instant

  var rows = RowTable()
  package internal(set) var counts = RowCounts()
  var windowBytes = 0
  private var inputHasEnded = false
  var deferred = Heap<Deferred>()
  /// Redirects under way; looked up only.
  var detours: [UInt64: Detour] = [:]

  /// By number less one. Numbers are used again once an origin is forgotten, which its agents have confirmed.
  var origins: [Origin] = []
  var freeOrigins: [UInt32] = []
  var originNumbers: [[UInt8]: UInt32] = [:]
  var unplaced: Deque<UInt32> = []
  var hot: Deque<UInt32> = []
  /// Rows without an origin, because they are no valid requests: any session says so.
  var homeless: Deque<UInt64> = []

  var sessions: [Session?] = []
  var sessionSlots: [UInt64: Int32] = [:]
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
}
