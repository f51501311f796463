// The few request fields the origin acts on; all others are carried along unread.

/// What the fields of a request say about its framing and its connection.
struct FramingFields: Equatable {
  var keepAlive: Bool
  var contentLength: Int?
  var isChunked = false
  var expectsContinue = false
  var wantsCount = false

  init(keepAlive: Bool) {
    self.keepAlive = keepAlive
  }

  /// Reads the field lines, the blank line at their end included.
  mutating func read(_ lines: ArraySlice<UInt8>) throws(RequestError) {
    var rest = lines
    while let end = rest.firstIndex(of: 0x0A) {
      let line = rest[..<end]
      rest = rest[(end + 1)...]
      guard let first = line.first, first != 0x0D else { return }
      // A line that begins with a blank is an obsolete fold: refused, as RFC 9112 section 5.2 allows.
      guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex, first != 0x20, first != 0x09
      else { throw .malformed }
      try read(name: line[..<colon], value: line[(colon + 1)...])
    }
  }

  private mutating func read(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>) throws(RequestError) {
    // The length is compared first: most fields end here without a look at their bytes.
    switch name.count {
    case 7 where equal(name, "x-count"):
      wantsCount = true
    case 6 where equal(name, "expect"):
      expectsContinue = equal(trimmed(value), "100-continue")
    case 10 where equal(name, "connection"):
      for token in value.split(separator: UInt8(ascii: ",")) {
        if equal(trimmed(token), "close") { keepAlive = false }
        if equal(trimmed(token), "keep-alive") { keepAlive = true }
      }
    case 14 where equal(name, "content-length"):
      let digits = trimmed(value)
      guard contentLength == nil, digits.allSatisfy({ (0x30...0x39).contains($0) }),
        let length = Int(String(decoding: digits, as: UTF8.self))
      else { throw .malformed }
      contentLength = length
    case 17 where equal(name, "transfer-encoding"):
      guard !isChunked, equal(trimmed(value), "chunked") else { throw .malformed }
      isChunked = true
    default:
      break
    }
  }

  /// Compares ASCII without regard to case; `lowercase` is in lower case.
  private func equal(_ bytes: ArraySlice<UInt8>, _ lowercase: StaticString) -> Bool {
    guard bytes.count == lowercase.utf8CodeUnitCount else { return false }
    return lowercase.withUTF8Buffer { expected in
      zip(bytes, expected).allSatisfy { byte, wanted in
        (0x41...0x5A).contains(byte) ? byte | 0x20 == wanted : byte == wanted
      }
    }
  }
}
