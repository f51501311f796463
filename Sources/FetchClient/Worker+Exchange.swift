import DequeModule
import FetchModel
import HTTP1
import PosixIO
import Proxies
import TLS
import WireProtocol

/// Request out, response in.
extension Worker {
  /// An event of a connection's socket, with the token that the poll set has for it.
  func handle(_ connection: Connection, _ readiness: Poller.Readiness, _ token: UInt64) {
    guard let job else { return }
    now = Clock.bootTime()
    let state = connection.state
    if state == .connecting { return finishConnecting(connection, Connection.attempt(ofPollToken: token)) }
    // Or it is of a socket that has lost the race.
    guard token == connection.pollToken else { return }
    switch state {
    case .resolving, .connecting, .closed: break
    case .tunneling: continueTunnel(connection)
    case .handshaking: continueHandshake(connection, job)
    case .sending:
      // An answer may come before the request is out (RFC 9112 section 9.5).
      if readiness.isReadable { receive(connection, job) }
      guard connection.state == .sending, connection.held == nil, !stopsSending(connection, job) else { break }
      // Watched for reading only, it is TLS that has to read before it writes.
      if readiness.isWritable || connection.interest == .read { continueSending(connection, job) }
    case .receiving: receive(connection, job)
    case .idle: probe(connection)
    }
  }

  /// Reads the row and writes its request; false if it is no valid request, which is recorded.
  func prepare(_ attempt: inout Attempt, at origin: OriginSlot, _ job: WorkerJob, into output: inout [UInt8]) -> Bool {
    let bytes = attempt.pending.batch.bytes
    do throws(RowProblem) {
      try job.row.parse(bytes.span.extracting(attempt.pending.row.line))
      if let redirect = attempt.pending.redirect {
        do throws(URLProblem) { try job.url.parse(redirect.url.span) } catch { throw RowProblem.invalidURL(error) }
      }
    } catch {
      refuse(attempt.pending, job, error)
      return false
    }
    write(&job.row, of: &attempt, at: origin, job, into: &output)
    return true
  }

  /// The request of a row that was read, or of the hop that its attempt has come to. `row` gives its
  /// text away and is else not changed; only `inout` keeps each look at a member from copying all of a struct that
  /// stands in a class.
  private func write(
    _ row: inout RowRequest,
    of attempt: inout Attempt,
    at origin: OriginSlot,
    _ job: WorkerJob,
    into output: inout [UInt8]
  ) {
    let context = job.context
    let redirect = attempt.pending.redirect
    row.exchangeURLText(for: &attempt.urlText)
    attempt.rowID = row.id
    // Both belong to the row's own origin.
    let leftOrigin = redirect?.dropsCredentials == true
    attempt.variant = TLSVariant(
      indication: leftOrigin ? nil : row.sni,
      withholdsIdentity: leftOrigin && job.hasClientIdentity
    )
    attempt.staysGlobal = redirect?.hasGlobalHop == true && !context.specification.redirects.mayLeadToPrivate
    attempt.method = redirect?.method ?? row.method ?? context.specification.request.method
    attempt.total = min(job.limits.total, row.timeoutNanoseconds ?? .max)
    attempt.currentURL = redirect?.url
    if job.decodes { attempt.acceptedCodings = job.acceptedCodings(rowHeaders: row.headers) }
    let body = redirect?.dropsContent == true ? nil : row.body ?? context.specification.request.body
    attempt.hasBody = body != nil
    attempt.asksToClose = context.template.asksToClose(rowHeaders: row.headers)
    let dropped = DroppedHeaders(after: redirect)
    output.removeAll(keepingCapacity: true)
    context.template.encode(
      method: attempt.method,
      targetPrefix: origin.targetPrefix,
      target: redirect == nil ? row.url.target : job.url.target,
      host: origin.hostField,
      proxyFields: origin.proxyFields,
      rowHeaders: row.headers,
      body: body,
      without: dropped,
      into: &output
    )
  }

  /// Starts a row on a connection that was idle; the caller has taken it from the idle ones.
  func start(_ pending: consuming PendingRow, on connection: Connection, _ job: WorkerJob) {
    connection.attempt.restart(pending, now: now, wallMicroseconds: wallMicroseconds())
    connection.state = .sending
    guard prepare(&connection.attempt, at: connection.origin, job, into: &connection.output) else {
      return rest(connection)
    }
    let isFit = connection.variant == connection.attempt.variant
    guard isFit, connection.hasGlobalPeer || !connection.attempt.staysGlobal else {
      // Another name was indicated on it, or it leads where the row must not go; the row opens its own.
      close(connection)
      guard now >= dialingPausedUntil else {
        connection.origin.waiting.prepend(connection.attempt.pending)
        return stall(connection.origin)
      }
      return open(for: connection.attempt.pending, at: connection.origin)
    }
    connection.attempt.isOnReusedConnection = true
    effort.attempts += 1
    effort.requestsOnReusedConnections += 1
    send(connection, job)
  }

  func send(_ connection: Connection, _ job: WorkerJob) {
    connection.outputSent = 0
    connection.state = .sending
    connection.reader.begin(for: connection.attempt.method)
    connection.attempt.sentAt = now
    connection.attempt.speed.start(at: now)
    connection.stageStart = now
    continueSending(connection, job)
  }

  func continueSending(_ connection: Connection, _ job: WorkerJob) {
    guard connection.outputSent > 0 || admission.isLeased(at: now) else { return takeBack(connection) }
    while connection.outputSent < connection.output.count {
      let transfer = connection.output.withUnsafeBytes { bytes in
        connection.write(UnsafeRawBufferPointer(rebasing: bytes[connection.outputSent...]))
      }
      switch transfer {
      case .bytes(let count):
        connection.outputSent += count
        connection.attempt.speed.moved(count)
        connection.stageStart = now
      case .wouldBlock(let interest):
        renewDeadline(connection, .sending, job)
        return watch(connection, for: interest)
      case .ended: return lost(connection, .unexpectedEnd)
      case .failed(let failure): return readLastAnswer(connection, failure, job)
      }
    }
    connection.state = .receiving
    // An answer that came before is measured from the beginning of the request instead.
    if connection.attempt.firstByteAt == .zero { connection.attempt.sentAt = now }
    connection.stageStart = now
    if let stage = connection.stage { renewDeadline(connection, stage, job) }
    watch(connection, for: .read)
  }

  /// An answer that refuses the request, or leads elsewhere, has come before all of the request was out: the rest is of
  /// no use (RFC 9112 section 9.5). After one that accepts it the server may still want it.
  private func stopsSending(_ connection: Connection, _ job: WorkerJob) -> Bool {
    guard connection.attempt.hasHead, connection.reader.head.status >= 300 else { return false }
    connection.state = .receiving
    renewDeadline(connection, .receivingBody, job)
    watch(connection, for: .read)
    return true
  }

  /// The peer takes no more of the request. Its answer may have come before, unless nothing of the request has left:
  /// then what there is answers something else.
  private func readLastAnswer(_ connection: Connection, _ failure: TLSFailure, _ job: WorkerJob) {
    while connection.outputSent > 0, connection.isExchanging {
      switch connection.read(into: receiveBuffer) {
      case .bytes(let count): consume(connection, count, job)
      case .ended(let clean) where connection.reader.hasReceivedBytes: return ended(connection, clean: clean, job)
      // It says why, and the failure of the write only that.
      case .failed(.alert(let description)): return lost(connection, .alert(description: description))
      case .ended, .wouldBlock, .failed: return lost(connection, failure)
      }
    }
    if connection.isExchanging { lost(connection, failure) }
  }

  /// A process that was frozen past its lease closes before it sends. If the session is over, the row goes with it;
  /// if not, it waits for the lease.
  private func takeBack(_ connection: Connection) {
    let origin = connection.origin
    origin.waiting.prepend(connection.attempt.pending)
    close(connection)
    stall(origin)
  }

  /// Reads what is there, but not so much that others have to wait for long. More may be waiting inside TLS, which the
  /// poll set cannot see.
  func receive(_ connection: Connection, _ job: WorkerJob) {
    var readsLeft = Self.readsPerTurn
    repeat {
      guard readsLeft > 0 else {
        unread.append(connection)
        return
      }
      readsLeft -= 1
      switch connection.read(into: receiveBuffer) {
      case .bytes(let count): consume(connection, count, job)
      case .wouldBlock(let interest):
        // While the request is on its way, what that waits for stays watched.
        if connection.state == .receiving { watch(connection, for: interest) }
        return
      case .ended(let clean): return ended(connection, clean: clean, job)
      case .failed(let failure): return lost(connection, failure)
      }
    } while connection.isExchanging && connection.tls?.hasBufferedInput == true
  }

  private func consume(_ connection: Connection, _ count: Int, _ job: WorkerJob) {
    if connection.attempt.firstByteAt == .zero { connection.attempt.firstByteAt = now }
    connection.attempt.speed.moved(count)
    // While the request is on its way, that is what has to make progress.
    if connection.state == .receiving { connection.stageStart = now }
    parse(connection, UnsafeRawBufferPointer(start: receiveBuffer.baseAddress, count: count), job)
  }

  /// Walks through what has come, up to its end or the response's.
  func parse(_ connection: Connection, _ input: UnsafeRawBufferPointer, _ job: WorkerJob) {
    var offset = 0
    while true {
      let event: ResponseReader.Event
      do throws(ResponseError) {
        let rest = UnsafeRawBufferPointer(rebasing: input[offset...])
        let result = try connection.reader.read(rest.bindMemory(to: UInt8.self).span)
        event = result.event
        offset += result.consumed
        if case .body(let range) = event {
          let body = UnsafeRawBufferPointer(rebasing: rest[range])
          let intake = receivedBody(connection, body, job)
          if connection.state == .closed { return }
          let rest = UnsafeRawBufferPointer(rebasing: input[offset...])
          switch intake {
          case .whole: break
          case .starved(let taken):
            let body = UnsafeRawBufferPointer(rebasing: body[taken...])
            return hold(connection, body: body, rest: rest, lacksMemory: true)
          case .interrupted(let taken):
            let body = UnsafeRawBufferPointer(rebasing: body[taken...])
            return hold(connection, body: body, rest: rest, lacksMemory: false)
          }
        }
      } catch {
        let phase: FailurePhase = connection.attempt.hasHead ? .body : .head
        return fail(connection, FailureMapping.response(error, in: phase, host: hostName(connection)))
      }
      switch event {
      case .needsMore:
        if let stage = connection.stage { renewDeadline(connection, stage, job) }
        return
      case .interim, .body: continue
      case .head:
        receivedHead(connection, job)
        // A redirect that must not be followed ends the attempt here, and so does one whose body is not worth a look.
        if connection.state == .closed { return }
      case .end: return completed(connection, hasLeftover: offset < input.count, job)
      }
    }
  }

  /// The response is whole. The connection goes on if nothing speaks against it.
  private func completed(_ connection: Connection, hasLeftover: Bool, _ job: WorkerJob) {
    // To read a long body, or to decode one, takes some time since the event.
    if connection.attempt.bodyBytes > Self.longBodyBytes || connection.isDecoding { now = Clock.bootTime() }
    guard finishDecoding(connection) else { return }
    let isOut = connection.outputSent == connection.output.count
    let isYoung = now.nanoseconds(since: connection.openedAt) < Self.maximumAge
    let persists =
      connection.reader.isReusable && !hasLeftover && isOut && !connection.attempt.asksToClose && isYoung
    let origin = connection.origin
    if connection.attempt.next != nil {
      goOn(connection)
    } else {
      conclude(connection, nil, job)
    }
    keepSessions(of: connection)
    if persists, origin.openConnections <= origin.share, isSilent(connection) {
      rest(connection)
    } else {
      close(connection)
    }
    pump(origin)
  }

  // MARK: Ends

  /// The peer ended the stream.
  private func ended(_ connection: Connection, clean: Bool, _ job: WorkerJob) {
    if repeatsSilently(connection) { return }
    guard connection.reader.hasReceivedBytes || connection.tls == nil || clean else {
      return fail(
        connection,
        FetchFailure(
          .closedBeforeResponse,
          in: .head,
          "\(hostName(connection)) closed the connection before any response"
        )
      )
    }
    do throws(ResponseError) {
      _ = try connection.reader.finish(clean: clean)
      completed(connection, hasLeftover: false, job)
    } catch {
      let phase: FailurePhase = connection.attempt.hasHead ? .body : .head
      fail(connection, FailureMapping.response(error, in: phase, host: hostName(connection)))
    }
  }

  /// The connection broke.
  private func lost(_ connection: Connection, _ failure: TLSFailure) {
    if case .system(let number) = failure, FailureMapping.isLocalTrouble(number) {
      return localTrouble(connection, SystemError("connection", number: number).description)
    }
    if repeatsSilently(connection) { return }
    let phase: FailurePhase =
      connection.attempt.hasHead ? .body : connection.outputSent < connection.output.count ? .send : .head
    fail(connection, FailureMapping.transfer(failure, in: phase, host: hostName(connection)))
  }

  /// A kept-alive connection may have been closed by the server before the request reached it: a request without any
  /// byte of an answer is sent once more on a new one, if it may be repeated or none of it has left (RFC 9110 section
  /// 9.2.2).
  private func repeatsSilently(_ connection: Connection) -> Bool {
    guard connection.attempt.isOnReusedConnection, !connection.attempt.pending.needsFreshConnection,
      !connection.reader.hasReceivedBytes,
      connection.attempt.method.isIdempotent || connection.outputSent == 0
        || job?.specification.retry.includesUnsafe == true
    else { return false }
    var pending = connection.attempt.pending
    pending.needsFreshConnection = true
    pending.begun = Attempt.Beginning(connection.attempt)
    effort.staleRetries += 1
    let origin = connection.origin
    origin.waiting.prepend(pending)
    close(connection)
    pump(origin)
    return true
  }

  /// The attempt failed; the connection is of no more use.
  func fail(_ connection: Connection, _ failure: FetchFailure) {
    // Where to go on is known; what else its response has to say does not matter.
    if connection.attempt.next != nil, failure.code != .timeoutTotal { return leave(connection) }
    let origin = connection.origin
    if let job { conclude(connection, failure, job) }
    close(connection)
    pump(origin)
  }

  /// For messages: the origin, and what stands in the way to it.
  func hostName(_ connection: Connection) -> String {
    let host = String(decoding: connection.origin.hostField, as: UTF8.self)
    guard let proxy = connection.origin.route.server else { return host }
    return "\(host) by proxy \(proxy.endpointText)"
  }
}

extension Connection {
  /// Whether an attempt runs on it whose bytes may come.
  var isExchanging: Bool { (state == .receiving || state == .sending) && held == nil }
}
