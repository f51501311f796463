import FetchModel
import Foundation
import JobStore
import Logging
import PosixIO
import Records
import Scheduling
import WireProtocol
import ZeroMQ

/// What agents say. A peer's fault is counted, said once a kind, and never anybody else's trouble.
extension Coordinator {
  /// Takes one message if there is one.
  func receiveOne() throws -> Bool {
    switch try socket.socket.receive(noting: &sender) {
    case .wouldBlock, .terminated: return false
    case .tooManyFrames:
      refuseSender(.tooManyFrames)
      return true
    case .message(let frames):
      try receive(frames)
      return true
    }
  }

  private func receive(_ frames: [[UInt8]]) throws {
    guard frames.count >= 2 else {
      refuseSender(.notThisProtocol)
      return
    }
    let routing = frames[0]
    let session: UInt64
    let sequence: UInt64
    let body: WireAgentMessage.OneOf_Body
    do {
      (session, sequence, body) = try Envelope.decodeFromAgent(frames[1])
    } catch {
      refuseSender(.notThisProtocol)
      return
    }
    guard try isSenderAdmitted() else {
      refuseSender(.keyRemoved)
      guard case .hello = body else { return }
      // It asks again and again, and is to say it once.
      let isFirst = turnedAway.insert(sender.user).inserted
      return try answer(routing, "its key is not on the list of allowed agents", isTemporary: !isFirst)
    }
    if case .hello(let hello) = body { return try greet(hello, from: routing) }
    // A session is bound to the connection that began it, and to the key that its agent has shown.
    guard scheduler.isKnown(session), peers[session]?.routing == routing, peers[session]?.user == sender.user else {
      return try askForHello(routing, session)
    }
    switch peers[session]?.incoming.admit(sequence) {
    case .next: try receive(body, bulk: frames.dropFirst(2), from: session)
    case .repeated, nil: break
    case .gap: try fence(session, .messageMissing)
    }
  }

  /// The session is not known, or not over that connection.
  private func askForHello(_ routing: [UInt8], _ session: UInt64) throws {
    var again = WireHelloAgain()
    again.isSuperseded = scheduler.isSuperseded(session)
    let control = Envelope.encode(session: session, sequence: 0, epoch: epoch, .helloAgain(again))
    _ = try socket.socket.send([routing, control])
  }

  private func receive(_ body: WireAgentMessage.OneOf_Body, bulk: ArraySlice<[UInt8]>, from session: UInt64) throws {
    switch body {
    case .hello: break
    case .beat(let beat):
      guard scheduler.beat(session, now: now) else { return }
      note(beat.effort, of: session, isFinal: false)
      var echo = WireBeatEcho()
      echo.stampNs = beat.stampNs
      try send(.beatEcho(echo), to: session)
    case .results(let results): try take(results, bulk: bulk, from: session)
    case .deferrals(let deferrals): try take(deferrals, bulk: bulk, from: session)
    case .sharesLowered(let lowered):
      let grants = lowered.shares.map { ShareGrant(origin: $0.origin, connections: Int($0.connections)) }
      scheduler.sharesLowered(grants, by: session)
    case .draining: scheduler.draining(session)
    case .originPauses(let message):
      for pause in message.pauses {
        scheduler.pause(pause.origin, milliseconds: pause.milliseconds, from: session, now: now)
      }
    case .jobReport(let report):
      note(report.effort, of: session, isFinal: true)
      peers[session]?.hasReported = true
    case .goodbye(let goodbye):
      note(goodbye.effort, of: session, isFinal: true)
      if let end = scheduler.end(session) { endSessions([end]) }
    }
  }

  private func note(_ effort: WireEffort, of session: UInt64, isFinal: Bool) {
    guard let peer = peers[session] else { return }
    efforts.report(EffortCounters(effort), by: peer.instance, isFinal: isFinal)
  }

  // MARK: Hello

  private func greet(_ hello: WireHello, from routing: [UInt8]) throws {
    guard let version = ProtocolVersion.agreed(minimum: hello.minimumVersion, maximum: hello.maximumVersion) else {
      refuseSender(.versionMismatch)
      let mine = "\(ProtocolVersion.minimum) to \(ProtocolVersion.maximum)"
      let theirs = "\(hello.minimumVersion) to \(hello.maximumVersion)"
      return try answer(routing, "this coordinator speaks protocol versions \(mine), the agent \(theirs)")
    }
    guard HeldCheck.isComplete(hello), let held = HeldCheck.holdings(hello, of: files.identifier) else {
      refuseSender(.badGreeting)
      return try answer(routing, "the hello is not complete, or says what cannot be")
    }
    guard !isParting else { return try answer(routing, "the job is over", isTemporary: true) }
    let pending = PendingHello(hello: hello, held: held, routing: routing, user: sender.user, version: version)
    let isLocal = localAgents != nil
    let entries = journal.join(pending, isLocal: isLocal)
    if !entries.isEmpty { write(entries, then: .hello(routing: routing)) }
  }

  /// Begins a session: that the agent may hold a lease is durable.
  func welcome(_ pending: PendingHello) throws {
    let hello = pending.hello
    let routing = pending.routing
    guard !isParting else { return try answer(routing, "the job is over", isTemporary: true) }
    // The list may have changed meanwhile; it will hear of it when it asks again.
    guard admits(pending.user) else { return }
    let isOurs = Array(hello.job) == files.identifier
    var link = StableHash()
    link.add(routing)
    let greeting = Greeting(
      instance: pending.instance,
      name: hello.name,
      link: link.value,
      connections: Int(hello.connections),
      creditRows: Int(hello.creditRows),
      creditBytes: Int(clamping: hello.creditBytes),
      isContinuing: hello.isContinuing && isOurs
    )
    let reception = scheduler.hello(greeting, holdings: pending.held, now: now)
    let session = reception.session
    if let fenced = reception.fenced { endSessions([fenced]) }
    peers[session] = PeerSession(
      routing: routing,
      user: pending.user,
      name: hello.name,
      processIdentifier: Int32(clamping: hello.processID),
      instance: greeting.instance
    )
    efforts.note(greeting.instance)
    var welcome = WireWelcome()
    welcome.version = pending.version
    welcome.nonce = hello.nonce
    welcome.job = bytes(files.identifier)
    welcome.specification = WireJob(configuration.job)
    welcome.acknowledgementCreditBytes = 64 * 1024 * 1024
    welcome.renumbered = reception.renumbered.map { entry in
      var renumbered = WireRenumbered()
      renumbered.held = entry.held
      renumbered.origin = entry.origin
      return renumbered
    }
    try send(.welcome(welcome), to: session)
  }

  private func answer(_ routing: [UInt8], _ reason: String, isTemporary: Bool = false) throws {
    var refusal = WireRefusal()
    refusal.reason = reason
    refusal.isTemporary = isTemporary
    _ = try socket.socket.send([routing, Envelope.encode(session: 0, sequence: 0, epoch: epoch, .refusal(refusal))])
  }

  // MARK: Refusals

  /// Ends the session of a peer that does not keep to the protocol; its rows go to others.
  func fence(_ session: UInt64, _ cause: RefusalLedger.Cause) throws {
    let peer = peers[session]
    refuse(cause, from: peer?.name)
    // It may be at work all the same, until its lease has run out or it hears of this.
    if let end = scheduler.fence(session) { endSessions([end]) }
    if let peer { try askForHello(peer.routing, session) }
  }
}
