package import FetchModel

/// Field groups that a redirect leaves behind.
package struct DroppedHeaders: OptionSet, Equatable, Sendable {
  package var rawValue: UInt8
  package init(rawValue: UInt8) { self.rawValue = rawValue }

  /// What a request leaves out that goes where a redirect led; nothing if none did.
  package init(after redirect: RedirectState?) {
    guard let redirect else {
      self = []
      return
    }
    self = .proxyCredentials
    if redirect.dropsCredentials { insert(.credentials) }
    if redirect.dropsContent { insert(.content) }
  }

  /// What was meant for the first origin only: the fields of `isCredentialField`, and a caller's own Host, which names
  /// that origin. For every hop to another origin.
  package static let credentials = DroppedHeaders(rawValue: 1 << 0)
  /// Content-*: what described a body that is not sent again.
  package static let content = DroppedHeaders(rawValue: 1 << 1)
  /// Proxy-Authorization, which was meant for what answered the first request. For every hop.
  package static let proxyCredentials = DroppedHeaders(rawValue: 1 << 2)
}

/// What all requests of a job have in common, rendered once.
///
/// Host, Content-Length and Connection are this type's own business: a caller's Host replaces the value that
/// `encode` is given, `Connection: close` is honoured, and every other field that concerns framing or the
/// connection is left out, since it would contradict what is sent.
///
/// Not copyable, because a copy for each request retains all of its storage.
package struct RequestTemplate: ~Copyable, Sendable {
  private let fields: [OutgoingField]
  private let host: [UInt8]?
  private let asksToClose: Bool
  /// All field lines, for requests that change none.
  private let block: [UInt8]
  /// What no request carries.
  private let neverSent: DroppedHeaders

  /// `headers` in the job's order. `neverSent`: groups that are left out of every request, whether the job or a row
  /// names them; with a proxy that is `proxyCredentials`.
  package init(headers: [HeaderField], neverSent: DroppedHeaders = []) {
    let caller = CallerFields(headers)
    let sent = caller.fields.filter { neverSent.isDisjoint(with: $0.group) }
    fields = sent
    host = caller.host
    asksToClose = caller.asksToClose
    block = sent.flatMap(\.line) + (caller.asksToClose ? Array("Connection: close\r\n".utf8) : [])
    self.neverSent = neverSent
  }

  /// Whether a request with these row headers asks the server to close, after which the client must close, too
  /// (RFC 9112 section 9.6).
  package func asksToClose(rowHeaders: [HeaderField]) -> Bool {
    asksToClose || rowHeaders.contains(where: CallerFields.asksToClose)
  }

  /// Appends a whole request to `output`. `target` is in origin form and `host` a Host value, with the port unless
  /// it is the scheme's own; both have been validated. Row headers replace the job's of the same name.
  package func encode(
    method: RequestMethod,
    target: Span<UInt8>,
    host: [UInt8],
    rowHeaders: [HeaderField],
    body: [UInt8]?,
    without dropped: DroppedHeaders,
    into output: inout [UInt8]
  ) {
    append(method, target, host, nil, rowHeaders, body, dropped, to: &output)
  }

  /// The same for a target in an array.
  package func encode(
    method: RequestMethod,
    target: [UInt8],
    host: [UInt8],
    rowHeaders: [HeaderField],
    body: [UInt8]?,
    without dropped: DroppedHeaders,
    into output: inout [UInt8]
  ) {
    append(method, target.span, host, nil, rowHeaders, body, dropped, to: &output)
  }

  /// The same for a proxy. `targetPrefix` stands before the target, as the "http://example.org" that makes it one in
  /// absolute form (RFC 9112 section 3.2.2), and `proxyFields`, whole field lines, before the caller's. Both are empty
  /// for an origin without a proxy.
  package func encode(
    method: RequestMethod,
    targetPrefix: [UInt8],
    target: [UInt8],
    host: [UInt8],
    proxyFields: [UInt8],
    rowHeaders: [HeaderField],
    body: [UInt8]?,
    without dropped: DroppedHeaders,
    into output: inout [UInt8]
  ) {
    // Nearly all requests go without.
    guard !targetPrefix.isEmpty || !proxyFields.isEmpty else {
      return append(method, target.span, host, nil, rowHeaders, body, dropped, to: &output)
    }
    let additions = ProxyAdditions(targetPrefix: targetPrefix, fields: proxyFields)
    append(method, target.span, host, additions, rowHeaders, body, dropped, to: &output)
  }

  private struct ProxyAdditions {
    let targetPrefix: [UInt8]
    let fields: [UInt8]
  }

  /// In each of its callers, so that requests without additions do not pay for them.
  @inline(__always)
  private func append(
    _ method: RequestMethod,
    _ target: Span<UInt8>,
    _ host: [UInt8],
    _ additions: ProxyAdditions?,
    _ rowHeaders: [HeaderField],
    _ body: [UInt8]?,
    _ dropped: DroppedHeaders,
    to output: inout [UInt8]
  ) {
    // What got past the validation of URLs could inject a request.
    assert(target.indices.allSatisfy { target[$0] > Octet.space && target[$0] != Octet.delete })
    if additions == nil, rowHeaders.isEmpty, dropped.isEmpty, body == nil, let token = Self.bodilessToken(method) {
      return appendPlain(token, target, self.host ?? host, to: &output)
    }
    output.append(method)
    output.append(Octet.space)
    if let additions { output.append(contentsOf: additions.targetPrefix) }
    target.withUnsafeBufferPointer { output.append(contentsOf: $0) }
    output.append(" HTTP/1.1\r\nHost: ")
    if rowHeaders.isEmpty, dropped.isEmpty {
      output.append(contentsOf: self.host ?? host)
      output.append("\r\n")
      if let additions { output.append(contentsOf: additions.fields) }
      output.append(contentsOf: block)
    } else {
      appendFields(host, additions, CallerFields(rowHeaders), without: dropped.union(neverSent), into: &output)
    }
    if let length = Self.contentLength(method, body) {
      output.append("Content-Length: ")
      output.append(decimal: length)
      output.append("\r\n")
    }
    output.append("\r\n")
    if let body { output.append(contentsOf: body) }
  }

  /// What nearly all requests are: a token, a target, and the job's fields; one reservation and five copies.
  private func appendPlain(_ token: StaticString, _ target: Span<UInt8>, _ host: [UInt8], to output: inout [UInt8]) {
    let version: StaticString = " HTTP/1.1\r\nHost: "
    let lineEnd: StaticString = "\r\n"
    let count =
      token.utf8CodeUnitCount + 1 + target.count + version.utf8CodeUnitCount + host.count + 2 + block.count + 2
    output.append(addingCapacity: count) { span in
      span.withUnsafeMutableBufferPointer { memory, written in
        precondition(memory.count >= count)
        guard var next = memory.baseAddress else { return }
        Self.put(token, at: &next)
        next.initialize(to: Octet.space)
        next += 1
        target.withUnsafeBufferPointer { Self.put($0, at: &next) }
        Self.put(version, at: &next)
        host.withUnsafeBufferPointer { Self.put($0, at: &next) }
        Self.put(lineEnd, at: &next)
        block.withUnsafeBufferPointer { Self.put($0, at: &next) }
        Self.put(lineEnd, at: &next)
        written = count
      }
    }
  }

  @inline(__always)
  private static func put(_ text: StaticString, at next: inout UnsafeMutablePointer<UInt8>) {
    next.initialize(from: text.utf8Start, count: text.utf8CodeUnitCount)
    next += text.utf8CodeUnitCount
  }

  @inline(__always)
  private static func put(_ bytes: UnsafeBufferPointer<UInt8>, at next: inout UnsafeMutablePointer<UInt8>) {
    guard let base = bytes.baseAddress else { return }
    next.initialize(from: base, count: bytes.count)
    next += bytes.count
  }

  /// The token of a method whose requests have no Content-Length without a body; nil for others.
  private static func bodilessToken(_ method: RequestMethod) -> StaticString? {
    switch method {
    case .get: "GET"
    case .head: "HEAD"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .trace: "TRACE"
    case .post, .put, .patch, .other: nil
    }
  }

  private func appendFields(
    _ host: [UInt8],
    _ additions: ProxyAdditions?,
    _ row: CallerFields,
    without dropped: DroppedHeaders,
    into output: inout [UInt8]
  ) {
    let override = dropped.contains(.credentials) ? nil : row.host ?? self.host
    output.append(contentsOf: override ?? host)
    output.append("\r\n")
    if let additions { output.append(contentsOf: additions.fields) }
    for field in fields where dropped.isDisjoint(with: field.group) && !row.fields.contains(where: field.hasSameName) {
      output.append(contentsOf: field.line)
    }
    for field in row.fields where dropped.isDisjoint(with: field.group) {
      output.append(contentsOf: field.line)
    }
    if asksToClose || row.asksToClose { output.append("Connection: close\r\n") }
  }

  /// RFC 9110 section 8.6: sent with a body, and as 0 where the method expects a body and there is none.
  private static func contentLength(_ method: RequestMethod, _ body: [UInt8]?) -> Int? {
    switch method {
    case .post, .put, .patch: body?.count ?? 0
    case .get, .head, .delete, .options, .trace, .other: body?.count
    }
  }
}

/// A caller's fields, sorted into those that are sent and those that are acted upon.
private struct CallerFields {
  var fields: [OutgoingField] = []
  var host: [UInt8]?
  var asksToClose = false

  init(_ headers: [HeaderField]) {
    for header in headers {
      if header.isNamed("host") {
        host = host ?? header.value
      } else if header.isNamed("connection") {
        if Self.asksToClose(header) { asksToClose = true }
      } else if !Self.isOurs(header) {
        fields.append(OutgoingField(header))
      }
    }
  }

  static func asksToClose(_ header: HeaderField) -> Bool {
    guard header.isNamed("connection") else { return false }
    let options = header.value.split { $0 == Octet.comma || Octet.isWhitespace($0) }
    return options.contains { equalsIgnoringCase($0, "close") }
  }

  /// Framing, and what concerns the connection or announces something we do not do.
  private static func isOurs(_ header: HeaderField) -> Bool {
    header.isNamed("content-length") || header.isNamed("transfer-encoding") || header.isNamed("te")
      || header.isNamed("trailer") || header.isNamed("expect") || header.isNamed("upgrade")
      || header.isNamed("keep-alive") || header.isNamed("proxy-connection")
  }
}

/// A field line ready to send.
private struct OutgoingField: Equatable, Sendable {
  let lowercasedName: [UInt8]
  let line: [UInt8]
  let group: DroppedHeaders

  init(_ field: HeaderField) {
    lowercasedName = field.name.map(Octet.lowercase)
    line = field.name + Array(": ".utf8) + field.value + Array("\r\n".utf8)
    var group: DroppedHeaders = []
    if isCredentialField(field.name) { group.insert(.credentials) }
    if field.isNamed("proxy-authorization") { group.insert(.proxyCredentials) }
    if lowercasedName.starts(with: "content-".utf8) { group.insert(.content) }
    self.group = group
  }

  func hasSameName(as other: OutgoingField) -> Bool { lowercasedName == other.lowercasedName }
}

extension [UInt8] {
  fileprivate mutating func append(_ text: StaticString) {
    append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// The method's token, without the array that `RequestMethod.token` makes.
  fileprivate mutating func append(_ method: RequestMethod) {
    switch method {
    case .get: append("GET")
    case .head: append("HEAD")
    case .post: append("POST")
    case .put: append("PUT")
    case .patch: append("PATCH")
    case .delete: append("DELETE")
    case .options: append("OPTIONS")
    case .trace: append("TRACE")
    case .other(let token): append(contentsOf: token)
    }
  }

  fileprivate mutating func append(decimal value: Int) { append(contentsOf: String(value).utf8) }
}
