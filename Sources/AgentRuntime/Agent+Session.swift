import FetchClient
import FetchModel
import Logging
import PosixIO
import Resolver
import Scheduling
import WireProtocol
import ZeroMQ

/// From one session to the next.
extension Agent {
  /// `welcome`: what the actions answer, if they do.
  mutating func perform(_ actions: [AgentSession.Action], after welcome: WireWelcome? = nil) throws {
    for action in actions {
      switch action {
      case .collect(let keepsRows): collect(keepsRows: keepsRows)
      case .sendHello(let nonce): try sayHello(nonce)
      case .sendBeat(_, let stamp):
        // Behind messages that wait it would be late; the next one renews the lease as well.
        guard unsent.isEmpty else { continue }
        var beat = WireBeat()
        beat.stampNs = stamp.nanoseconds
        beat.effort = WireEffort(totalEffort)
        try send(.beat(beat), bulk: [])
      case .lease(let end): admission.setLease(until: end)
      case .begin(let identifier, let isNewJob):
        guard let welcome else { preconditionFailure("a session begins without a welcome") }
        try begin(identifier, welcome, isNewJob: isNewJob)
        if exit != nil { return }
      case .refused(let reason, let isTemporary):
        log.log(level: isTemporary ? .debug : .notice, "the coordinator refused this agent: \(reason)")
      case .takeNewInstance:
        let old = name
        instance = Process.randomBytes(16)
        log.notice("another process is known as \(old); this one goes on as \(name)")
      case .sendDraining:
        departure?.announced(at: Clock.bootTime())
        try send(.draining(WireDraining()), bulk: [])
      case .sendGoodbye:
        var goodbye = WireGoodbye()
        goodbye.effort = WireEffort(totalEffort)
        try send(.goodbye(goodbye), bulk: [])
      }
    }
  }

  // MARK: The end of a session

  private mutating func collect(keepsRows: Bool) {
    generation += 1
    stocktaking = Stocktaking(generation: generation, workers: workers.count)
    // All of it is of the session that is over.
    unsent.removeAll()
    for worker in workers { worker.send(.collect(generation: generation, keepsRows: keepsRows)) }
  }

  /// All workers have said what they hold.
  mutating func handOver() throws {
    spread.forgetAll()
    for (origin, parts) in stocktaking.parts { spread.adopt(origin, parts: parts) }
    held = stocktaking.held(besides: outbox)
    try perform(session.collected(now: Clock.bootTime()))
  }

  // MARK: The beginning of a session

  private mutating func sayHello(_ nonce: UInt64) throws {
    var hello = WireHello()
    hello.minimumVersion = ProtocolVersion.minimum
    hello.maximumVersion = ProtocolVersion.maximum
    hello.instance = bytes(instance)
    hello.nonce = nonce
    hello.name = name
    hello.processID = UInt32(Process.identifier)
    hello.connections = UInt32(configuration.connections)
    hello.creditRows = UInt32(configuration.creditRows)
    hello.creditBytes = UInt64(configuration.creditBytes)
    hello.job = bytes(job?.identifier ?? [])
    hello.held = held.map(WireHeld.init)
    hello.isContinuing = session.isContinuing
    hello.kept = shelves.contents.map { job, rows in
      var kept = WireKept()
      kept.job = bytes(job)
      kept.rows = rows
      return kept
    }
    switch try socket.send([Envelope.encode(session: 0, sequence: 0, .hello(hello))]) {
    case .sent: break
    case .wouldBlock, .unroutable: session.helloNotSent()
    }
  }

  private mutating func begin(_ identifier: UInt64, _ welcome: WireWelcome, isNewJob: Bool) throws {
    sessionIdentifier = identifier
    admission.setCredit(bytes: Int(clamping: welcome.acknowledgementCreditBytes))
    held = []
    unsent.removeAll()
    if isNewJob {
      changeOutbox(to: Array(welcome.job))
      servedAt = Clock.bootTime()
      guard beginJob(welcome) else { return }
    } else {
      servedAt = Clock.bootTime()
      var numbers: [UInt32: UInt32] = [:]
      for entry in welcome.renumbered { numbers[entry.held] = entry.origin }
      generation += 1
      spread.renumber(numbers)
      for worker in workers { worker.send(.renumber(generation: generation, origins: numbers)) }
      outbox.beginSession()
    }
    log.debug("welcomed", metadata: ["session": "\(identifier)"])
    try sendBlocks()
  }

  private mutating func beginJob(_ welcome: WireWelcome) -> Bool {
    do {
      let context = try JobContext(
        identifier: Array(welcome.job),
        specification: JobSpecification(welcome.specification),
        agentName: Array(name.utf8)
      )
      job = context
      efforts = Array(repeating: EffortCounters(), count: workers.count)
      resolverBefore = resolver.counters
      rowsInHand = Array(repeating: 0, count: workers.count)
      spread.forgetAll()
      for worker in workers { worker.send(.begin(context)) }
      return true
    } catch {
      exit = .failed("the job cannot be done by this agent: \(error)")
      return false
    }
  }
}

extension WireHeld {
  fileprivate init(_ holding: Holding) {
    self.init()
    origin = holding.origin
    key = bytes(holding.key)
    connections = UInt32(clamping: holding.connections)
    rows = holding.rows
  }
}
