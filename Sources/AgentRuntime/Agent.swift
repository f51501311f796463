import ContentCodings
import DequeModule
import FetchClient
import FetchModel
import Keys
package import Logging
package import PosixIO
import Resolver
import Scheduling
import ZeroMQ

// Theory of operation
//
// The main thread of an agent owns the DEALER socket and nothing else does: it carries rows and shares to workers and
// blocks to the coordinator, and keeps the session. What it says and when is decided by `AgentSession`, a value; which
// worker gets what by `OriginSpread`, another. Workers fetch. All talk through mailboxes.
//
// Blocks of finished and deferred rows stay in the outbox until they are acknowledged, whatever becomes of sessions
// meanwhile. When a session ends, the workers are asked what they hold (`Stocktaking`); the next hello names it, and
// the rows of the outbox. Each such change raises the generation, so that what a worker said of origins and shares
// before it is recognised; their numbers mean something else afterwards.
//
// An agent outlives jobs and coordinators. Welcomed to another job it puts its outbox aside (`Shelves`) and names that
// in each hello, too; welcomed to that job again it sends what is there. What nobody comes for is dropped after a
// while.
//
// The files: `+Messages` what the coordinator says; `+Session` from one session to the next; `+Reports` what workers
// say; `+Keeping` what is kept for coordinators that are away; `+Ending` how an agent that is told to end gets rid of
// its rows; `+Dialing` handshakes that fail.

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
  try Resolver.withThread(configuration.resolver) { resolver in
    let decoderBudget = DecoderBudget(bytes: configuration.decoderBytes)
    let reports = try Mailbox<WorkerReport>()
    let admission = Admission()
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
            resolver: resolver,
            dialing: configuration.dialing,
            decoderBudget: decoderBudget
          )
          try worker.run()
        } catch {
          // Without its poll set a worker can do nothing, and the rows it holds would wait for ever.
          preconditionFailure("worker \(index): \(error)")
        }
      }
    }
    var agent = try Agent(
      configuration,
      workers: inboxes,
      reports: reports,
      admission: admission,
      resolver: resolver,
      log: log
    )
    exit = try agent.run(signals: signals)
  }
  return exit
}

struct Agent: ~Copyable {
  let configuration: AgentConfiguration
  let workers: [Mailbox<WorkerCommand>]
  let reports: Mailbox<WorkerReport>
  let admission: Admission
  let resolver: Resolver
  let log: Logger
  let socket: Socket
  var monitor: HandshakeMonitor
  var dialing = Dialing()

  var instance: [UInt8]
  var session: AgentSession
  /// The last one that began; its messages carry it, the goodbye included.
  var sessionIdentifier: UInt64 = 0
  var spread: OriginSpread
  var outbox = Outbox<RowBlock>()
  /// Outboxes of other jobs.
  var shelves: Shelves<RowBlock>
  /// When the coordinator of the current job was heard last.
  var servedAt = Instant.zero
  var generation: UInt64 = 0
  var stocktaking: Stocktaking
  /// What the next hello names.
  var held: [Holding] = []
  /// Messages that the socket did not take yet, in order. While there are any, beats are left out and blocks stay in
  /// the outbox, so that these are a few that each follow from something which came in the session, and the session
  /// ends soon if nothing comes. What is in here has its number and is never left out.
  var unsent: Deque<[[UInt8]]> = []
  var job: JobContext?
  var efforts: [EffortCounters]
  /// The last trouble of this host that the operator was told of.
  var troubleSaid = (text: "", at: Instant.zero)
  static let troubleInterval: UInt64 = 10_000_000_000
  /// What the resolver had done before the job.
  var resolverBefore = ResolverCounters()
  /// By worker: rows that it was given and that are in no report.
  var rowsInHand: [Int]
  var finishedWorkers = 0
  var departure: Departure?
  var exit: AgentExit?

  init(
    _ configuration: AgentConfiguration,
    workers: [Mailbox<WorkerCommand>],
    reports: Mailbox<WorkerReport>,
    admission: Admission,
    resolver: Resolver,
    log: Logger
  ) throws {
    let context = try Context(ioThreads: 1)
    let socket = try Socket(
      .dealer,
      in: context,
      // What is in flight is bounded by credit, so the socket need not count messages; an agent that ends says
      // goodbye and waits a moment for it to leave.
      Socket.Settings(
        highWaterMark: 0,
        lingerMilliseconds: 500,
        maximumFrameBytes: 64 * 1024 * 1024,
        handshakeMilliseconds: 10_000,
        // With keys never without them: a coordinator that does not prove to be the one that is meant gets nothing.
        security: configuration.keys.map { .client($0.secret, server: $0.coordinator) } ?? .plaintext
      )
    )
    try socket.startMonitoring(as: "handshakes")
    let monitor = try HandshakeMonitor(of: "handshakes", in: context)
    try socket.connect(to: configuration.coordinator)
    self.configuration = configuration
    self.workers = workers
    self.reports = reports
    self.admission = admission
    self.resolver = resolver
    self.log = log
    self.socket = socket
    self.monitor = monitor
    instance = Process.randomBytes(16)
    session = AgentSession(nonce: Process.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) })
    shelves = Self.shelves(hold: configuration.hold)
    spread = OriginSpread(workers: workers.count)
    stocktaking = Stocktaking(generation: 0, workers: workers.count)
    efforts = Array(repeating: EffortCounters(), count: workers.count)
    rowsInHand = Array(repeating: 0, count: workers.count)
  }

  // What it reports to nobody would hold up its I/O thread.
  deinit { socket.stopMonitoring() }

  /// Host and the first digits of the instance.
  var name: String { Process.hostName + "-" + Self.hexadecimal(instance.prefix(2)) }

  static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  mutating func run(signals: TerminationSignals) throws -> AgentExit {
    var descriptors = [WaitedDescriptor(reports.signal.descriptor), WaitedDescriptor(signals.descriptor)]
    if let lifeline = configuration.lifeline { descriptors.append(WaitedDescriptor(lifeline)) }
    while true {
      // Never without end: a lease may run out while nothing comes.
      let isReadable = try socket.wait(alsoFor: &descriptors, milliseconds: unsent.isEmpty ? 100 : 10)
      if isReadable { try receiveAll() }
      if descriptors[0].isReady { try forwardReports() }
      if descriptors[1].isReady { try signalled(times: signals.take()) }
      if descriptors.count > 2, descriptors[2].isReady { return .lifelineClosed }
      try perform(session.tick(now: Clock.bootTime()))
      try dropUnclaimed()
      try departIfDone()
      try sendUnsent()
      try sendBlocks()
      try checkHandshakes()
      if let exit {
        sayLost()
        return exit
      }
    }
  }
}
