import FetchModel

/// The methods that change how a response is framed.
enum RequestKind: Equatable, Sendable {
  case ordinary, head, connect

  init(_ method: RequestMethod) {
    switch method {
    case .head: self = .head
    case .get, .post, .put, .patch, .delete, .options, .trace: self = .ordinary
    case .other(let token): self = token.elementsEqual("CONNECT".utf8) ? .connect : .ordinary
    }
  }
}

/// How a message ends and whether its connection may carry another one.
struct MessageFraming: Equatable, Sendable {
  var framing: Framing
  var persists: Bool

  /// The one decision about a final response's body (RFC 9112 section 6.3) and persistence (section 9.3). `fields` is
  /// not changed; only `inout` keeps it from being copied.
  init(
    _ status: StatusLine,
    _ facts: FramingFacts,
    _ fields: inout FieldSection,
    for request: RequestKind
  ) throws(ResponseError) {
    let bodiless = request == .head || status.status == 204 || status.status == 304
    let isTunnel = request == .connect && 200...299 ~= status.status

    if bodiless || isTunnel {
      framing = .none  // items 1 and 2: the fields describe a body that is not sent, so they are not judged
    } else if facts.hasTransferEncoding {
      try facts.checkTransferEncoding(&fields)
      framing = .chunked  // items 3 and 4
    } else if facts.hasContentLength {
      framing = .length(try facts.contentLength(&fields))  // items 5 and 6
    } else {
      framing = .untilClose  // item 8
    }

    // Section 6.1: a sender of both, or of Transfer-Encoding in HTTP/1.0, may frame the next message differently
    // than we do.
    // Likewise one that announces a body where there can be none (sections 6.1 and 6.2).
    let hasBodyAnnounced = status.status == 204 && (facts.hasTransferEncoding || facts.hasContentLength)
    let isDoubtful =
      facts.hasTransferEncoding && (facts.hasContentLength || status.minorVersion == 0 || status.status == 304)
      || hasBodyAnnounced
    let isWanted = status.minorVersion == 0 ? facts.asksToKeepAlive : true
    persists = isWanted && !facts.asksToClose && !isDoubtful && !isTunnel && framing != .untilClose
  }
}

/// What the fields of interest say, noted while they are read.
struct FramingFacts: Equatable, Sendable {
  private(set) var hasTransferEncoding = false
  private(set) var asksToClose = false
  private(set) var hasContentLength = false
  private(set) var asksToKeepAlive = false

  /// Notes a field.
  @inline(__always)
  mutating func note(_ entry: FieldEntry, in base: UnsafePointer<UInt8>) {
    // Nearly all of them.
    if entry.kind == .other { return }
    switch entry.kind {
    case .other: break
    case .contentLength: hasContentLength = true
    case .transferEncoding: hasTransferEncoding = true
    case .connection: noteConnection(base, from: Int(entry.valueStart), to: Int(entry.valueEnd))
    }
  }

  /// A continuation line has changed a field: with it, what looked like an option may be none (RFC 9112 section 5.2).
  mutating func renote(_ entries: [FieldEntry], in base: UnsafePointer<UInt8>) {
    asksToClose = false
    asksToKeepAlive = false
    for entry in entries { note(entry, in: base) }
  }

  private mutating func noteConnection(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) {
    // What most servers send needs no list.
    if Octet.equal(base + start, count: end - start, lowercased: "keep-alive") {
      asksToKeepAlive = true
      return
    }
    var elements = ListElements(base, from: start, to: end)
    while let element = elements.next() {
      let start = base + element.lowerBound
      if Octet.equal(start, count: element.count, lowercased: "close") { asksToClose = true }
      if Octet.equal(start, count: element.count, lowercased: "keep-alive") { asksToKeepAlive = true }
    }
  }

  /// Accepts one `chunked` over all lines and nothing else; empty list elements do not count (RFC 9110 5.6.1.2).
  func checkTransferEncoding(_ fields: inout FieldSection) throws(ResponseError) {
    let entries = fields.entries
    let isChunkedOnly = fields.bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return false }
      var codings = 0
      for entry in entries where entry.kind == .transferEncoding {
        var elements = ListElements(base, from: Int(entry.valueStart), to: Int(entry.valueEnd))
        while let element = elements.next() {
          if element.isEmpty { continue }
          let start = base + element.lowerBound
          guard Octet.equal(start, count: element.count, lowercased: "chunked") else { return false }
          codings += 1
        }
      }
      return codings == 1
    }
    guard isChunkedOnly else { throw .malformed(.transferCoding) }
  }

  /// The length that every element of every line agrees on (RFC 9110 section 8.6).
  func contentLength(_ fields: inout FieldSection) throws(ResponseError) -> UInt64 {
    let entries = fields.entries
    return try fields.bytes.withUnsafeBufferPointer { buffer throws(ResponseError) in
      guard let base = buffer.baseAddress else { throw .malformed(.contentLength) }
      var length: UInt64?
      for entry in entries where entry.kind == .contentLength {
        var elements = ListElements(base, from: Int(entry.valueStart), to: Int(entry.valueEnd))
        while let element = elements.next() {
          let value = try Self.decimal(base, element)
          guard length == nil || length == value else { throw .malformed(.contentLengthsDiffer) }
          length = value
        }
      }
      guard let length else { throw .malformed(.contentLength) }
      return length
    }
  }

  /// 1*DIGIT, at most `Int64.max`: no sign, no space, no other digits than ASCII's.
  private static func decimal(_ base: UnsafePointer<UInt8>, _ range: Range<Int>) throws(ResponseError) -> UInt64 {
    guard !range.isEmpty else { throw .malformed(.contentLength) }
    for index in range where !Octet.isDigit(base[index]) { throw .malformed(.contentLength) }
    var value: UInt64 = 0
    // So many digits are always less than the greatest.
    if range.count <= 18 {
      for index in range { value = value &* 10 &+ UInt64(base[index] &- UInt8(ascii: "0")) }
      return value
    }
    for index in range {
      let (scaled, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = scaled.addingReportingOverflow(UInt64(base[index] - UInt8(ascii: "0")))
      guard !overflow, !carry, sum <= UInt64(Int64.max) else { throw .malformed(.contentLengthTooLarge) }
      value = sum
    }
    return value
  }
}

/// The elements of a comma-separated list without white space around them, empty ones included; a value that is
/// empty altogether has one empty element.
private struct ListElements {
  private let base: UnsafePointer<UInt8>
  private var position: Int
  private let end: Int
  private var isDone = false

  init(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) {
    self.base = base
    position = start
    self.end = end
  }

  mutating func next() -> Range<Int>? {
    if isDone { return nil }
    var first = position
    var comma = position
    while comma < end, base[comma] != Octet.comma { comma += 1 }
    var last = comma
    while first < last, Octet.isWhitespace(base[first]) { first += 1 }
    while first < last, Octet.isWhitespace(base[last - 1]) { last -= 1 }
    isDone = comma == end
    position = comma + 1
    return first..<last
  }
}
