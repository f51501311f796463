/// How the end of a response's body is found (RFC 9112 section 6.3).
package enum Framing: Equatable, Sendable {
  /// No body, whatever the fields say.
  case none
  /// Exactly that many octets.
  case length(UInt64)
  /// Chunks up to a last one of size zero.
  case chunked
  /// Everything up to a clean end of the stream.
  case untilClose
}

/// The head of a final response, and after the end of a chunked body its trailers.
package struct ResponseHead: Equatable, Sendable {
  /// 100 to 599; only final responses are ever shown.
  package internal(set) var status = 0
  /// 0 or 1; higher minor versions are read as 1 (RFC 9110 section 6.2).
  package internal(set) var minorVersion = 1
  /// How the body ends.
  package internal(set) var framing = Framing.none
  /// The reason phrase, a range of `bytes`; opaque and often empty.
  package internal(set) var reason = 0..<0
  /// Trailer fields: never merged into the head, without effect on anything (RFC 9110 section 6.5.1).
  package internal(set) var trailers = FieldSection()
  var fields = FieldSection()

  package init() {}

  /// Storage of the head, which all ranges index; not the exact bytes received if a field was folded.
  package var bytes: [UInt8] { fields.bytes }

  /// Number of header fields.
  package var fieldCount: Int { fields.count }

  /// The name of a field as spelled by the server, a range of `bytes`.
  package func name(at index: Int) -> Range<Int> { fields.name(at: index) }

  /// The value of a field without surrounding white space, a range of `bytes`.
  package func value(at index: Int) -> Range<Int> { fields.value(at: index) }

  /// The value of the first field of a name that is given in lower case; names compare without ASCII case.
  package func firstValue(of lowercasedName: StaticString) -> Range<Int>? { fields.firstValue(of: lowercasedName) }

  /// Index of the first field of that name at or after `start`; call again to walk over repeated fields.
  package func firstIndex(of lowercasedName: StaticString, from start: Int = 0) -> Int? {
    fields.firstIndex(of: lowercasedName, from: start)
  }

  mutating func removeAll() {
    status = 0
    minorVersion = 1
    framing = .none
    reason = 0..<0
    trailers.removeAll()
    fields.removeAll()
  }
}
