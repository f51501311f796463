import DequeModule
import FetchModel
import HTTP1
import PosixIO
import Records
import TLS
import WireProtocol

/// What becomes of an attempt: a record, a deferral, or the next hop.
extension Worker {
  /// Drained so that a redirect's connection can be used again, at most.
  private static let maximumDrainedBytes: UInt64 = 64 * 1024
  /// In nanoseconds, likewise.
  private static let drainingTime: UInt64 = 1_000_000_000
  /// How long, in milliseconds, rows of an origin that asked for a pause are given back here: until the coordinator has
  /// surely heard of it.
  private static let longestHold: UInt64 = 1000

  // MARK: Redirects

  /// The head is there: decide about a redirect now, so that its body is drained and not recorded.
  func receivedHead(_ connection: Connection, _ job: WorkerJob) {
    connection.attempt.hasHead = true
    if !connection.inlineBody.isEmpty { connection.inlineBody.removeAll(keepingCapacity: true) }
    if job.followsRedirects { considerRedirect(connection, job) }
    if job.decodes, connection.state != .closed, connection.attempt.next == nil { prepareDecoding(connection, job) }
  }

  private func considerRedirect(_ connection: Connection, _ job: WorkerJob) {
    let head = connection.reader.head
    let decision = RedirectDecision(
      status: head.status,
      method: connection.attempt.method,
      hasBody: connection.attempt.hasBody
    )
    guard case .follow(let method, let resendsBody, let dropsContent) = decision else { return }
    guard let index = head.firstIndex(of: "location") else { return }
    let location = head.value(at: index)
    // Missing or empty: the 3xx is the answer.
    guard !location.isEmpty else { return }
    if let second = head.firstIndex(of: "location", from: index + 1),
      head.bytes[head.value(at: second)] != head.bytes[location]
    {
      return redirectFailed(connection, .redirectInvalid, "two different Location fields")
    }
    let dropsBody = dropsContent || (connection.attempt.hasBody && !resendsBody)
    follow(connection, to: Array(head.bytes[location]), method: method, dropsContent: dropsBody, job)
    guard connection.attempt.next != nil else { return }
    connection.attempt.drainsUntil = now.adding(nanoseconds: Self.drainingTime)
    if !connection.reader.persists { leave(connection) }
  }

  /// A part of a redirect's own body, which is read for the connection's sake only.
  func drain(_ connection: Connection, _ count: Int) {
    connection.attempt.bodyBytes += UInt64(count)
    if connection.attempt.bodyBytes > Self.maximumDrainedBytes { leave(connection) }
  }

  /// Goes where the redirect leads; its own connection is not worth reading on.
  func leave(_ connection: Connection) {
    let origin = connection.origin
    goOn(connection)
    close(connection)
    pump(origin)
  }

  private func follow(
    _ connection: Connection,
    to location: [UInt8],
    method: RequestMethod,
    dropsContent: Bool,
    _ job: WorkerJob
  ) {
    var base = HTTPURL()
    var next = HTTPURL()
    let current = connection.attempt.currentURL ?? connection.attempt.urlText
    do throws(URLProblem) {
      try base.parse(current.span)
      try next.resolve(location.span, against: base)
    } catch {
      // A Location that is none, or leads to another scheme, leaves the 3xx as the answer.
      return
    }
    var text: [UInt8] = []
    next.appendText(to: &text, includingFragment: false)
    var baseText: [UInt8] = []
    base.appendText(to: &baseText, includingFragment: false)
    let previous = connection.attempt.pending.redirect
    let hops = (previous?.hops ?? 0) + 1
    var trail = previous?.trail ?? RedirectTrail()
    trail.append(baseText)
    func chain() -> String { trail.text(to: text, hops: hops) }
    guard hops <= job.specification.redirects.maximumHops else {
      return redirectFailed(connection, .tooManyRedirects, "more than \(hops - 1) redirects: \(chain())")
    }
    guard !(base.scheme == .https && next.scheme == .http) else {
      return redirectFailed(connection, .redirectDowngrade, "redirect from https to http")
    }
    let visited = (previous?.visited ?? []) + [Self.hopHash(connection.attempt.method, baseText)]
    guard !visited.contains(Self.hopHash(method, text)) else {
      return redirectFailed(connection, .redirectLoop, "redirects in a circle: \(chain())")
    }
    // For the record, and for a Location without fragment (RFC 9110 section 10.2.2); never sent.
    var textWithFragment: [UInt8] = []
    next.appendText(to: &textWithFragment, includingFragment: true)
    connection.attempt.next = RedirectState(
      url: textWithFragment,
      method: method,
      dropsCredentials: previous?.dropsCredentials == true || !keepsCredentials(from: base, to: next),
      dropsContent: previous?.dropsContent == true || dropsContent,
      hasGlobalHop: previous?.hasGlobalHop == true || connection.hasGlobalPeer,
      hops: hops,
      spentMicroseconds: 0,
      visited: visited,
      trail: trail
    )
  }

  private static func hopHash(_ method: RequestMethod, _ url: [UInt8]) -> UInt64 {
    var hash = StableHash()
    hash.add(method.token)
    hash.add(url)
    return hash.value
  }

  private func redirectFailed(_ connection: Connection, _ code: FailureCode, _ message: String) {
    connection.attempt.leavesBodyUnread = true
    fail(connection, FetchFailure(code, in: .redirect, "\(hostName(connection)): \(message)"))
  }

  /// The redirect's own response is drained: the next hop starts here if it is the same origin, else the row goes
  /// back to the scheduler, which knows who holds a share of the other one.
  func goOn(_ connection: Connection) {
    guard let job, var next = connection.attempt.next else { return }
    next.spentMicroseconds = now.nanoseconds(since: connection.attempt.startedAt) / 1000
    let origin = connection.origin
    guard (try? job.url.parseOrigin(next.url.span)) != nil, job.url.isSameOrigin(as: origin.url) else {
      effort.deferred += 1
      builder.add(
        Deferral(
          seq: connection.attempt.pending.row.seq,
          cause: .redirect,
          attempts: connection.attempt.pending.row.attempts,
          redirect: next
        ),
        now: now
      )
      return
    }
    var pending = connection.attempt.pending
    pending.redirect = next
    pending.needsFreshConnection = false
    pending.begun = Attempt.Beginning(connection.attempt)
    origin.waiting.prepend(pending)
  }

  // MARK: Records and deferrals

  /// Ends an attempt with a response, a failure, or both.
  func conclude(_ connection: Connection, _ failure: FetchFailure?, _ job: WorkerJob) {
    let status = connection.attempt.hasHead ? connection.reader.head.status : nil
    let elapsed =
      Duration.milliseconds(Int64(connection.attempt.pending.row.elapsedMilliseconds))
      + .nanoseconds(Int64(clamping: now.nanoseconds(since: connection.attempt.startedAt)))
    let pause = notePause(connection, &connection.reader, status)
    let verdict = AttemptVerdict(
      failure: failure?.code,
      status: status,
      mustNotRepeat: connection.attempt.pending.row.mustNotRepeat,
      attempts: connection.attempt.attempts,
      elapsed: elapsed,
      retryAfterMilliseconds: pause,
      policy: job.retry
    )
    switch verdict {
    case .final:
      record(connection, connection.attempt, &connection.reader, failure, job)
      if pause > 0, status == 429 || status == 503 {
        let number = connection.origin.number
        originPauses[number] = max(originPauses[number] ?? 0, pause)
      }
    case .tryAgain:
      connection.hasher?.restart()
      effort.deferred += 1
      builder.add(
        Deferral(
          seq: connection.attempt.pending.row.seq,
          cause: failure == nil ? .status : .failure,
          failure: failure?.code,
          status: UInt16(clamping: status ?? 0),
          attempts: UInt16(clamping: connection.attempt.attempts),
          retryAfterMilliseconds: pause
        ),
        now: now
      )
    }
    if builder.isFull { flush() }
  }

  /// Milliseconds for which the answer asks to be left alone; 0 for none. A pause of the origin stops its rows here,
  /// too: those that wait, and for a moment those that the coordinator sends before it knows.
  private func notePause(_ connection: Connection, _ reader: inout ResponseReader, _ status: Int?) -> UInt64 {
    // A success asks for nothing (RFC 9110 section 10.2.3).
    guard let status, status >= 300, let milliseconds = retryAfter(reader.head), milliseconds > 0 else { return 0 }
    if status == 429 || status == 503 {
      let shown = min(milliseconds, Self.longestHold) * 1_000_000
      connection.origin.pausedUntil = now.adding(nanoseconds: shown)
    }
    return milliseconds
  }

  private func retryAfter(_ head: ResponseHead) -> UInt64? {
    guard let range = head.firstValue(of: "retry-after") else { return nil }
    let value = head.bytes.span.extracting(range)
    let wall = wallMicroseconds()
    guard let date = head.firstValue(of: "date") else {
      return RetryAfter.milliseconds(value, date: nil, wallMicroseconds: wall)
    }
    return RetryAfter.milliseconds(value, date: head.bytes.span.extracting(date), wallMicroseconds: wall)
  }

  /// `reader` is not changed; only `inout` keeps each look at its head from copying it.
  private func record(
    _ connection: Connection,
    _ attempt: borrowing Attempt,
    _ reader: inout ResponseReader,
    _ failure: FetchFailure?,
    _ job: WorkerJob
  ) {
    var fields = RecordFields(seq: attempt.pending.row.seq)
    fields.id = attempt.rowID
    fields.method = attempt.method
    fields.attempts = UInt32(attempt.attempts)
    fields.startedAt = attempt.startedWallMicroseconds
    fields.failure = failure
    fields.connection = connection.text(isReused: attempt.isOnReusedConnection)
    fields.redirects = attempt.pending.redirect?.hops ?? 0
    fields.finalURL = attempt.currentURL
    fields.time = times(of: connection, attempt)
    if attempt.hasHead { describeResponse(reader.head, connection, attempt, job, in: &fields) }
    let includesBody = attempt.hasHead && job.body.disposition == .inline
    let body = includesBody ? connection.inlineBody : []
    let line = job.writer.append(
      fields,
      url: attempt.urlText.span,
      head: reader.head.bytes.span,
      body: includesBody ? body.span : nil,
      to: &builder.block.lines
    )
    builder.added(
      ResultColumn(
        seq: fields.seq,
        bodyBytes: fields.bodyBytes ?? 0,
        totalMicroseconds: fields.time.totalMicroseconds,
        lineLength: UInt32(line),
        status: UInt16(clamping: fields.status ?? 0),
        failure: failure?.code,
        attempts: UInt8(clamping: attempt.attempts)
      ),
      now: now
    )
  }

  private func describeResponse(
    _ head: ResponseHead,
    _ connection: Connection,
    _ attempt: borrowing Attempt,
    _ job: WorkerJob,
    in fields: inout RecordFields
  ) {
    let policy = job.body
    fields.status = head.status
    fields.httpMinorVersion = UInt8(head.minorVersion)
    fields.contentType = head.firstValue(of: "content-type")
    fields.contentLength = contentLength(of: head)
    if !attempt.leavesBodyUnread {
      fields.bodyBytes = attempt.decodedBytes ?? attempt.bodyBytes
      if attempt.decodedBytes != nil { fields.wireBytes = attempt.bodyBytes }
    }
    if policy.disposition != .discard, !attempt.leavesBodyUnread {
      let hasher = connection.hasher ?? SHA256Hasher()
      connection.hasher = hasher
      var digest = SHA256Digest(repeating: 0)
      var span = digest.mutableSpan
      span.withUnsafeMutableBufferPointer { bytes in
        if let base = bytes.baseAddress { hasher.finish(into: base) }
      }
      fields.bodySHA256 = digest
    }
    if attempt.isTruncated {
      fields.truncated = "length"
    } else if policy.disposition == .inline, (fields.bodyBytes ?? 0) > UInt64(policy.inlineMaximumBytes) {
      fields.truncated = "inline"
    }
    if (300..<400).contains(head.status) {
      fields.location = head.firstValue(of: "location")
    }
    if policy.includesHeaders {
      fields.headers = (0..<head.fieldCount).map { HeaderPosition(name: head.name(at: $0), value: head.value(at: $0)) }
    }
  }

  /// Of the body, or of the one that a HEAD or 304 response speaks of.
  private func contentLength(of head: ResponseHead) -> UInt64? {
    switch head.framing {
    case .length(let length): return length
    case .chunked, .untilClose: return nil
    case .none:
      guard let range = head.firstValue(of: "content-length") else { return nil }
      return UInt64(String(decoding: head.bytes[range], as: UTF8.self))
    }
  }

  private func times(of connection: Connection, _ attempt: borrowing Attempt) -> PhaseTimes {
    var times = PhaseTimes()
    if !attempt.isOnReusedConnection {
      times.dns = connection.dnsTime
      times.connect = connection.connectTime
      times.tls = connection.tlsTime
    }
    if attempt.firstByteAt != .zero { times.firstByte = attempt.firstByteAt.nanoseconds(since: attempt.sentAt) }
    times.total = now.nanoseconds(since: attempt.startedAt)
    return times
  }

  /// A row that never became an attempt because it is no valid request.
  func refuse(_ pending: PendingRow, _ job: WorkerJob) {
    let bytes = pending.batch.bytes
    do throws(RowProblem) {
      try job.row.parse(bytes.span.extracting(pending.row.line))
      // The coordinator found no origin in what is a request here: versions that differ.
      refuse(pending, job, .invalidURL(.notAbsolute))
    } catch {
      refuse(pending, job, error)
    }
  }

  func refuse(_ pending: PendingRow, _ job: WorkerJob, _ problem: RowProblem) {
    var fields = RecordFields(seq: pending.row.seq)
    fields.id = job.row.id
    fields.method = job.row.method
    fields.attempts = UInt32(pending.row.attempts)
    fields.startedAt = wallMicroseconds()
    fields.failure = FetchFailure(problem.code, in: .input, problem.description)
    fields.redirects = pending.redirect?.hops ?? 0
    let url = job.row.urlText
    let line = job.writer.append(fields, url: url.isEmpty ? nil : url.span, to: &builder.block.lines)
    builder.added(
      ResultColumn(
        seq: fields.seq,
        bodyBytes: 0,
        totalMicroseconds: 0,
        lineLength: UInt32(line),
        status: 0,
        failure: problem.code,
        attempts: UInt8(clamping: pending.row.attempts)
      ),
      now: now
    )
    if builder.isFull { flush() }
  }
}
