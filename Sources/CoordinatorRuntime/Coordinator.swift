import FetchModel
import Foundation
import JobStore
package import Logging
package import PosixIO
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
// A block of results is checked whole before anything of it counts: columns, lines, and that each row is leased to
// that session. One bad block ends the session that sent it, and its rows go to others.

/// What the threads of a coordinator tell its loop.
enum CoordinatorEvent: Sendable {
  case input(InputEvent)
  case committer(CommitterReport)
}

/// Runs a job on the calling thread.
package func runCoordinator(_ configuration: CoordinatorConfiguration, signals: TerminationSignals, log: Logger) throws
  -> CoordinatorExit
{
  let mailboxes = Coordinator.Mailboxes(events: try Mailbox(), input: try Mailbox(), committer: try Mailbox())
  let input = try InputFile(configuration.input)
  let descriptor = input.descriptor.rawValue
  let name = input.name
  var threads = ThreadGroup()
  defer {
    mailboxes.input.send(.stop)
    mailboxes.committer.send(.stop)
    threads.join()
  }
  let job = configuration.job
  try threads.spawn(name: "input") {
    var reader = InputReader(
      descriptor,
      name: name,
      request: job.request,
      repeatsUnsafe: job.retry.includesUnsafe,
      inbox: mailboxes.input
    ) { mailboxes.events.send(.input($0)) }
    reader.run()
  }
  // The first rows come before anything is made: a list that cannot be read or is empty leaves nothing behind.
  mailboxes.input.send(.more)
  guard let first = try firstChunk(from: mailboxes.events, unless: signals, name: name) else { return .interrupted }
  let socket = try CoordinatorSocket(configuration.agents)
  let files = try JobFiles(configuration)
  let records = try files.createRecords()
  try threads.spawn(name: "writer") {
    let sink: RecordSink = records.map { .pass($0.take()) } ?? .standardOutput
    var committer = Committer(sink, inbox: mailboxes.committer) { mailboxes.events.send(.committer($0)) }
    committer.run()
  }
  let coordinator: Coordinator
  do {
    coordinator = try Coordinator(
      configuration,
      socket: socket,
      files: files,
      mailboxes: mailboxes,
      signals: signals,
      log: log
    )
  } catch {
    files.discard()
    throw error
  }
  coordinator.take(first)
  return try coordinator.run()
}

/// nil if a signal came first: a pipe may stay open and empty.
private func firstChunk(
  from events: Mailbox<CoordinatorEvent>,
  unless signals: TerminationSignals,
  name: String
) throws(CoordinatorError) -> RowChunk? {
  while true {
    events.signal.wait(orFor: signals.descriptor)
    if signals.take() > 0 { return nil }
    for event in events.drain() {
      switch event {
      case .input(.chunk(let chunk)): return chunk
      case .input(.ended): throw CoordinatorError("\(name) holds no request")
      case .input(.failed(let message)): throw CoordinatorError(message)
      case .committer: break
      }
    }
  }
}

/// The loop of one job. Confined to one thread.
final class Coordinator {
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

  let configuration: CoordinatorConfiguration
  let socket: CoordinatorSocket
  let files: JobFiles
  let mailboxes: Mailboxes
  let log: Logger
  let epoch: UInt64

  var scheduler: Scheduler
  var lines = LineStore()
  var peers: [UInt64: PeerSession] = [:]
  var records = RecordCounters()
  var efforts = EffortLedger()
  var refusals = RefusalLedger()
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
  var isReading = false
  var inputHasEnded = false
  private(set) var stage = Stage.running
  private var wasInterrupted = false
  /// When the process ends whatever still waits.
  private var hardStop: Instant?
  private let interruptions: TerminationSignals
  private let startedAt: Instant
  private let startedAtMicroseconds: UInt64
  private var firstAgentDeadline: Instant?
  private var hadAgents = false

  init(
    _ configuration: CoordinatorConfiguration,
    socket: consuming CoordinatorSocket,
    files: JobFiles,
    mailboxes: Mailboxes,
    signals: TerminationSignals,
    log: Logger
  ) throws {
    let now = Clock.bootTime()
    interruptions = signals
    self.configuration = configuration
    self.files = files
    self.mailboxes = mailboxes
    self.log = log
    self.now = now
    let seed = Process.randomBytes(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
    epoch = seed | 1
    scheduler = Scheduler(
      Scheduler.Configuration(
        connectionsPerOrigin: configuration.job.connectionsPerOrigin,
        retry: configuration.job.retry,
        seed: seed
      ),
      now: now
    )
    view = ProgressView(configuration.progress, now: now)
    startedAt = now
    startedAtMicroseconds = Clock.wallMicroseconds()
    firstAgentDeadline = now + configuration.agentWait
    timeline.add(rows: 0, at: now)
    if case .local(let count, let threads) = configuration.agents {
      localAgents = try LocalAgents(
        program: LocalAgents.programPath(),
        arguments: ["--coordinator", socket.endpoint, "--threads", "\(threads)", "--once"],
        count: count
      )
    }
    self.socket = socket
  }

  func run() throws -> CoordinatorExit {
    defer {
      localAgents?.stop()
      view.finish()
    }
    if configuration.progress != .none, case .remote = configuration.agents {
      view.say("waiting for agents on \(socket.endpoint)")
    }
    while true {
      try waitAndReceive()
      now = Clock.bootTime()
      try handleEvents()
      note(scheduler.tick(now: now))
      try checkLocalAgents()
      readMore()
      if stage == .running { try carryOut(scheduler.dispatch(now: now)) }
      showProgress()
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
    for event in mailboxes.events.drain() {
      switch event {
      case .input(.chunk(let chunk)):
        isReading = false
        take(chunk)
      case .input(.ended):
        isReading = false
        inputHasEnded = true
        scheduler.endInput()
      case .input(.failed(let message)): throw CoordinatorError(message)
      case .committer(.durable(let session, let block)): try noteDurable(block, of: session)
      case .committer(.idle):
        if stage == .flushing { try part() }
      case .committer(.failed(let failure)): throw CoordinatorError(failure)
      case .committer(.journaled), .committer(.statusWritten): break
      }
    }
  }

  /// Sends to a session. A message that cannot leave leaves a gap behind it, which ends the session if its agent hears
  /// of it at all: it may have said what nobody says again. One that cannot be reached gets no more work, and is over when its lease is: its agent may
  /// be alive behind a broken connection, with requests under way.
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

  // MARK: Stages

  /// No agent is needed any more.
  var isParting: Bool {
    switch stage {
    case .running, .draining: false
    case .flushing, .parting: true
    }
  }

  /// The first signal lets rows under way finish. The second ends the job as soon as what was recorded is durable,
  /// and in a second at the latest: a reader of standard output may have stopped reading.
  private func interrupted(_ count: Int) throws {
    guard count > 0 else { return }
    let isFirst = !wasInterrupted && count == 1
    wasInterrupted = true
    if !isFirst, hardStop == nil { hardStop = now.adding(nanoseconds: 1_000_000_000) }
    switch stage {
    case .running where isFirst:
      view.say("interrupted: finishing what is under way")
      stage = .draining(until: now + configuration.grace)
      // What was not started comes back, so that only what is in flight is waited for.
      for session in peers.keys.sorted() { try send(.drain(WireDrain()), to: session) }
    case .running, .draining: stage = .draining(until: now)
    case .flushing, .parting: break
    }
  }

  /// Goes on to the next stage if this one is over; returns how the job ended after the last.
  private func advance() throws -> CoordinatorExit? {
    if let hardStop, now >= hardStop { exitInterrupted() }
    switch stage {
    case .running:
      try checkAgentWait()
      if scheduler.isComplete { flush() }
    case .draining(let end):
      if scheduler.counts.leased == 0 || now >= end { flush() }
    case .flushing: break
    case .parting(let end):
      if peers.values.allSatisfy(\.hasReported) || now >= end { return try finish() }
    }
    return nil
  }

  private func checkAgentWait() throws {
    if scheduler.sessionCount > 0 {
      hadAgents = true
      firstAgentDeadline = nil
    }
    if let deadline = firstAgentDeadline, now >= deadline {
      files.discard()
      let exact = configuration.agentWait.inSeconds
      let seconds = exact == exact.rounded() ? "\(Int(exact))" : "\(exact)"
      throw CoordinatorError(
        "no agent came within \(seconds) s; start one with: agent --coordinator \(socket.endpoint)"
      )
    }
    if hadAgents, scheduler.sessionCount == 0 {
      hadAgents = false
      if configuration.progress != .none { view.say("all agents are gone; waiting for one to come") }
    }
  }

  private func flush() {
    stage = .flushing
    mailboxes.committer.send(.flush)
  }

  /// All records are durable: agents may report and go.
  private func part() throws {
    stage = .parting(until: now.adding(nanoseconds: 2_000_000_000))
    for session in peers.keys.sorted() {
      var end = WireJobEnd()
      end.job = bytes(files.identifier)
      try send(.jobEnd(end), to: session)
    }
  }

  /// Blocks may have come while agents parted: they are durable, too, before the summary counts them.
  private func stopWriting() throws {
    mailboxes.committer.send(.stop)
    while true {
      mailboxes.events.signal.wait(milliseconds: 100)
      now = Clock.bootTime()
      if interruptions.take() > 0 { exitInterrupted() }
      for event in mailboxes.events.drain() {
        switch event {
        case .committer(.idle): return
        case .committer(.failed(let failure)): throw CoordinatorError(failure)
        case .committer(.durable), .committer(.journaled), .committer(.statusWritten), .input: break
        }
      }
    }
  }

  private func exitInterrupted() -> Never {
    if records.rows == 0 { files.discard() }
    Process.exitNow(CoordinatorExit.interrupted.rawValue)
  }

  private func finish() throws -> CoordinatorExit {
    try stopWriting()
    let report = JobReport(
      JobReport.Source(
        job: files.identifier,
        isComplete: scheduler.isComplete,
        startedAtMicroseconds: startedAtMicroseconds,
        duration: .nanoseconds(Int64(clamping: now.nanoseconds(since: startedAt))),
        inputRows: scheduler.counts.submitted,
        records: records,
        timeline: timeline,
        effort: efforts.total,
        instances: efforts.count,
        silentInstances: efforts.countWithoutLastReport,
        refused: refusals.entries
      )
    )
    // The folder of a job that recorded nothing can be named again.
    if records.rows == 0 { files.discard() } else { try files.write(report) }
    if configuration.progress != .none {
      for line in ReportTable(report: report).lines { view.say(line) }
      if records.rows > 0, let path = files.path { view.say("records     \(path)/results.jsonl") }
    }
    if wasInterrupted, !scheduler.isComplete { return .interrupted }
    let failed = records.failedRows + records.statusClasses.clientError + records.statusClasses.serverError
    return configuration.failsOnErrors && failed > 0 ? .rowsFailed : .complete
  }
}
