import DequeModule
import FetchModel
import PosixIO
import Scheduling
import WireProtocol
import ZeroMQ

/// Why a measurement is none: the coordinator did what it does only when something is wrong.
struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// One agent for one job and one session. Confined to its thread.
struct InstantAgent: ~Copyable {
  /// What an agent of 4,096 connections asks for.
  private static let connections: UInt32 = 4096
  private static let creditRows: UInt32 = 16_384
  private static let creditBytes: UInt64 = 32 << 20

  private let name: String
  private let socket: Socket
  private let instance = PosixIO.Process.randomBytes(16)
  private var session: AgentSession
  private var job: [UInt8] = []
  /// Frames of rows that were not looked at yet, for want of acknowledgements.
  private var waiting: Deque<(frame: [UInt8], rows: Int)> = []
  private let answers: Answers
  private var outbox = Outbox<Answers.Block>()
  private var acknowledgementCredit = 0
  /// Messages that the socket did not take yet.
  private var unsent: Deque<[[UInt8]]> = []
  private var shares: [UInt32: UInt32] = [:]
  private var attempts: UInt64 = 0
  private var isDone = false

  init(_ name: String, _ endpoint: String, in context: Context, _ security: Security) throws {
    // As that of a real agent.
    let socket = try Socket(
      .dealer,
      in: context,
      Socket.Settings(
        highWaterMark: 0,
        lingerMilliseconds: 500,
        maximumFrameBytes: 64 * 1024 * 1024,
        handshakeMilliseconds: 10_000,
        security: security
      )
    )
    try socket.connect(to: endpoint)
    self.name = name
    self.socket = socket
    answers = Answers(agent: Array(name.utf8))
    session = AgentSession(nonce: PosixIO.Process.randomBytes(8).reduce(0) { $0 << 8 | UInt64($1) })
  }

  mutating func run() throws {
    var descriptors: [WaitedDescriptor] = []
    while !isDone {
      if try socket.wait(alsoFor: &descriptors, milliseconds: pause()) { try receiveAll() }
      try perform(session.tick(now: Clock.bootTime()))
      try answer()
      try sendUnsent()
    }
  }

  /// Until something has to be done, whatever comes.
  private func pause() -> Int {
    if !unsent.isEmpty { return 1 }
    let now = Clock.bootTime()
    return answers.dueAt > now ? Int(min(100, answers.dueAt.nanoseconds(since: now) / 1_000_000 + 1)) : 0
  }

  // MARK: Rows

  /// Answers what waits, as far as acknowledgements allow.
  private mutating func answer() throws {
    while outbox.bytes < acknowledgementCredit, let next = waiting.popFirst() {
      let now = Clock.bootTime()
      for row in try RowFrame.decode(next.frame, count: next.rows) {
        answers.add(row, of: next.frame, now: now)
        if answers.isFull { try flush() }
      }
      attempts += UInt64(next.rows)
    }
    if Clock.bootTime() >= answers.dueAt { try flush() }
  }

  private mutating func flush() throws {
    outbox.add(answers.take())
    while let block = outbox.takeUnsent() {
      var results = WireResults()
      results.job = bytes(job)
      results.block = block.number
      results.rows = UInt32(block.payload.rows)
      try send(.results(results), bulk: [block.payload.columns, block.payload.lines])
    }
  }

  // MARK: What the coordinator says

  private mutating func receiveAll() throws {
    // Bounded, so that answers and beats get their turn.
    for _ in 0..<64 {
      switch try socket.receive() {
      case .message(let frames): try receive(frames)
      case .tooManyFrames: throw Trouble("a message of too many frames")
      case .wouldBlock, .terminated: return
      }
    }
  }

  private mutating func receive(_ frames: [[UInt8]]) throws {
    let (identifier, sequence, epoch, body) = try Envelope.decodeFromCoordinator(frames[0])
    let now = Clock.bootTime()
    switch body {
    case .welcome(let welcome):
      job = Array(welcome.job)
      acknowledgementCredit = Int(clamping: welcome.acknowledgementCreditBytes)
      try perform(
        session.welcomed(nonce: welcome.nonce, session: identifier, epoch: epoch, job: job, now: now)
      )
    case .helloAgain: throw Trouble("the coordinator has given the session up")
    case .refusal(let refusal): throw Trouble("the coordinator refuses this agent: \(refusal.reason)")
    case .beatEcho, .work, .acknowledgement, .rowRecall, .jobEnd, .drain:
      guard session.isCurrent(session: identifier, epoch: epoch) else { return }
      guard session.admit(sequence) == .next else { throw Trouble("a message of the coordinator is missing") }
      try receive(body, bulk: frames.dropFirst(), now)
    }
  }

  private mutating func receive(
    _ body: WireCoordinatorMessage.OneOf_Body,
    bulk: ArraySlice<[UInt8]>,
    _ now: Instant
  ) throws {
    switch body {
    case .beatEcho(let echo): try perform(session.echoed(stamp: Instant(nanoseconds: echo.stampNs), now: now))
    case .work(let work):
      for share in work.shares { try apply(share) }
      if work.rows > 0, let frame = bulk.first { waiting.append((frame, Int(work.rows))) }
    case .acknowledgement(let acknowledgement): _ = outbox.acknowledged(upTo: acknowledgement.block)
    case .jobEnd:
      var report = WireJobReport()
      report.job = bytes(job)
      report.effort = effort
      try send(.jobReport(report), bulk: [])
      isDone = true
    // Every row counts as started, and of those that are nothing is said.
    case .rowRecall, .drain: break
    case .welcome, .helloAgain, .refusal: break
    }
  }

  /// Nothing is open, so a lower share is reached at once.
  private mutating func apply(_ share: WireShare) throws {
    let before = shares[share.origin] ?? 0
    shares[share.origin] = share.connections == 0 ? nil : share.connections
    guard share.connections == 0 || share.connections < before else { return }
    var lowered = WireSharesLowered()
    lowered.shares = [share]
    try send(.sharesLowered(lowered), bulk: [])
  }

  // MARK: What is said

  private mutating func perform(_ actions: [AgentSession.Action]) throws {
    for action in actions {
      switch action {
      case .sendHello(let nonce): try sayHello(nonce)
      case .sendBeat(_, let stamp):
        var beat = WireBeat()
        beat.stampNs = stamp.nanoseconds
        beat.effort = effort
        try send(.beat(beat), bulk: [])
      case .begin, .lease, .refused, .takeNewInstance, .sendDraining, .sendGoodbye: break
      case .collect: throw Trouble("the session is lost")
      }
    }
  }

  private mutating func sayHello(_ nonce: UInt64) throws {
    var hello = WireHello()
    hello.minimumVersion = ProtocolVersion.minimum
    hello.maximumVersion = ProtocolVersion.maximum
    hello.instance = bytes(instance)
    hello.nonce = nonce
    hello.name = name
    hello.processID = UInt32(PosixIO.Process.identifier)
    hello.connections = Self.connections
    hello.creditRows = Self.creditRows
    hello.creditBytes = Self.creditBytes
    switch try socket.send([Envelope.encode(session: 0, sequence: 0, .hello(hello))]) {
    case .sent: break
    case .wouldBlock, .unroutable: session.helloNotSent()
    }
  }

  private var effort: WireEffort {
    var counters = EffortCounters()
    counters.attempts = attempts
    counters.requestsOnReusedConnections = attempts
    return WireEffort(counters)
  }

  private mutating func send(_ body: WireAgentMessage.OneOf_Body, bulk: [[UInt8]]) throws {
    unsent.append([Envelope.encode(session: session.session, sequence: session.nextNumber(), body)] + bulk)
    try sendUnsent()
  }

  private mutating func sendUnsent() throws {
    while let message = unsent.first {
      guard case .sent = try socket.send(message) else { return }
      unsent.removeFirst()
    }
  }
}
