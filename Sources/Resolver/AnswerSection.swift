/// What the library does not tell of an answer: it knows few RCODEs, does not mind that records are missing, and leaves
/// out those that it does not understand. RFC 1035 section 4.1.
struct AnswerSection {
  private static let headerBytes = 12
  private static let classInternet = 1

  private let bytes: UnsafeBufferPointer<UInt8>

  /// nil for what is too short to be a message.
  init?(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard bytes.count >= Self.headerBytes else { return nil }
    self.bytes = bytes
  }

  var responseCode: UInt8 { bytes[3] & 0x0F }

  var isTruncated: Bool { bytes[2] & 0x02 != 0 }

  /// How many records there are of that type, and whether each has so many bytes; nil if the section cannot be read.
  func records(ofType type: Int, bytes length: Int) -> (count: Int, areWhole: Bool)? {
    var place = Self.headerBytes
    for _ in 0..<number(at: 4) {
      guard let end = endOfName(at: place) else { return nil }
      place = end + 4
    }
    var (count, areWhole) = (0, true)
    for _ in 0..<number(at: 6) {
      // Type, class, TTL, length.
      guard let end = endOfName(at: place), end + 10 <= bytes.count else { return nil }
      let contentLength = number(at: end + 8)
      if number(at: end) == type, number(at: end + 2) == Self.classInternet {
        count += 1
        if contentLength != length { areWhole = false }
      }
      place = end + 10 + contentLength
      guard place <= bytes.count else { return nil }
    }
    return (count, areWhole)
  }

  private func number(at place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }

  private func endOfName(at start: Int) -> Int? {
    var place = start
    while place < bytes.count {
      let length = bytes[place]
      // A pointer ends a name; section 4.1.4.
      if length >= 0xC0 { return place + 2 }
      if length == 0 { return place + 1 }
      place += 1 + Int(length)
    }
    return nil
  }
}
