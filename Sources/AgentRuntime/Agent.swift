import DequeModule
import FetchClient
import FetchModel
package import Logging
package import PosixIO
import Resolver
import Scheduling
import WireProtocol
import ZeroMQ

// Theory of operation
//
// The main thread of an agent owns the DEALER socket and nothing else does: it carries rows and shares to workers and
// blocks to the coordinator, and keeps the session. What it says and when is decided by `AgentSession`, a value; which
// worker gets what by `OriginSpread`, another. Workers fetch. All talk through mailboxes.
//
// When the session ends for whatever reason, workers drop what they have and the generation goes up, so that reports
// which were on their way are recognised and never sent under a later session.

/// Why an agent ended.
package enum AgentExit: Equatable, Sendable {
  /// `--once`, and the job is over.
  case jobDone
  /// Whoever started this agent is gone.
  case lifelineClosed
  case signalled
  /// The job cannot be carried out here.
  case failed(String)
}

/// Runs an agent on the calling thread until it has a reason to end.
package func runAgent(_ configuration: AgentConfiguration, signals: TerminationSignals, log: Logger) throws
  -> AgentExit
{
  var exit = AgentExit.signalled
  try Resolver.withThreads(4) { resolver in
    let reports = try Mailbox<WorkerReport>()
    let admission = Admission(creditBytes: 64 * 1024 * 1024)
    var inboxes: [Mailbox<WorkerCommand>] = []
    for _ in 0..<configuration.threads { inboxes.append(try Mailbox()) }
    var threads = ThreadGroup()
    defer {
      for inbox in inboxes { inbox.send(.stop) }
      threads.join()
    }
    for (index, inbox) in inboxes.enumerated() {
      try threads.spawn(name: "worker-\(index)") {
        do {
          let worker = try Worker(
            index: index,
            inbox: inbox,
            outbox: reports,
            admission: admission,
            resolver: resolver
          )
          try worker.run()
        } catch {
          // Without its poll set a worker can do nothing, and the rows it holds would wait for ever.
          preconditionFailure("worker \(index): \(error)")
        }
      }
    }
    var agent = try Agent(configuration, workers: inboxes, reports: reports, admission: admission, log: log)
    exit = try agent.run(signals: signals)
  }
  return exit
}

struct Agent: ~Copyable {
  private let configuration: AgentConfiguration
  private let workers: [Mailbox<WorkerCommand>]
  private let reports: Mailbox<WorkerReport>
  private let admission: Admission
  private let log: Logger

  private let instance: [UInt8]
  private let name: String
  private let socket: Socket

  private var session: AgentSession
  private var spread: OriginSpread
  private var outbox = Outbox()
  private var generation: UInt64 = 0
  /// Messages that the socket did not take yet, in order.
  private var unsent: Deque<[[UInt8]]> = []
  private var job: JobContext?
  private var efforts: [EffortCounters]
  private var finishedWorkers = 0
  private var exit: AgentExit?

  init(
    _ configuration: AgentConfiguration,
    workers: [Mailbox<WorkerCommand>],
    reports: Mailbox<WorkerReport>,
    admission: Admission,
    log: Logger
  ) throws {
    let instance = Process.randomBytes(16)
    let digits = instance.prefix(2).map { byte in
      let text = String(byte, radix: 16)
      return text.count == 1 ? "0" + text : text
    }
    let socket = try Socket(
      .dealer,
      in: Context(ioThreads: 1),
      // What is in flight is bounded by credit, so the socket need not count messages; an agent that ends says
      // goodbye and waits a moment for it to leave.
      Socket.Settings(
        highWaterMark: 0,
        lingerMilliseconds: 500,
        maximumFrameBytes: 64 * 1024 * 1024,
        handshakeMilliseconds: 10_000
      )
    )
    try socket.connect(to: configuration.coordinator)
    self.configuration = configuration
    self.workers = workers
    self.reports = reports
    self.admission = admission
    self.log = log
    self.instance = instance
    self.socket = socket
    name = Process.hostName + "-" + digits.joined()
    session = AgentSession(nonce: Process.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) })
    spread = OriginSpread(workers: workers.count)
    efforts = Array(repeating: EffortCounters(), count: workers.count)
  }

  mutating func run(signals: TerminationSignals) throws -> AgentExit {
    var descriptors = [WaitedDescriptor(reports.signal.descriptor), WaitedDescriptor(signals.descriptor)]
    if let lifeline = configuration.lifeline { descriptors.append(WaitedDescriptor(lifeline)) }
    while true {
      // Never without end: a lease may run out while nothing comes.
      let isReadable = try socket.wait(alsoFor: &descriptors, milliseconds: unsent.isEmpty ? 100 : 10)
      if isReadable { try receiveAll() }
      if descriptors[0].isReady { try forwardReports() }
      if descriptors[1].isReady, signals.take() > 0 {
        try sayGoodbye()
        return .signalled
      }
      if descriptors.count > 2, descriptors[2].isReady { return .lifelineClosed }
      try perform(session.tick(now: Clock.bootTime()))
      try sendUnsent()
      if let exit { return exit }
    }
  }

  // MARK: From the coordinator

  private mutating func receiveAll() throws {
    // Bounded, so that reports and beats get their turn.
    for _ in 0..<64 {
      switch try socket.receive() {
      case .message(let frames): try receive(frames)
      case .tooManyFrames: log.warning("message of too many frames dropped")
      case .wouldBlock, .terminated: return
      }
    }
  }

  private mutating func receive(_ frames: [[UInt8]]) throws {
    guard let control = frames.first,
      let (identifier, epoch, body) = try? Envelope.decodeFromCoordinator(control)
    else { return log.warning("message dropped that is not of this protocol") }
    let now = Clock.bootTime()
    switch body {
    case .welcome(let welcome): try begin(welcome, session: identifier, epoch: epoch, now)
    case .helloAgain: try perform(session.unknown(session: identifier, now: now))
    case .refusal(let refusal):
      try perform(session.refused(reason: refusal.reason, isTemporary: refusal.isTemporary, now: now))
    case .beatEcho(let echo):
      try perform(
        session.echoed(
          stamp: Instant(nanoseconds: echo.stampNs),
          session: identifier,
          epoch: epoch,
          now: now
        )
      )
    case .work, .shares, .acknowledgement, .rowRecall, .jobEnd, .drain:
      // Left over from a session that is over.
      guard session.isCurrent(session: identifier, epoch: epoch) else { return }
      try receive(body, bulk: frames.dropFirst())
    }
  }

  /// Messages of the current session.
  private mutating func receive(_ body: WireCoordinatorMessage.OneOf_Body, bulk: ArraySlice<[UInt8]>) throws {
    switch body {
    case .work(let work):
      apply(work.shares)
      guard work.rows > 0, Array(work.job) == job?.identifier else { return }
      do {
        try spreadRows(bulk.first ?? [], count: Int(work.rows))
      } catch {
        // Its rows would be held and never reported.
        log.error("work of this session is not readable, so it is given up: \(error)")
        try perform(session.unknown(session: session.session, now: Clock.bootTime()))
      }
    case .shares(let shares): apply(shares.shares)
    case .acknowledgement(let acknowledgement):
      admission.addUnacknowledged(-outbox.acknowledged(upTo: acknowledgement.block))
    case .rowRecall(let recall):
      // Rows are handed to workers at once, so none is left here to be given back.
      var returned = WireRowsReturned()
      returned.job = recall.job
      try send(.rowsReturned(returned), bulk: [[]])
    case .jobEnd:
      finishedWorkers = 0
      for worker in workers { worker.send(.finish) }
    case .drain, .welcome, .helloAgain, .refusal, .beatEcho: break
    }
  }

  private mutating func begin(_ welcome: WireWelcome, session identifier: UInt64, epoch: UInt64, _ now: Instant)
    throws
  {
    let actions = session.welcomed(nonce: welcome.nonce, session: identifier, epoch: epoch, now: now)
    guard !actions.isEmpty else { return }
    if job?.identifier != Array(welcome.job) {
      do {
        let context = try JobContext(
          identifier: Array(welcome.job),
          specification: JobSpecification(welcome.specification),
          agentName: Array(name.utf8)
        )
        job = context
        efforts = Array(repeating: EffortCounters(), count: workers.count)
        for worker in workers { worker.send(.begin(context)) }
      } catch {
        exit = .failed("the job cannot be done by this agent: \(error)")
        return
      }
    }
    log.debug("welcomed", metadata: ["session": "\(identifier)"])
    try perform(actions)
  }

  private mutating func apply(_ shares: [WireShare]) {
    for share in shares {
      for instruction in spread.setShare(of: share.origin, to: Int(share.connections)) {
        workers[instruction.worker].send(.share(origin: share.origin, connections: instruction.connections))
      }
    }
  }

  private mutating func spreadRows(_ frame: [UInt8], count: Int) throws(FrameError) {
    let rows = try RowFrame.decode(frame, count: count)
    if workers.count == 1 { return workers[0].send(.rows(RowBatch(bytes: frame, rows: rows))) }
    var parts: [[FramedRow]] = Array(repeating: [], count: workers.count)
    for row in rows { parts[spread.worker(for: row.origin, seq: row.seq)].append(row) }
    for (worker, part) in zip(workers, parts) where !part.isEmpty {
      worker.send(.rows(RowBatch(bytes: frame, rows: part)))
    }
  }

  // MARK: To the coordinator

  private mutating func forwardReports() throws {
    for report in reports.drain() {
      switch report.news {
      case .effort(let effort): efforts[report.worker] = effort
      case .localTrouble(let text): log.warning("paused for want of something on this host: \(text)")
      case .block(let block):
        guard report.generation == generation else {
          admission.addUnacknowledged(-block.byteCount)
          continue
        }
        var results = WireResults()
        results.job = bytes(job?.identifier ?? [])
        results.block = outbox.add(bytes: block.byteCount)
        results.rows = UInt32(block.rows)
        try send(.results(results), bulk: [block.columns, block.lines])
      case .deferrals(let frame, let rows):
        guard report.generation == generation else { continue }
        var deferrals = WireDeferrals()
        deferrals.job = bytes(job?.identifier ?? [])
        deferrals.rows = UInt32(rows)
        try send(.deferrals(deferrals), bulk: [frame])
      case .shareLowered(let origin, let connections):
        guard report.generation == generation,
          let total = spread.lowered(origin: origin, worker: report.worker, to: connections)
        else { continue }
        var share = WireShare()
        share.origin = origin
        share.connections = UInt32(total)
        var lowered = WireSharesLowered()
        lowered.shares = [share]
        try send(.sharesLowered(lowered), bulk: [])
      case .finished(let effort):
        efforts[report.worker] = effort
        finishedWorkers += 1
        if finishedWorkers == workers.count { try reportJob() }
      }
    }
  }

  private mutating func reportJob() throws {
    var report = WireJobReport()
    report.job = bytes(job?.identifier ?? [])
    report.effort = WireEffort(totalEffort)
    try send(.jobReport(report), bulk: [])
    try perform(session.ended())
    if configuration.once { exit = .jobDone }
  }

  private mutating func sayGoodbye() throws {
    guard session.session != 0 else { return }
    var goodbye = WireGoodbye()
    goodbye.effort = WireEffort(totalEffort)
    try send(.goodbye(goodbye), bulk: [])
  }

  private var totalEffort: EffortCounters { efforts.reduce(EffortCounters()) { $0 + $1 } }

  private mutating func perform(_ actions: [AgentSession.Action]) throws {
    for action in actions {
      switch action {
      case .sendHello(let nonce): try sayHello(nonce)
      case .sendBeat(_, let stamp):
        var beat = WireBeat()
        beat.stampNs = stamp.nanoseconds
        beat.effort = WireEffort(totalEffort)
        beat.unacknowledgedBytes = UInt64(max(0, admission.unacknowledgedBytes))
        try send(.beat(beat), bulk: [])
      case .lease(let end): admission.setLease(until: end)
      case .begin: break
      case .abandon: abandon()
      case .refused(let reason, let isTemporary):
        log.log(level: isTemporary ? .debug : .notice, "the coordinator refused this agent: \(reason)")
      }
    }
  }

  private mutating func abandon() {
    generation += 1
    admission.setLease(until: .zero)
    for worker in workers { worker.send(.abandon(generation: generation)) }
    admission.addUnacknowledged(-outbox.restart())
    spread.forgetAll()
    unsent.removeAll()
  }

  private mutating func sayHello(_ nonce: UInt64) throws {
    var hello = WireHello()
    hello.minimumVersion = ProtocolVersion.minimum
    hello.maximumVersion = ProtocolVersion.maximum
    hello.instance = bytes(instance)
    hello.nonce = nonce
    hello.name = name
    hello.processID = UInt32(Process.identifier)
    hello.threads = UInt32(workers.count)
    hello.connections = UInt32(configuration.connections)
    hello.creditRows = UInt32(configuration.creditRows)
    hello.creditBytes = UInt64(configuration.creditBytes)
    switch try socket.send([Envelope.encode(session: 0, .hello(hello))]) {
    case .sent: break
    case .wouldBlock, .unroutable: session.helloNotSent()
    }
  }

  private mutating func send(_ body: WireAgentMessage.OneOf_Body, bulk: [[UInt8]]) throws {
    unsent.append([Envelope.encode(session: session.session, body)] + bulk)
    try sendUnsent()
  }

  private mutating func sendUnsent() throws {
    while let message = unsent.first {
      switch try socket.send(message) {
      case .sent: unsent.removeFirst()
      case .wouldBlock, .unroutable: return
      }
    }
  }
}
