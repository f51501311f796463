import FetchModel

/// Renders records as JSON lines, straight into a block of lines; one per worker thread.
///
/// A record costs one reservation from an upper bound and then writes forward into the block's uninitialised end;
/// nothing is allocated but the block itself. No line is ever longer than `maximumLineBytes`: texts that would
/// make it so are cut and end in U+2026, header fields past the limit are left out, and a body longer than
/// `RecordWriter.maximumBodyBytes` is cut and `truncated` says so.
package struct RecordWriter: Sendable {
  /// The longest body that a line can carry, in bytes.
  package static let maximumBodyBytes = 512 * 1024

  /// `,"agent":"NAME"`, escaped once; empty without a name.
  private let agent: [UInt8]
  private var timestamp = TimestampFormatter()

  /// For the records of the agent with this name; an empty name leaves the field out.
  package init(agent name: [UInt8]) {
    guard !name.isEmpty else {
      agent = []
      return
    }
    agent = Array(capacity: textBound(name.count, limit: LineLimits.shortText) + 16) { output in
      output.withUnsafeMutableBufferPointer { memory, count in
        guard let base = memory.baseAddress else { return }
        var line = LineCursor(base, capacity: memory.count)
        line.literal(#","agent":""#)
        line.text(name.span, limit: LineLimits.shortText)
        line.literal("\"")
        count = line.written
      }
    }
  }

  /// Appends exactly one line to `block`: it begins `{"seq":N,`, ends `}` and a newline, and holds no other
  /// newline. Returns its length in bytes.
  ///
  /// The spans are borrowed for the call. `url` is the row's URL, or the row itself if it has none that can be
  /// read; its password is hidden. `head` holds the bytes that the positions in `fields` point into and is only
  /// read where they do; without it the fields that need it are left out. `body` is the body for the line, nil unless
  /// the job asks for it.
  package mutating func append(
    _ fields: borrowing RecordFields,
    url: Span<UInt8>?,
    head: Span<UInt8>? = nil,
    body: Span<UInt8>? = nil,
    to block: inout [UInt8]
  ) -> Int {
    let plan = LinePlan(fields, agent: agent.count, url: url, head: head, body: body)
    var length = 0
    block.append(addingCapacity: plan.capacity) { output in
      output.withUnsafeMutableBufferPointer { memory, count in
        guard let base = memory.baseAddress else { return }
        var line = LineCursor(base, capacity: memory.count)
        line.request(fields, url: url)
        line.response(fields, head: head, bodyIsCut: plan.bodyIsCut)
        line.redirection(fields, head: head, headersLimit: plan.headersLimit)
        if let failure = fields.failure { line.failure(failure) }
        line.literal(#","attempts":"#)
        line.decimal(UInt64(fields.attempts))
        line.verbatim(agent)
        if let startedAt = fields.startedAt {
          line.literal(#","started_at":""#)
          timestamp.write(microseconds: startedAt, to: &line)
          line.literal("\"")
        }
        if let connection = fields.connection { line.verbatim(connection.bytes) }
        line.time(fields.time)
        if let body { line.body(body, plan.body) }
        line.literal("}\n")
        length = line.written
        count = length
      }
    }
    return length
  }
}

// MARK: - The parts of a line, in their order

extension LineCursor {
  fileprivate mutating func request(_ fields: borrowing RecordFields, url: Span<UInt8>?) {
    literal(#"{"seq":"#)
    decimal(fields.seq)
    if let id = fields.id {
      literal(#","id":""#)
      text(id.span, limit: LineLimits.shortText)
      literal("\"")
    }
    if let url {
      literal(#","url":""#)
      self.url(url, limit: LineLimits.url)
      literal("\"")
    }
    if let method = fields.method {
      literal(#","method":""#)
      self.method(method)
      literal("\"")
    }
  }

  private mutating func method(_ method: RequestMethod) {
    switch method {
    case .get: literal("GET")
    case .head: literal("HEAD")
    case .post: literal("POST")
    case .put: literal("PUT")
    case .patch: literal("PATCH")
    case .delete: literal("DELETE")
    case .options: literal("OPTIONS")
    case .trace: literal("TRACE")
    case .other(let token): text(token.span, limit: LineLimits.shortText)
    }
  }

  fileprivate mutating func response(_ fields: borrowing RecordFields, head: Span<UInt8>?, bodyIsCut: Bool) {
    if let status = fields.status {
      literal(#","status":"#)
      decimal(UInt64(clamping: status))
    }
    if let minor = fields.httpMinorVersion {
      if minor == 0 { literal(#","http":"1.0""#) } else { literal(#","http":"1.1""#) }
    }
    if let contentType = fields.contentType, let head {
      literal(#","content_type":""#)
      text(head.extracting(contentType), limit: LineLimits.contentType)
      literal("\"")
    }
    if let contentLength = fields.contentLength {
      literal(#","content_length":"#)
      decimal(contentLength)
    }
    if let bodyBytes = fields.bodyBytes {
      literal(#","body_bytes":"#)
      decimal(bodyBytes)
    }
    if let digest = fields.bodySHA256 {
      literal(#","body_sha256":""#)
      hex(digest)
      literal("\"")
    }
    if let wireBytes = fields.wireBytes {
      literal(#","wire_bytes":"#)
      decimal(wireBytes)
    }
    if let reason = fields.truncated ?? (bodyIsCut ? "record_limit" : nil) {
      literal(#","truncated":""#)
      literal(reason)
      literal("\"")
    }
  }

  fileprivate mutating func redirection(_ fields: borrowing RecordFields, head: Span<UInt8>?, headersLimit: Int) {
    if fields.redirects > 0 {
      literal(#","redirects":"#)
      decimal(UInt64(fields.redirects))
    }
    if let finalURL = fields.finalURL {
      literal(#","final_url":""#)
      url(finalURL.span, limit: LineLimits.reference)
      literal("\"")
    }
    if let location = fields.location, let head {
      literal(#","location":""#)
      url(head.extracting(location), limit: LineLimits.reference)
      literal("\"")
    }
    if let headers = fields.headers, let head { self.headers(headers, in: head, limit: headersLimit) }
  }

  /// Writes the fields as pairs, in at most `limit` characters; those for which no room is left are left out.
  private mutating func headers(_ headers: [HeaderPosition], in head: Span<UInt8>, limit: Int) {
    let end = written + limit
    literal(#","headers":["#)
    var isFirst = true
    for field in headers {
      // What stands around the two texts and closes the list.
      let room = end - written - 16
      guard room >= 256 else { break }
      literal(isFirst ? "[\"" : ",[\"")
      isFirst = false
      let name = head.extracting(field.name)
      text(name, limit: room - 160)
      literal(#"",""#)
      let value = head.extracting(field.value)
      let left = end - written - 16
      if holdsURL(name) { url(value, limit: left) } else { text(value, limit: left) }
      literal("\"]")
    }
    literal("]")
  }

  fileprivate mutating func failure(_ failure: FetchFailure) {
    literal(#","error":{"phase":""#)
    literal(failure.phase.name)
    literal(#"","code":""#)
    literal(failure.code.name)
    literal(#"","message":""#)
    text(failure.message.utf8.span, limit: LineLimits.message)
    literal(failure.code.isRetryable ? #"","retryable":true}"# : #"","retryable":false}"#)
  }

  fileprivate mutating func time(_ time: PhaseTimes) {
    literal(#","time":{"#)
    if let dns = time.dns {
      literal(#""dns":"#)
      seconds(microseconds: microseconds(ofNanoseconds: dns))
      literal(",")
    }
    if let connect = time.connect {
      literal(#""connect":"#)
      seconds(microseconds: microseconds(ofNanoseconds: connect))
      literal(",")
    }
    if let tls = time.tls {
      literal(#""tls":"#)
      seconds(microseconds: microseconds(ofNanoseconds: tls))
      literal(",")
    }
    if let firstByte = time.firstByte {
      literal(#""first_byte":"#)
      seconds(microseconds: microseconds(ofNanoseconds: firstByte))
      literal(",")
    }
    literal(#""total":"#)
    seconds(microseconds: microseconds(ofNanoseconds: time.total))
    literal("}")
  }

  fileprivate mutating func body(_ body: Span<UInt8>, _ form: BodyForm) {
    let kept = body.extracting(0..<min(body.count, RecordWriter.maximumBodyBytes))
    switch form {
    case .text:
      literal(#","body":""#)
      text(kept, encoding: .utf8)
    case .base64:
      literal(#","body_b64":""#)
      base64(kept)
    }
    literal("\"")
  }
}
