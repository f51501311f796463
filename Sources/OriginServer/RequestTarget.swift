// The request target, cut into what the script table asks for. Pure.

/// An origin-form request target: `/first/second?name=value`.
package struct RequestTarget: Equatable, Sendable {
  /// The target exactly as received.
  package let text: String
  /// Everything before the first `?`.
  package let path: Substring
  /// Everything after the first `?`, or empty.
  package let query: Substring
  /// The path's segments, not decoded: `/a/b` gives `a`, `b`.
  package let segments: [Substring]

  package init(_ text: String) {
    self.text = text
    if let mark = text.utf8.firstIndex(of: UInt8(ascii: "?")) {
      path = text[..<mark]
      query = text[text.utf8.index(after: mark)...]
    } else {
      path = text[...]
      query = ""
    }
    segments = path.utf8.split(separator: UInt8(ascii: "/")).map { Substring($0) }
  }

  /// The segment at `index` as a decimal number of at most `limit`; nil if absent, not a number or too large.
  package func number(_ index: Int, limit: Int) -> Int? {
    guard segments.indices.contains(index) else { return nil }
    return Self.number(segments[index], limit: limit)
  }

  /// A query parameter as a decimal number: `ifAbsent` if there is none, nil if it is not a number up to `limit`.
  package func number(query name: String, ifAbsent: Int, limit: Int) -> Int? {
    guard let value = value(of: name) else { return ifAbsent }
    return Self.number(value, limit: limit)
  }

  /// The first value of a query parameter, percent-decoded; nil if absent or wrongly encoded.
  package func value(of name: String) -> String? {
    guard !query.isEmpty else { return nil }
    for pair in query.utf8.split(separator: UInt8(ascii: "&")) {
      let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
      guard let key = parts.first, key.elementsEqual(name.utf8) else { continue }
      return parts.count == 2 ? Self.percentDecoded(parts[1]) : ""
    }
    return nil
  }

  private static func number(_ text: some StringProtocol, limit: Int) -> Int? {
    guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
    guard let value = Int(text), value <= limit else { return nil }
    return value
  }

  private static func percentDecoded(_ bytes: some Collection<UInt8>) -> String? {
    var decoded: [UInt8] = []
    var rest = bytes.makeIterator()
    while let byte = rest.next() {
      guard byte == UInt8(ascii: "%") else {
        decoded.append(byte)
        continue
      }
      guard let high = rest.next().flatMap(hexValue), let low = rest.next().flatMap(hexValue) else { return nil }
      decoded.append(high << 4 | low)
    }
    return String(validating: decoded, as: UTF8.self)
  }
}

/// The value of one hexadecimal digit.
func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
