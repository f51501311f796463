/// A content coding (RFC 9110 section 8.4.1) that can be decoded.
package enum ContentCoding: UInt8, CaseIterable, Equatable, Sendable {
  /// RFC 1952; x-gzip is the same (RFC 9110 section 8.4.1.3).
  case gzip
  /// RFC 1950 by the book (RFC 9110 section 8.4.1.2), RFC 1951 by many servers.
  case deflate
  /// RFC 7932.
  case brotli
  /// RFC 8878, with the window of RFC 9659.
  case zstd

  /// As it is registered.
  package var name: StaticString {
    switch self {
    case .gzip: "gzip"
    case .deflate: "deflate"
    case .brotli: "br"
    case .zstd: "zstd"
    }
  }

  /// nil for a name that is none of these. Names compare without ASCII case (RFC 9110 section 8.4.1).
  init?(name: Span<UInt8>) {
    switch name.count {
    case 2 where name.isEqual(lowercased: "br"): self = .brotli
    case 4 where name.isEqual(lowercased: "gzip"): self = .gzip
    case 4 where name.isEqual(lowercased: "zstd"): self = .zstd
    case 6 where name.isEqual(lowercased: "x-gzip"): self = .gzip
    case 7 where name.isEqual(lowercased: "deflate"): self = .deflate
    default: return nil
    }
  }
}

extension Span<UInt8> {
  /// But for ASCII case.
  func isEqual(lowercased: StaticString) -> Bool {
    guard count == lowercased.utf8CodeUnitCount else { return false }
    let expected = lowercased.utf8Start
    for index in indices {
      let byte = self[index]
      let lower = byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
      if lower != expected[index] { return false }
    }
    return true
  }

  /// Calls `body` with each element of a list (RFC 9110 section 5.6.1): empty ones are left out, white space around is
  /// cut off.
  func forEachElement<Failure: Error>(_ body: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    var start = 0
    while start < count {
      var end = start
      while end < count, self[end] != UInt8(ascii: ",") { end += 1 }
      let element = trimmed(start..<end)
      if !element.isEmpty { try body(extracting(element)) }
      start = end + 1
    }
  }

  /// A range without white space around (RFC 9110 section 5.6.3).
  func trimmed(_ range: Range<Int>) -> Range<Int> {
    func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
    var (start, end) = (range.lowerBound, range.upperBound)
    while start < end, isSpace(self[start]) { start += 1 }
    while end > start, isSpace(self[end - 1]) { end -= 1 }
    return start..<end
  }
}
