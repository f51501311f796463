package import ContentCodings
import FetchModel
package import PosixIO
import Records
package import Resolver
import TLS

// Theory of operation
//
// A worker is one thread with one epoll set, its own connections, TLS sessions and buffers; nothing of it is seen by
// another thread. Rows come in through a mailbox, each with the number of its origin; finished rows leave in blocks
// through another. An origin is a queue of rows and a few connections: a row starts when one of them is free or the
// origin's share allows another. A response is read into the worker's one receive buffer and parsed from there, so
// a kept-alive connection costs one recv(2) and one send(2) a request and no allocation.
//
// A connection begins with a name (`+Names`), goes over a race of its addresses (`+Racing`, `ConnectionRace`) and
// perhaps a proxy's tunnel (`+Tunnel`) to TLS (`+Dialing`); all of it is one connection of the origin's share. Bodies
// are decoded as they come (`+Body`); one that finds no memory for that, or makes very much, is held, with its socket
// out of the poll set, until its turn comes.
//
// The worker never sleeps on a row: what cannot end now leaves as a deferral. Time limits are kept as one instant a
// connection and one lower bound over all of them; connections are only looked through when that bound has passed.
//
// `now` is read once an event. It is the boot-time clock, the one that leases are kept on.

/// One thread's share of an agent's work. Made, run and dropped on that thread.
package final class Worker {
  /// Token of the mailbox in the poll set; connections never have it.
  private static let mailboxToken = UInt64.max
  static let idleLifetime: UInt64 = 15_000_000_000
  /// Older connections are not used again, so that long jobs notice when a name leads elsewhere.
  static let maximumAge: UInt64 = 600_000_000_000
  /// After local trouble: how long nothing new is opened.
  static let dialingPause: UInt64 = 250_000_000
  private static let effortInterval: UInt64 = 1_000_000_000
  /// Of one connection before others have their turn, each of a record at most.
  static let readsPerTurn = 32
  /// A body of so many bytes on the wire takes some time to read.
  static let longBodyBytes: UInt64 = 64 * 1024

  let index: Int
  private let outbox: Mailbox<WorkerReport>
  let inbox: Mailbox<WorkerCommand>
  let admission: Admission
  let resolver: Resolver
  let dialing: DialingPolicy

  var poller: Poller
  let receiveBuffer: UnsafeMutableRawBufferPointer
  /// Where bodies are decoded to.
  let decodeBuffer: UnsafeMutableRawBufferPointer
  let decoderBudget: DecoderBudget
  var now: Instant
  private var wallOffset: UInt64 = 0
  private var wallReadAt = Instant.zero

  var job: WorkerJob?
  var origins: [UInt32: OriginSlot] = [:]
  /// Shares of origins that have had no row yet.
  var earlyShares: [UInt32: Int] = [:]
  /// By the slots in their tokens.
  private(set) var connections: [Connection?] = []
  private var freeSlots: [Int] = []
  private var nextSerial: UInt64 = 1
  /// Connections that carry an attempt.
  var busyConnections = 0
  /// No connection's deadline is earlier.
  var earliestDeadline = Instant.distantFuture

  var builder = BlockBuilder()
  /// Milliseconds for which origins asked with answers that ended their rows, since the last flush.
  var originPauses: [UInt32: UInt64] = [:]
  var effort = EffortCounters()
  private var generation: UInt64 = 0
  private var effortDueAt = Instant.zero
  private var isEffortStale = false
  /// Origins that had to wait for lease or credit.
  private var stalled: [OriginSlot] = []
  /// What is known of names.
  var names: [[UInt8]: NameSlot] = [:]
  /// When so many are known those that have expired are dropped.
  var namesDueAt = 1024
  /// Names that the resolver was asked for.
  var queries: [UInt64: NameSlot] = [:]
  var lastQuery: UInt64 = 0
  /// Whose turn of `--interface` it is.
  var sourceTurn = 0
  var troubleReportedAt = Instant.zero
  /// Nothing new is opened before; what is open goes on.
  var dialingPausedUntil = Instant.zero
  /// Connections that have just got to rest: the poll set has to be asked about each once more, because what comes
  /// behind a response is no answer to the next request (RFC 9112 section 6.3).
  var settling: [Connection] = []
  /// Those of the turn before; both lists keep their storage and swap places.
  private var asked: [Connection] = []
  /// Connections that have more to read than they were allowed in their turn.
  var unread: [Connection] = []
  /// Connections whose bodies wait to be decoded; those that lack memory in the order in which they found none.
  var undecoded: [Connection] = []
  var isDecodingOn = false
  /// When it is looked for again.
  var memoryDueAt = Instant.zero
  static let memoryInterval: UInt64 = 5_000_000
  private var isStopped = false

  /// `inbox` is what others send to, `outbox` where reports go.
  package init(
    index: Int,
    inbox: Mailbox<WorkerCommand>,
    outbox: Mailbox<WorkerReport>,
    admission: Admission,
    resolver: Resolver,
    dialing: DialingPolicy,
    decoderBudget: DecoderBudget
  ) throws(SystemError) {
    self.index = index
    self.inbox = inbox
    self.outbox = outbox
    self.admission = admission
    self.resolver = resolver
    self.dialing = dialing
    self.decoderBudget = decoderBudget
    now = Clock.bootTime()
    receiveBuffer = .allocate(byteCount: 64 * 1024, alignment: 16)
    decodeBuffer = .allocate(byteCount: 64 * 1024, alignment: 16)
    poller = try Poller(capacity: 256)
    try poller.add(inbox.signal.descriptor, for: .read, token: Self.mailboxToken)
  }

  deinit {
    receiveBuffer.deallocate()
    decodeBuffer.deallocate()
  }

  /// Runs until `stop` comes.
  package func run() throws(SystemError) {
    while !isStopped {
      swap(&asked, &settling)
      let count = try poller.wait(milliseconds: asked.isEmpty ? patience() : 0)
      now = Clock.bootTime()
      if !asked.isEmpty {
        probeResting(count)
        settle(asked)
        asked.removeAll(keepingCapacity: true)
      }
      for index in 0..<count {
        let (token, readiness) = poller.event(index)
        if token == Self.mailboxToken {
          for command in inbox.drain() { obey(command) }
        } else if let connection = connection(for: token) {
          handle(connection, readiness, token)
        }
      }
      readOn()
      decodeOn()
      if now >= earliestDeadline { expireDeadlines() }
      resumeStalled()
      flushIfDue()
      reportEffortIfDue()
    }
  }

  /// Looks at what came on connections that carry no request, before they carry one. All other events wait until those
  /// connections are at work again: else each would stand still while the answers on the others are read.
  private func probeResting(_ count: Int) {
    for index in 0..<count {
      let token = poller.event(index).token
      guard let connection = connection(for: token), connection.state == .idle else { continue }
      probe(connection)
    }
  }

  /// The next turn of those that were not done.
  private func readOn() {
    guard !unread.isEmpty else { return }
    let waiting = unread
    unread = []
    for connection in waiting where connection.held == nil { handle(connection, .read, connection.pollToken) }
  }

  /// How long nothing can become due.
  private func patience() -> Int32 {
    if !unread.isEmpty { return 0 }
    var due = min(earliestDeadline, builder.dueAt, isEffortStale ? effortDueAt : .distantFuture)
    if !undecoded.isEmpty {
      if undecoded.contains(where: { $0.held?.lacksMemory == false }) { return 0 }
      // Memory is given back by other workers, too, which nobody tells.
      due = min(due, memoryDueAt)
    }
    if !stalled.isEmpty { due = min(due, max(now.adding(nanoseconds: 5_000_000), dialingPausedUntil)) }
    guard due != .distantFuture else { return 10_000 }
    // Rounded up, or the last fraction of a millisecond would be spent spinning.
    return Int32(clamping: (due.nanoseconds(since: Clock.bootTime()) + 999_999) / 1_000_000)
  }

  /// Microseconds since 1970 for the current instant; the clock is read once a second.
  func wallMicroseconds() -> UInt64 {
    if now.nanoseconds(since: wallReadAt) > 1_000_000_000 || wallOffset == 0 {
      wallReadAt = now
      wallOffset = Clock.wallMicroseconds() &- Clock.bootTime().nanoseconds / 1000
    }
    return wallOffset &+ now.nanoseconds / 1000
  }

  // MARK: Commands

  private func obey(_ command: WorkerCommand) {
    switch command {
    case .begin(let context):
      dropSession()
      effort = EffortCounters()
      job = WorkerJob(context)
    case .rows(let batch): adopt(batch)
    case .share(let origin, let connections): setShare(of: origin, to: connections)
    case .resolved(let name): resolved(name)
    case .recall(let origin, let seqs): recall(seqs, from: origin)
    case .drain: for origin in origins.values { returnWaiting(of: origin) }
    case .collect(let next, let keepsRows):
      if keepsRows { returnStranded() }
      flush()
      let held = takeStock()
      if !keepsRows { dropSession() }
      generation = next
      report(keepsRows ? .holdings(held, dropped: []) : .holdings([], dropped: held.flatMap(\.rows)))
    case .renumber(let next, let numbers):
      renumber(numbers)
      generation = next
    case .finish:
      flush()
      dropSession()
      report(.finished(effort))
    case .stop:
      dropSession()
      isStopped = true
    }
  }

  /// Drops rows, results and connections of a session that is over.
  private func dropSession() {
    for connection in connections { if let connection { close(connection) } }
    origins.removeAll()
    earlyShares.removeAll()
    stalled.removeAll()
    unread.removeAll()
    undecoded.removeAll()
    settling.removeAll()
    asked.removeAll()
    queries.removeAll()
    names.removeAll()
    originPauses.removeAll()
    builder = BlockBuilder()
  }

  func stall(_ origin: OriginSlot) {
    guard !origin.isStalled else { return }
    origin.isStalled = true
    stalled.append(origin)
  }

  func forgetStalled(_ origin: OriginSlot) {
    guard origin.isStalled else { return }
    origin.isStalled = false
    stalled.removeAll { $0 === origin }
  }

  private func resumeStalled() {
    guard !stalled.isEmpty, mayStart, now >= dialingPausedUntil else { return }
    let resumed = stalled
    stalled = []
    for origin in resumed {
      origin.isStalled = false
      pump(origin)
    }
  }

  /// Whether a request may leave now: the lease holds, and its result would find room.
  var mayStart: Bool { admission.isLeased(at: now) && admission.hasCredit }

  // MARK: Connections

  private func connection(for token: UInt64) -> Connection? {
    let slot = Int(token & Connection.slotMask)
    // An event of a connection that was closed earlier in the same batch has a token that nobody has any more.
    guard slot < connections.count, let connection = connections[slot],
      connection.token == token & Connection.identityMask
    else { return nil }
    return connection
  }

  func register(for origin: OriginSlot, _ attempt: consuming Attempt) -> Connection {
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
    } else {
      slot = connections.count
      connections.append(nil)
    }
    precondition(slot <= Int(Connection.slotMask), "more connections than tokens tell apart")
    let token = UInt64(slot) | (nextSerial << Connection.serialShift)
    nextSerial = (nextSerial + 1) & 0x7FFF_FFFF
    let connection = Connection(token: token, origin: origin, attempt: attempt, now: now)
    connections[slot] = connection
    origin.openConnections += 1
    busyConnections += 1
    return connection
  }

  /// Closes a connection, whatever it is doing; an attempt on it has been dealt with.
  func close(_ connection: Connection) {
    guard connection.state != .closed else { return }
    let origin = connection.origin
    if connection.state == .idle {
      if connection.isSettling { origin.settling -= 1 } else { origin.idle.removeAll { $0 === connection } }
    } else {
      busyConnections -= 1
    }
    let bytes = connection.takeWireBytes()
    effort.wireBytesReceived += bytes.received
    effort.wireBytesSent += bytes.sent
    keepSessions(of: connection)
    // Closing the descriptor takes it out of the poll set (epoll(7)).
    connection.close()
    let slot = Int(connection.token & Connection.slotMask)
    connections[slot] = nil
    freeSlots.append(slot)
    origin.openConnections -= 1
    reportLoweredShare(origin)
  }

  func keepSessions(of connection: Connection) {
    guard let tls = connection.tls, tls.hasSessions else { return }
    connection.origin.keep(tls.takeSessions())
  }

  // MARK: Reports

  func report(_ news: WorkerNews) { outbox.send(WorkerReport(worker: index, generation: generation, news: news)) }

  private func flushIfDue() {
    guard !builder.isEmpty else { return }
    let isIdle = busyConnections == 0 && stalled.isEmpty && settling.isEmpty
    if builder.isFull || isIdle || now >= builder.dueAt { flush() }
  }

  func flush() {
    let (block, deferrals, deferredRows) = builder.take()
    // Before the rows: what is given out once they are known to be finished has to find the origin paused.
    if !originPauses.isEmpty {
      report(.originPauses(originPauses))
      originPauses.removeAll()
    }
    if block.rows > 0 {
      admission.addUnacknowledged(block.byteCount)
      report(.block(block))
    }
    if deferredRows > 0 {
      admission.addUnacknowledged(deferrals.count)
      report(.deferrals(frame: deferrals, rows: deferredRows))
    }
    if !isEffortStale {
      isEffortStale = true
      effortDueAt = now.adding(nanoseconds: Self.effortInterval)
    }
  }

  private func reportEffortIfDue() {
    guard isEffortStale, now >= effortDueAt else { return }
    isEffortStale = false
    for connection in connections {
      guard let bytes = connection?.takeWireBytes() else { continue }
      effort.wireBytesReceived += bytes.received
      effort.wireBytesSent += bytes.sent
    }
    report(.effort(effort))
  }
}
