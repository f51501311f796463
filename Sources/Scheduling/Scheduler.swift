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
// connection; the share grows with the backlog, and is split when another session has nothing better to do. An origin
// that fails or asks for a pause is parked for everyone (`OriginHealth`); an agent that fails everywhere is suspended
// (`AgentTrust`).
//
// After a restart agents report what they hold. Until all of the last epoch have, or their leases have run out, no
// new share is given out: nobody knows what is open.
//
// Nothing here depends on the order of a dictionary: they are only looked up in, or asked for all that match.
//
// The files: `+Sessions` who is here; `+Restart` what they bring along; `+Queues` where rows wait; `+Dispatch` who
// gets which; `+Shares` who may have how many connections; `+Stragglers` rows asked back and doubled; `+Copies` rows
// that several have in hand; `+Outcomes` what came of them; `+Health` origins and agents that fail.

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
    /// Different origins that an agent is judged by.
    package var trustWindow = 50
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
    /// The row's count of deferrals: an older entry says nothing any more.
    let turn: UInt8

    static func < (left: Deferred, right: Deferred) -> Bool {
      (left.notBefore, left.seq) < (right.notBefore, right.seq)
    }
  }

  /// An origin whose pause or slow return reaches its next step.
  struct HealthStep: Comparable {
    let due: Instant
    let origin: UInt32

    static func < (left: HealthStep, right: HealthStep) -> Bool {
      (left.due, left.origin) < (right.due, right.origin)
    }
  }

  /// Where a row is in its redirects, and the origin of its own URL, from which a retry begins anew.
  struct Detour {
    /// nil: an agent is at it since before this epoch, and only it knows.
    let state: RedirectState?
    let homeKey: [UInt8]
  }

  let configuration: Configuration
  let backoff: Backoff
  let start: Instant
  /// What agents bring of these rows before they are read again is not wanted.
  let recorded: RowSet
  /// The job was begun by an earlier coordinator.
  let isContinued: Bool

  var rows = RowTable()
  package internal(set) var counts = RowCounts()
  var windowBytes = 0
  private(set) var inputHasEnded = false
  var deferred = Heap<Deferred>()
  /// Redirects under way; looked up only.
  var detours: [UInt64: Detour] = [:]
  /// Slots of the sessions that have a copy of a row which is not recorded; looked up only.
  var copies: [UInt64: [Int32]] = [:]
  /// What is known of rows that were not read yet and that nobody has in hand; looked up only.
  var early: [UInt64: EarlyRow] = [:]
  /// Unsafe rows that may have left before this epoch, and that nobody has said to have in hand.
  var unclear: [UInt64] = []
  /// The last instance that such a row may have left to: what others say of it is older. Looked up only.
  var departed: [UInt64: [UInt8]] = [:]
  var quarantine: Quarantine?
  /// Rows that are leased and have not left: their log is on its way to the disk. Looked up only.
  var heldBack = Set<UInt64>()

  /// By number less one. Numbers are used again once an origin is forgotten, which its agents have confirmed.
  var origins: [Origin] = []
  var freeOrigins: [UInt32] = []
  var originNumbers: [OriginKey: UInt32] = [:]
  var unplaced: Deque<UInt32> = []
  var hot: Deque<UInt32> = []
  var healthSteps = Heap<HealthStep>()
  /// Origins with rows to end untried.
  var givenUp: Deque<UInt32> = []
  /// Rows without an origin, because they are no valid requests: any session says so.
  var homeless = RowList()

  /// By slot; a slot whose session is gone is used again.
  var sessions: [Session] = []
  var sessionSlots: [UInt64: Int32] = [:]
  var nextSession: UInt64 = 1
  /// All agents fail alike: since when nothing but probes has been given out.
  var pausedSince: Instant?
  /// The pause brought no answer, so it is the origins: failures count as they are until there is one.
  var believesFailures = false

  /// The last instant that was told.
  var clock: Instant
  var nextGrowth = Instant.zero
  var growthCursor = 0
  var nextBalance = Instant.zero
  var balanceCursor = 0
  /// What is to be told at the next `dispatch`.
  var dispatches: [Dispatch] = []

  /// `awaited`: the instances that held a lease of the last epoch, for a job that goes on; nil for a new one.
  /// `recorded`: rows whose records are durable already; `skip` them when they are read.
  package init(
    _ configuration: Configuration,
    awaited: [[UInt8]]? = nil,
    recorded: RowSet = RowSet(),
    now: Instant
  ) {
    precondition(configuration.connectionsPerOrigin > 0)
    self.configuration = configuration
    backoff = Backoff(policy: configuration.retry, seed: configuration.seed)
    start = now
    clock = now
    isContinued = awaited != nil
    self.recorded = recorded
    if let awaited, !awaited.isEmpty {
      quarantine = Quarantine(awaited: awaited, end: now.adding(nanoseconds: configuration.leaseNanoseconds))
    }
  }

  // MARK: Input

  /// Whether the window has room for rows.
  package var needsRows: Bool {
    !inputHasEnded && counts.submitted - counts.recorded < UInt64(configuration.windowRows)
      && windowBytes < configuration.windowBytes
  }

  /// Takes the next row of the input in and numbers it. `origin` is what `number` gave for it since the last call
  /// of anything but an `add` that took its row, or 0: the line is no valid request. `leftTo`: the instance that an
  /// earlier coordinator was about to give an unsafe row to, the last time it did.
  @discardableResult
  package mutating func add(
    origin: UInt32,
    length: Int,
    location: UInt64,
    mustNotRepeat: Bool,
    leftTo instance: [UInt8]? = nil
  ) -> Intake {
    let seq = rows.append(
      Row(length: UInt32(length), location: location, origin: origin, mustNotRepeat: mustNotRepeat)
    )
    if mustNotRepeat, let instance { departed[seq] = instance }
    if origin != 0 { origins[Int(origin) - 1].live += 1 }
    counts.submitted += 1
    counts.queued += 1
    windowBytes += length
    if isContinued { return takeIn(seq) }
    enqueue(seq, atFront: false)
    return .taken(seq: seq)
  }

  /// The next row of the input is recorded already, since before this epoch.
  package mutating func skip() {
    let seq = rows.append(Row(length: 0, location: 0, origin: 0, mustNotRepeat: false))
    early[seq] = nil
    copies[seq] = nil
    counts.submitted += 1
    counts.recorded += 1
    rows.recorded(seq)
  }

  /// Number that the next row gets.
  package var nextSeq: UInt64 { rows.nextSeq }

  /// Whether no session has the row: it waits for its turn or its time.
  package func isWaiting(_ seq: UInt64) -> Bool {
    rows.contains(seq) && (rows[seq].state == .queued || rows[seq].state == .deferred)
  }

  /// Whether a row that is not recorded is an unsafe request.
  package func mustNotRepeat(_ seq: UInt64) -> Bool { rows[seq].mustNotRepeat }

  /// Bytes of lines that may be held for rows in the window.
  package var windowBytesLimit: Int { configuration.windowBytes }

  package mutating func endInput() { inputHasEnded = true }

  /// Every row of the whole input is recorded.
  package var isComplete: Bool { inputHasEnded && counts.recorded == counts.submitted }

  /// Origins that have rows, shares or a penalty.
  package var originCount: Int { originNumbers.count }

  // MARK: Time

  /// Ends the sessions whose lease has run out, queues the rows whose time has come, and ends rows of origins that
  /// are down. Call it before `dispatch`.
  package mutating func tick(now: Instant) -> Passing {
    clock = now
    var passing = Passing()
    if let end = quarantine?.end, end <= now { liftQuarantine() }
    passing.lost = takeUnclear()
    queueDueRows(now)
    stepHealth(now)
    passing.ends = expireSessions(now)
    passing.givenUp = giveUpRows()
    stepPause(now)
    return passing
  }

  private mutating func queueDueRows(_ now: Instant) {
    guard let first = deferred.min, first.notBefore <= now else { return }
    var due: [UInt64] = []
    while let next = deferred.min, next.notBefore <= now {
      deferred.removeMin()
      // A late result may have ended it meanwhile, or a session have brought it along.
      guard rows.contains(next.seq), rows[next.seq].state == .deferred, rows[next.seq].deferrals == next.turn else {
        continue
      }
      rows[next.seq].state = .queued
      counts.deferred -= 1
      counts.queued += 1
      due.append(next.seq)
    }
    // From the back, each to the front of its queue: the order stays.
    for seq in due.reversed() { queueElsewhere(seq) }
  }
}
