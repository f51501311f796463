import FetchModel
import Glibc
import PosixIO
import Proxies
import Records
import TLS
import WireProtocol

/// From a row without a connection to a connection that can carry it: addresses (`+Names`), TCP (`+Racing`), the
/// proxy's tunnel (`+Tunnel`), TLS.
extension Worker {
  func open(for pending: PendingRow, at origin: OriginSlot) {
    guard let job else { return }
    var attempt = Attempt(pending, now: now, wallMicroseconds: wallMicroseconds())
    var output: [UInt8] = []
    guard prepare(&attempt, at: origin, job, into: &output) else { return }
    effort.attempts += 1
    let connection = register(for: origin, attempt)
    connection.output = output
    renewDeadline(connection, .resolving, job)
    findWay(connection, job)
  }

  private func findWay(_ connection: Connection, _ job: WorkerJob) {
    let origin = connection.origin
    let (host, port) = origin.destination
    if let refusal = dialing.refusal(ofPort: port) { return block(connection, refusal) }
    if origin.needsAddress { return seek(.target, for: connection, job) }
    // The proxy looks up names; what is no name can be judged here.
    if connection.attempt.staysGlobal, let fixed = job.book.addresses(host: host, port: port),
      let refusal = AddressScreen(fixed, dialing, staysGlobal: true).refusal
    {
      return block(connection, refusal)
    }
    connection.tunnelTarget = TunnelTarget(host: host, origin.destinationKind, port: port)
    // Names are taken for those of the open network: redirects from there must not lead to numbers of another one.
    connection.hasGlobalPeer =
      job.book.addresses(host: host, port: port)?.contains { isGlobalAddress($0.address) } ?? true
    seek(.proxy, for: connection, job)
  }

  /// Addresses of what was sought.
  func found(_ addresses: [SocketAddress], isComplete: Bool, for connection: Connection, _ job: WorkerJob) {
    let (host, port) = place(of: connection)
    guard !addresses.isEmpty else {
      let name = String(decoding: host, as: UTF8.self)
      return fail(connection, FetchFailure(.dnsNoAddress, in: .dns, "\(name): no address of the family wanted"))
    }
    // A proxy is named by the job, never by a row.
    guard connection.goal == .target else {
      return race(connection, to: at(port, addresses), isComplete: isComplete, job)
    }
    let screen = AddressScreen(at(port, addresses), dialing, staysGlobal: connection.attempt.staysGlobal)
    if let refusal = screen.refusal { return block(connection, refusal) }
    guard connection.origin.route != .direct else {
      return race(connection, to: screen.permitted, isComplete: isComplete, job)
    }
    let target = screen.permitted[connection.origin.refusedTunnels % screen.permitted.count]
    connection.tunnelTarget = TunnelTarget(address: target.address, port: port)
    connection.hasGlobalPeer = isGlobalAddress(target.address)
    seek(.proxy, for: connection, job)
  }

  /// All addresses of a name, of which some were known earlier.
  func foundMore(_ addresses: [SocketAddress], for connection: Connection, _ job: WorkerJob) {
    guard connection.state == .connecting else { return }
    var added = at(place(of: connection).port, addresses)
    if connection.goal == .target {
      added = AddressScreen(added, dialing, staysGlobal: connection.attempt.staysGlobal).permitted
    }
    connection.race.complete(added)
    runRace(connection, job)
  }

  private func at(_ port: UInt16, _ addresses: [SocketAddress]) -> [SocketAddress] {
    addresses.map { address in
      var address = address
      address.port = port
      return address
    }
  }

  private func block(_ connection: Connection, _ reason: String) {
    fail(connection, FetchFailure(.addressBlocked, in: .policy, "\(hostName(connection)): \(reason)"))
  }

  /// TCP stands, and the proxy's tunnel if there is one.
  func connected(_ connection: Connection) {
    guard let job else { return }
    let origin = connection.origin
    connection.connectTime = now.nanoseconds(since: connection.openedAt) - (connection.dnsTime ?? 0)
    guard origin.isTLS else { return send(connection, job) }
    let context = connection.variant.withholdsIdentity ? job.context.tlsWithoutIdentity : job.context.tls
    let identity = origin.identity(indication: connection.variant.indication)
    guard
      let tls = TLSConnection(
        context,
        socket: connection.descriptor,
        identity: identity,
        resuming: origin.takeSession(for: identity, in: context),
        chains: job.chains
      )
    else { return localTrouble(connection, "OpenSSL cannot make a connection") }
    connection.tls = tls
    connection.state = .handshaking
    renewDeadline(connection, .handshaking, job)
    continueHandshake(connection, job)
  }

  func continueHandshake(_ connection: Connection, _ job: WorkerJob) {
    guard let tls = connection.tls else { return }
    switch tls.handshake() {
    case .wantsRead: watch(connection, for: .read)
    case .wantsWrite: watch(connection, for: [.read, .write])
    case .failed(.system(let number)) where FailureMapping.isLocalTrouble(number):
      localTrouble(connection, SystemError("TLS handshake", number: number).description)
    case .failed(let failure):
      // What the peer is worth is in doubt: nothing of it is used again.
      connection.origin.forgetSessions()
      let host = String(decoding: connection.origin.url.host, as: UTF8.self)
      fail(connection, FailureMapping.handshake(failure, host: host))
    case .complete:
      // Verification has taken its time since the event.
      now = Clock.bootTime()
      if tls.wasResumed { effort.handshakesResumed += 1 } else { effort.handshakesFull += 1 }
      let before = (connection.dnsTime ?? 0) + (connection.connectTime ?? 0)
      connection.tlsTime = now.nanoseconds(since: connection.openedAt.adding(nanoseconds: before))
      connection.tlsFacts = TLSFacts(version: tls.version, cipher: tls.cipher, resumed: tls.wasResumed)
      send(connection, job)
    }
  }

  func watch(_ connection: Connection, for interest: Poller.Readiness) {
    do throws(SystemError) { try setInterest(of: connection, interest) } catch {
      localTrouble(connection, error.description)
    }
  }

  func setInterest(of connection: Connection, _ interest: Poller.Readiness) throws(SystemError) {
    guard connection.interest != interest else { return }
    // Out of the poll set it is added again with what it wants then.
    if connection.held == nil {
      try poller.modify(connection.descriptor, for: interest, token: connection.pollToken)
    }
    connection.interest = interest
  }

  // MARK: Trouble of this host

  /// Local trouble spends no attempt: the row goes back, and the operator hears about it. `isShort`: of descriptors,
  /// ports or memory, which connections that rest could give back.
  func localTrouble(_ connection: Connection, _ message: String, isShort: Bool = true) {
    // Once a byte has left, the attempt counts.
    guard connection.state != .sending || connection.outputSent == 0, connection.state != .receiving else {
      return fail(connection, FetchFailure(.reset, in: .local, message))
    }
    let pending = connection.attempt.pending
    let row = pending.row
    let origin = connection.origin
    close(connection)
    // A row in the middle of its redirects goes on from there: its own request was answered.
    let cause: Deferral.Cause = pending.redirect == nil ? .localTrouble : .redirect
    builder.add(Deferral(seq: row.seq, cause: cause, attempts: row.attempts, redirect: pending.redirect), now: now)
    dialingPausedUntil = now.adding(nanoseconds: Self.dialingPause)
    if isShort { closeIdleConnections() }
    say(trouble: message)
    // Others wait there, and nothing else would wake them.
    stall(origin)
  }

  /// Once a second at most.
  func say(trouble message: String) {
    guard now.nanoseconds(since: troubleReportedAt) > 1_000_000_000 else { return }
    troubleReportedAt = now
    report(.localTrouble(message))
  }

  /// Each holds a descriptor, a port and memory that something else may want now.
  private func closeIdleConnections() {
    for connection in connections.compactMap({ $0 }) where connection.state == .idle { close(connection) }
  }
}
