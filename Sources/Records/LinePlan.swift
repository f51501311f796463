import FetchModel

// Two things are settled before a byte of a line is written: how much memory it can need at most, and that it
// stays below `maximumLineBytes` whatever the row and the server put into it. Escaping makes a byte six, so a row
// of one mebibyte of control characters would otherwise make a line that the coordinator must refuse, and with it
// the whole block.

/// The most characters that the texts of a line take; together with the largest body less than `maximumLineBytes`.
enum LineLimits {
  /// A row is at most 1 MiB, so only a URL that needs escapes is ever cut.
  static let url = 1024 * 1024
  static let reference = 64 * 1024
  static let contentType = 8 * 1024
  static let message = 16 * 1024
  static let shortText = 2 * 1024
  /// Keys and fixed words of what is said about a connection.
  static let connection = 128
  /// A body whose text would be longer goes as base64, which is shorter for the longest body.
  static let body = 704 * 1024
  /// Keys, punctuation, numbers, the digest and the fixed words.
  static let fixed = 2 * 1024
}

/// How a body goes into a line.
enum BodyForm {
  case text
  case base64
}

/// What is known about a line before it is written.
struct LinePlan {
  /// An upper bound of its length.
  private(set) var capacity: Int
  /// Characters for `headers`.
  private(set) var headersLimit = 0
  private(set) var body = BodyForm.text
  /// Whether the body is longer than a line can carry.
  private(set) var bodyIsCut = false

  init(_ fields: borrowing RecordFields, agent: Int, url: Span<UInt8>?, head: Span<UInt8>?, body: Span<UInt8>?) {
    capacity = LineLimits.fixed + agent
    if let url { capacity += textBound(url.count, limit: LineLimits.url) }
    if let id = fields.id { capacity += textBound(id.count, limit: LineLimits.shortText) }
    if case .other(let token)? = fields.method { capacity += textBound(token.count, limit: LineLimits.shortText) }
    if let range = fields.contentType { capacity += textBound(range.count, limit: LineLimits.contentType) }
    if let final = fields.finalURL { capacity += textBound(final.count, limit: LineLimits.reference) }
    if let range = fields.location { capacity += textBound(range.count, limit: LineLimits.reference) }
    if let failure = fields.failure {
      capacity += textBound(failure.message.utf8.count, limit: LineLimits.message)
    }
    if let connection = fields.connection { capacity += connection.bytes.count }
    if let body { plan(body) }
    // Last, because header fields get whatever the others leave.
    if let headers = fields.headers, let head { plan(headers, in: head) }
  }

  private mutating func plan(_ body: Span<UInt8>) {
    bodyIsCut = body.count > RecordWriter.maximumBodyBytes
    let kept = body.extracting(0..<min(body.count, RecordWriter.maximumBodyBytes))
    if isValidUTF8(kept) {
      // Measured exactly: six times a large body would be a large reservation.
      let (source, rendered) = renderedPrefix(of: kept, .utf8, limit: LineLimits.body)
      if source == kept.count {
        capacity += rendered
        return
      }
    }
    self.body = .base64
    capacity += (kept.count + 2) / 3 * 4
  }

  private mutating func plan(_ headers: [HeaderPosition], in head: Span<UInt8>) {
    var bound = 64
    for field in headers {
      // Both texts, what stands around them, and room for a hidden password.
      bound += (field.name.count + field.value.count) * maximumEscapeExpansion + 16
    }
    // `headers` stops when fewer than 272 characters are left: so much more is needed than it fills.
    headersLimit = min(bound + 512, maximumLineBytes - capacity)
    capacity += headersLimit
  }
}

/// Whether a response header field of this name holds a URL, whose password must be hidden.
func holdsURL(_ name: Span<UInt8>) -> Bool {
  isNamed(name, "location") || isNamed(name, "content-location")
}

private func isNamed(_ name: Span<UInt8>, _ lowercased: StaticString) -> Bool {
  guard name.count == lowercased.utf8CodeUnitCount else { return false }
  for index in 0..<name.count {
    let byte = name[index]
    let lower = byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    guard lower == lowercased.utf8Start[index] else { return false }
  }
  return true
}
