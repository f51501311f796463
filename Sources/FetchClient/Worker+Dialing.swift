import DequeModule
import FetchModel
import Glibc
import PosixIO
import Records
import Resolver
import TLS
import WireProtocol

/// A resolver's answer on its way back to the worker that asked.
package struct ResolvedName: Sendable {
  /// Numbers of origins change and are used again; those of queries are not.
  let query: UInt64
  let resolution: Resolution
}

extension Resolution {
  /// Nanoseconds for which a failed look-up is not repeated.
  fileprivate var failureLifetime: UInt64 {
    switch self {
    case .notFound, .noAddress: 10_000_000_000
    case .addresses, .failed, .unavailable: 1_000_000_000
    }
  }
}

/// From a row without a connection to a connection that can carry it.
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
    findAddresses(for: connection, job)
  }

  private func findAddresses(for connection: Connection, _ job: WorkerJob) {
    let origin = connection.origin
    let (host, port) = origin.destination
    if let refusal = dialing.refusal(ofPort: port) { return block(connection, refusal) }
    if let fixed = job.book.addresses(host: host, port: port) {
      return dial(connection, fixed, job)
    }
    if case .known(let addresses, let end) = origin.addresses, now < end {
      effort.resolverHits += 1
      return dial(connection, addresses, job)
    }
    if case .missing(let resolution, let end) = origin.addresses, now < end {
      effort.resolverHits += 1
      return failedToResolve(connection, resolution, job)
    }
    if case .resolving = origin.addresses { return }
    lastQuery += 1
    let query = lastQuery
    origin.addresses = .resolving(since: now, query: query)
    effort.resolverQueries += 1
    queries[query] = origin
    let inbox = inbox
    resolver.ask(
      Resolver.Query(name: String(decoding: host, as: UTF8.self), family: job.book.family) { resolution in
        inbox.send(.resolved(ResolvedName(query: query, resolution: resolution)))
      }
    )
  }

  func resolved(_ name: ResolvedName) {
    guard let origin = queries.removeValue(forKey: name.query), let job,
      case .resolving(let since, let query) = origin.addresses, query == name.query
    else { return }
    let waiting = connectionsResolving(at: origin)
    switch name.resolution {
    case .addresses(let found):
      let addresses = found.map { address in
        var address = address
        address.port = origin.destination.port
        return address
      }
      origin.addresses = .known(addresses, until: now.adding(nanoseconds: OriginSlot.addressLifetime))
      for connection in waiting {
        connection.dnsTime = now.nanoseconds(since: max(connection.openedAt, since))
        dial(connection, addresses, job)
      }
    case .notFound, .noAddress, .failed, .unavailable:
      origin.addresses = .missing(name.resolution, until: now.adding(nanoseconds: name.resolution.failureLifetime))
      effort.resolverFailures += 1
      for connection in waiting {
        connection.dnsTime = now.nanoseconds(since: max(connection.openedAt, since))
        failedToResolve(connection, name.resolution, job)
      }
    }
  }

  private func failedToResolve(_ connection: Connection, _ resolution: Resolution, _ job: WorkerJob) {
    let host = String(decoding: connection.origin.destination.host, as: UTF8.self)
    switch resolution {
    case .notFound: fail(connection, FetchFailure(.dnsNotFound, in: .dns, "\(host): no such name"))
    case .noAddress, .addresses:
      fail(connection, FetchFailure(.dnsNoAddress, in: .dns, "\(host): has no address of the family wanted"))
    case .failed(let text): fail(connection, FetchFailure(.dnsServfail, in: .dns, "\(host): \(text)"))
    case .unavailable(let text): localTrouble(connection, "resolver: \(text)")
    }
  }

  private func dial(_ connection: Connection, _ addresses: [SocketAddress], _ job: WorkerJob) {
    guard !addresses.isEmpty else {
      let host = String(decoding: connection.origin.destination.host, as: UTF8.self)
      return fail(connection, FetchFailure(.dnsNoAddress, in: .dns, "\(host): no address of the family wanted"))
    }
    let screen = AddressScreen(addresses, dialing, staysGlobal: connection.attempt.staysGlobal)
    if let refusal = screen.refusal { return block(connection, refusal) }
    let addresses = screen.permitted
    // What worked last comes first and what failed or kept silent comes last, so that a dead address costs one
    // attempt and not each.
    let start = connection.origin.preferredAddress.flatMap { addresses.firstIndex(of: $0) } ?? 0
    connection.candidates = Array(addresses[start...] + addresses[..<start])
    connection.candidate = 0
    connectToCandidate(connection, job)
  }

  private func block(_ connection: Connection, _ reason: String) {
    fail(connection, FetchFailure(.addressBlocked, in: .policy, "\(hostName(connection)): \(reason)"))
  }

  /// Tries the addresses in turn from the current one until one is on its way.
  private func connectToCandidate(_ connection: Connection, _ job: WorkerJob) {
    connection.stageStart = connection.openedAt
    while connection.candidate < connection.candidates.count {
      let address = connection.candidates[connection.candidate]
      let outcome: StreamSocket.Connect?
      do throws(SystemError) {
        connection.socket = try StreamSocket(for: address)
        outcome = try connection.socket?.connect(to: address)
      } catch {
        if isLocalTrouble(error, at: address) { return localTrouble(connection, error.description) }
        addressFailed(connection, error.number)
        continue
      }
      do throws(SystemError) { try poller.add(connection.descriptor, for: .write, token: connection.token) } catch {
        return localTrouble(connection, error.description)
      }
      connection.interest = .write
      connection.state = .connecting
      renewDeadline(connection, .connecting, job)
      if outcome == .connected { finishConnecting(connection) }
      return
    }
  }

  /// Ports have run out if this host could reach the address from one of its own; if it could not, as one without IPv6
  /// an IPv6 address, that is the address's fault (connect(2), EADDRNOTAVAIL).
  private func isLocalTrouble(_ error: SystemError, at address: SocketAddress) -> Bool {
    guard FailureMapping.isLocalTrouble(error.number) else { return false }
    guard error.number == EADDRNOTAVAIL else { return true }
    do throws(SystemError) { return try StreamSocket.canReach(address) } catch {
      return true
    }
  }

  /// Notes why an address failed; after the last one the attempt fails with the last cause and all texts.
  private func addressFailed(_ connection: Connection, _ number: Int32) {
    passOver(connection)
    let address = connection.candidates[connection.candidate]
    connection.failedCandidates.append("\(address.text): \(SystemError.text(of: number)) (errno \(number))")
    connection.socket = nil
    connection.candidate += 1
    if connection.candidate >= connection.candidates.count {
      connection.connectTime = now.nanoseconds(since: connection.openedAt) - (connection.dnsTime ?? 0)
      fail(connection, FailureMapping.connect(number, connection.failedCandidates.joined(separator: "; ")))
    }
  }

  /// The address that is being tried does not answer: the next connection begins behind it.
  func passOver(_ connection: Connection) {
    let next = (connection.candidate + 1) % connection.candidates.count
    connection.origin.preferredAddress = connection.candidates[next]
  }

  func finishConnecting(_ connection: Connection) {
    guard let job else { return }
    let number = connection.socket?.pendingError() ?? ECONNABORTED
    guard number == 0 else {
      let error = SystemError("connect", number: number)
      if isLocalTrouble(error, at: connection.candidates[connection.candidate]) {
        return localTrouble(connection, error.description)
      }
      addressFailed(connection, number)
      if connection.state != .closed { connectToCandidate(connection, job) }
      return
    }
    effort.connectionsOpened += 1
    let origin = connection.origin
    let address = connection.candidates[connection.candidate]
    connection.remoteIP = Array(address.addressText.utf8)
    connection.hasGlobalPeer = isGlobalAddress(address.address)
    connection.connectTime = now.nanoseconds(since: connection.openedAt) - (connection.dnsTime ?? 0)
    origin.preferredAddress = address
    guard origin.isTLS else { return send(connection) }
    let context = connection.variant.withholdsIdentity ? job.context.tlsWithoutIdentity : job.context.tls
    let identity = origin.identity(indication: connection.variant.indication)
    guard
      let tls = TLSConnection(
        context,
        socket: connection.descriptor,
        identity: identity,
        resuming: origin.takeSession(for: identity, in: context)
      )
    else { return localTrouble(connection, "OpenSSL cannot make a connection") }
    connection.tls = tls
    connection.state = .handshaking
    renewDeadline(connection, .handshaking, job)
    continueHandshake(connection)
  }

  func continueHandshake(_ connection: Connection) {
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
      send(connection)
    }
  }

  func watch(_ connection: Connection, for interest: Poller.Readiness) {
    do throws(SystemError) { try setInterest(of: connection, interest) } catch {
      localTrouble(connection, error.description)
    }
  }

  func setInterest(of connection: Connection, _ interest: Poller.Readiness) throws(SystemError) {
    guard connection.interest != interest else { return }
    try poller.modify(connection.descriptor, for: interest, token: connection.token)
    connection.interest = interest
  }

  /// Local trouble spends no attempt: the row goes back, and the operator hears about it.
  func localTrouble(_ connection: Connection, _ message: String) {
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
    closeIdleConnections()
    if now.nanoseconds(since: troubleReportedAt) > 1_000_000_000 {
      troubleReportedAt = now
      report(.localTrouble(message))
    }
    // Others wait there, and nothing else would wake them.
    stall(origin)
  }

  /// Each holds a descriptor, a port and memory that something else may want now.
  private func closeIdleConnections() {
    for connection in connections.compactMap({ $0 }) where connection.state == .idle { close(connection) }
  }

  private func connectionsResolving(at origin: OriginSlot) -> [Connection] {
    connections.compactMap { $0 }.filter { $0.origin === origin && $0.state == .resolving }
  }
}
