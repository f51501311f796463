import FetchModel
import Foundation
import JobStore
import Keys
import Logging
import PosixIO
import Records
import Scheduling
import WireProtocol
import ZeroMQ

// Theory of operation
//
// One thread, the caller's, owns the ROUTER socket and the scheduler. It never touches a disk or an input: an input
// thread hands chunks of rows over when asked, a writer thread makes records durable and says so. What to do is the
// scheduler's to decide; this loop brings messages, time and rows to it and carries its dispatches out.
//
// What a coordinator that is started after this one has to know is in the journal before it happens: an agent is
// welcomed, and a request that must not be sent twice leaves, only when the writer has said that its entry is durable
// (`+Journal`). Records that are not durable yet are bounded: above a limit no more rows are given out.
//
// A block of results is checked whole before anything of it counts: columns, lines, and that each row is leased to
// that session. One bad block ends the session that sent it, and its rows go to others.
//
// The files: `RunCoordinator` and `ResumeCoordinator` prepare a run; `+Messages` what agents say; `+Results` what
// they say of rows; `+Rows` rows in and out; `+Journal` what waits for the disk; `+Endings` ends of sessions;
// `+Stages` how a job ends; `+View` and `+Status` what people are shown;
// `+Gate` who may talk.

/// What the threads of a coordinator tell its loop.
enum CoordinatorEvent: Sendable {
  case input(InputEvent)
  case committer(CommitterReport)
  /// The gate has news.
  case gate
}

/// How far the list has been read.
struct InputProgress {
  /// A chunk was asked for.
  var isReading = false
  var hasEnded = false
  /// Standard input had more, and whoever read it is gone.
  var isCut = false
  /// Known at the end.
  var bytes: UInt64 = 0
  /// Rows that may have been sent, must not be sent twice, and were chosen to be fetched again.
  var withheldRows = 0
  /// Rows whose leaving has to be logged have been read.
  var mayHoldUnsafeRows = false
  /// Unsafe rows that may be repeated in this run only.
  var repeatedRows = RowSet()
}

/// The loop of one job. Confined to one thread.
final class Coordinator {
  /// Of records that are not durable: above it no more rows are given out. What agents have in hand comes on top.
  static let backlogLimit = 64 * 1024 * 1024

  struct Mailboxes: Sendable {
    let events: Mailbox<CoordinatorEvent>
    let input: Mailbox<InputCommand>
    let committer: Mailbox<CommitterCommand>
  }

  /// Each case says what may follow.
  enum Stage: Equatable {
    /// Rows are given out: `flushing` when all are recorded, `draining` on a signal.
    case running
    /// Signalled: nothing more is given out; `flushing` when nothing is under way or the time is over.
    case draining(until: Instant)
    /// Waits for the writer: `parting`.
    case flushing
    /// Waits for agents' last reports, not long: the end.
    case parting(until: Instant)
  }

  let plan: JobPlan
  let configuration: CoordinatorConfiguration
  let socket: CoordinatorSocket
  let files: JobFiles
  let mailboxes: Mailboxes
  let log: Logger
  let epoch: UInt64

  var scheduler: Scheduler
  var lines = LineStore()
  var peers: [UInt64: PeerSession] = [:]
  /// Whose keys are let in; nil if nothing is encrypted.
  var admissions: AdmissionList?
  /// Keys that were taken from the list, whose agents were told so.
  var turnedAway = Set<[UInt8]>()
  /// Of the message at hand.
  var sender = Socket.Sender()
  var records = RecordCounters()
  var efforts = EffortLedger()
  var refusals = RefusalLedger()
  var journal: JournalQueue
  var timeline = RateTimeline()
  var view: ProgressView
  /// For rows that end without an agent.
  var writer = RecordWriter(agent: [])
  var now: Instant

  /// Origins that were said to be down.
  var downOrigins = Set<[UInt8]>()
  var wasPaused = false
  var suspendedAgents: [String] = []
  var localAgents: LocalAgents?
  var input = InputProgress()
  /// Of records that are on their way to the disk.
  var backlogBytes = 0
  /// Anything was given to an agent, so that somebody may have seen it.
  var hasGivenOut = false
  var statusFile: StatusProgress
  var stage = Stage.running
  let interruptions: TerminationSignals
  var wasInterrupted = false
  /// When the process ends whatever still waits.
  var hardStop: Instant?
  let startedAt: Instant
  let startedAtMicroseconds: UInt64
  var firstAgentDeadline: Instant?
  var hadAgents = false

  init(
    _ plan: JobPlan,
    socket: consuming CoordinatorSocket,
    mailboxes: Mailboxes,
    signals: TerminationSignals,
    log: Logger
  ) throws {
    let now = Clock.bootTime()
    interruptions = signals
    self.plan = plan
    let configuration = plan.configuration
    self.configuration = configuration
    files = plan.files
    self.mailboxes = mailboxes
    self.log = log
    self.now = now
    let seed = Process.randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    epoch = seed | 1
    journal = JournalQueue(agents: plan.recovered?.agents ?? [])
    scheduler = Scheduler(
      Scheduler.Configuration(
        connectionsPerOrigin: configuration.job.connectionsPerOrigin,
        retry: configuration.job.retry,
        seed: seed
      ),
      // Agents that a coordinator had started are gone before another has the lock.
      awaited: plan.recovered.map { $0.agents.filter { !$0.isLocal }.map(\.instance) },
      recorded: plan.recovered?.recorded ?? RowSet(),
      now: now
    )
    if let recovered = plan.recovered { records = recovered.counters }
    view = ProgressView(configuration.progress, now: now)
    startedAt = now
    statusFile = StatusProgress(due: now)
    startedAtMicroseconds = Clock.wallMicroseconds()
    firstAgentDeadline = now + configuration.agentWait
    admissions = configuration.keys?.allowedAgents.list
    timeline.add(rows: records.rows, at: now)
    if case .local(let plan) = configuration.agents {
      localAgents = try LocalAgents(
        program: LocalAgents.programPath(),
        arguments: ["--coordinator", socket.endpoint] + plan.arguments,
        lock: files.lock,
        count: plan.count
      )
    }
    self.socket = socket
  }

  private func sayWhatIsAhead() {
    switch configuration.agents {
    case .remote: view.say("waiting for agents on \(socket.endpoint)")
    // Agents elsewhere say it of their own hosts.
    case .local(let plan): if let ports = PortCapacity.ofThisHost() { view.say(ports.line(sources: plan.sources)) }
    }
  }

  func run() throws -> CoordinatorExit {
    defer {
      localAgents?.stop()
      view.finish()
    }
    if configuration.progress != .none { sayWhatIsAhead() }
    while true {
      try waitAndReceive()
      now = Clock.bootTime()
      try handleEvents()
      note(scheduler.tick(now: now))
      try checkLocalAgents()
      readMore()
      if stage == .running, backlogBytes < Self.backlogLimit { try carryOut(scheduler.dispatch(now: now)) }
      showProgress()
      writeStatus()
      if let exit = try advance() { return exit }
    }
  }

  private func waitAndReceive() throws {
    var descriptors = [
      WaitedDescriptor(mailboxes.events.signal.descriptor), WaitedDescriptor(interruptions.descriptor),
    ]
    descriptors += localAgents?.exitDescriptors.map { WaitedDescriptor($0) } ?? []
    if try socket.socket.wait(alsoFor: &descriptors, milliseconds: 50) {
      now = Clock.bootTime()
      // Bounded, so that rows are given out while results pour in.
      for _ in 0..<256 { guard try receiveOne() else { break } }
    }
    if descriptors[1].isReady { try interrupted(interruptions.take()) }
  }

  // MARK: Events

  private func handleEvents() throws {
    for event in mailboxes.events.drain() { try handle(event) }
  }

  func handle(_ event: CoordinatorEvent) throws {
    switch event {
    case .input(.chunk(let chunk)):
      input.isReading = false
      take(chunk)
    case .input(.ended(let bytes, let isCut, let hashes)):
      input.isReading = false
      input.hasEnded = true
      input.bytes = bytes
      input.isCut = isCut || plan.isGoingOnWithCutInput
      endInput(bytes: input.isCut ? nil : bytes, hashes: hashes)
    case .input(.failed(let message)): throw CoordinatorError(message)
    case .committer(.durable(let session, let block)): try noteDurable(block, of: session)
    case .committer(.committed(let bytes)): backlogBytes -= bytes
    case .committer(.journaled(let ticket)): try goOn(upTo: ticket)
    case .committer(.statusWritten): statusFile.isBeingWritten = false
    case .committer(.idle): if stage == .flushing { try allDurable() }
    case .committer(.failed(let failure)): throw WritingFailed(failure)
    case .gate: try takeGateNews()
    }
  }

  /// Sends to a session. A message that cannot leave leaves a gap behind it, which ends the session if its agent hears
  /// of it at all: it may have said what nobody says again. A session that cannot be reached gets no more work, and is
  /// over when its lease is: its agent may be alive behind a broken connection, with requests under way.
  @discardableResult
  func send(_ body: WireCoordinatorMessage.OneOf_Body, bulk: [[UInt8]] = [], to session: UInt64) throws -> Bool {
    guard var peer = peers[session] else { return false }
    // Welcomes are outside of the numbering: they begin it.
    let sequence = if case .welcome = body { UInt64(0) } else { peer.outgoing.next() }
    peers[session] = peer
    let control = Envelope.encode(session: session, sequence: sequence, epoch: epoch, body)
    switch try socket.socket.send([peer.routing, control] + bulk) {
    case .sent: return true
    case .wouldBlock, .unroutable:
      scheduler.unreachable(session)
      return false
    }
  }
}
