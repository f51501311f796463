/// A request method (RFC 9110 section 9): the known ones by value, any other token by its bytes.
package enum RequestMethod: Hashable, Sendable {
  case get, head, post, put, patch, delete, options, trace
  case other([UInt8])

  /// The method for a token's bytes, which are case-sensitive; nil if they are no token (RFC 9110 section 5.6.2).
  package init?(token bytes: some Collection<UInt8>) {
    guard !bytes.isEmpty, bytes.allSatisfy(isTokenCharacter) else { return nil }
    switch String(decoding: bytes, as: UTF8.self) {
    case "GET": self = .get
    case "HEAD": self = .head
    case "POST": self = .post
    case "PUT": self = .put
    case "PATCH": self = .patch
    case "DELETE": self = .delete
    case "OPTIONS": self = .options
    case "TRACE": self = .trace
    default: self = .other(Array(bytes))
    }
  }

  /// The method's token.
  package var token: [UInt8] {
    switch self {
    case .get: Array("GET".utf8)
    case .head: Array("HEAD".utf8)
    case .post: Array("POST".utf8)
    case .put: Array("PUT".utf8)
    case .patch: Array("PATCH".utf8)
    case .delete: Array("DELETE".utf8)
    case .options: Array("OPTIONS".utf8)
    case .trace: Array("TRACE".utf8)
    case .other(let bytes): bytes
    }
  }

  /// Whether sending the request twice means the same as once (RFC 9110 section 9.2.2). Unknown methods are not.
  package var isIdempotent: Bool {
    switch self {
    case .get, .head, .put, .delete, .options, .trace: true
    case .post, .patch, .other: false
    }
  }
}

/// Whether a byte may stand in a token (RFC 9110 section 5.6.2).
package func isTokenCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"):
    true
  case UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"), UInt8(ascii: "%"), UInt8(ascii: "&"),
    UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
    UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
    true
  default: false
  }
}

/// One header field as it goes on the wire.
package struct HeaderField: Hashable, Sendable {
  /// A token, in the caller's spelling.
  package var name: [UInt8]
  /// No CR, LF or NUL; no white space at either end.
  package var value: [UInt8]

  /// nil if the name is no token or the value holds CR, LF, NUL or another control character except tab
  /// (RFC 9110 section 5.5). White space around the value is removed.
  package init?(name: some Collection<UInt8>, value: some Collection<UInt8>) {
    guard !name.isEmpty, name.allSatisfy(isTokenCharacter) else { return nil }
    var trimmed = Array(value)[...]
    while let first = trimmed.first, first == 0x20 || first == 0x09 { trimmed.removeFirst() }
    while let last = trimmed.last, last == 0x20 || last == 0x09 { trimmed.removeLast() }
    guard trimmed.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else { return nil }
    self.name = Array(name)
    self.value = Array(trimmed)
  }

  package init?(_ name: String, _ value: String) { self.init(name: name.utf8, value: value.utf8) }

  /// Whether the name is `lowercased` but for ASCII case.
  package func isNamed(_ lowercased: StaticString) -> Bool { equalsIgnoringCase(name, lowercased) }
}

/// Whether bytes equal an ASCII text that is given in lower case, but for ASCII case.
package func equalsIgnoringCase(_ bytes: some Collection<UInt8>, _ lowercased: StaticString) -> Bool {
  guard bytes.count == lowercased.utf8CodeUnitCount else { return false }
  return lowercased.withUTF8Buffer { expected in
    zip(bytes, expected).allSatisfy { byte, wanted in
      (byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte) == wanted
    }
  }
}
