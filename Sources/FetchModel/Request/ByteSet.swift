/// A set of bytes as bits: one bit for each ASCII byte, one answer for all bytes from 0x80.
///
/// Two words in registers beat a table in memory for the short texts scanned here.
struct ByteSet: Sendable {
  private let low: UInt64
  private let high: UInt64
  private let nonASCII: Bool

  /// The given ASCII bytes, with the control characters (RFC 5234 appendix B.1: 0x00 to 0x1F and DEL) and with
  /// everything from 0x80 if asked for.
  init(_ members: StaticString, controls: Bool = false, nonASCII: Bool = false) {
    // 0x00 to 0x1F are the lower half of the first word, DEL is the last bit of the second.
    var low: UInt64 = controls ? 0xFFFF_FFFF : 0
    var high: UInt64 = controls ? 1 << 63 : 0
    members.withUTF8Buffer { buffer in
      for byte in buffer {
        if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte & 63) }
      }
    }
    self.low = low
    self.high = high
    self.nonASCII = nonASCII
  }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    if byte >= 0x80 { return nonASCII }
    return (byte < 64 ? low : high) &>> UInt64(byte & 63) & 1 != 0
  }

  /// The first position in `range` whose byte is a member; the range's end if there is none.
  @inline(__always)
  func firstMember(in bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.lowerBound
    while index < range.upperBound, !contains(bytes[index]) { index += 1 }
    return index
  }

  /// The first position in `range` whose byte is no member; the range's end if there is none.
  @inline(__always)
  func firstNonMember(in bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
    var index = range.lowerBound
    while index < range.upperBound, contains(bytes[index]) { index += 1 }
    return index
  }

  /// Every control character (RFC 5234 CTL).
  static let controls = ByteSet("", controls: true)
  /// ASCII white space as the WHATWG infra standard has it; what may surround a request on its input line.
  static let whiteSpace = ByteSet(" \t\n\r\u{C}")
  static let digits = ByteSet("0123456789")
  static let letters = ByteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
}

extension [UInt8] {
  /// Appends a part of a span with one copy.
  @inline(__always)
  mutating func append(_ range: Range<Int>, of bytes: Span<UInt8>) {
    bytes.extracting(range).withUnsafeBufferPointer { append(contentsOf: $0) }
  }

  /// Appends an ASCII literal.
  mutating func append(_ text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends a number in decimal.
  mutating func append(decimal value: UInt32) {
    var divisor: UInt32 = 1
    while value / divisor >= 10 { divisor *= 10 }
    while divisor > 0 {
      append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
  }

  /// Empties the array and keeps its storage.
  @inline(__always)
  mutating func reset() {
    if !isEmpty { removeAll(keepingCapacity: true) }
  }
}

/// Whether `text` begins with `bytes`. Eight bytes at a time, the last ones perhaps twice.
func isPrefix(_ bytes: [UInt8], of text: Span<UInt8>) -> Bool {
  let count = bytes.count
  guard text.count >= count else { return false }
  return bytes.withUnsafeBytes { bytes in
    text.withUnsafeBytes { text in
      func differ(at offset: Int) -> Bool {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
          != text.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      }
      guard count >= 8 else { return (0..<count).allSatisfy { bytes[$0] == text[$0] } }
      var offset = 0
      while offset + 8 <= count {
        if differ(at: offset) { return false }
        offset += 8
      }
      return !differ(at: count - 8)
    }
  }
}

/// Bytes that may be absent; the storage survives being absent, so that reading row after row allocates nothing.
struct OptionalBytes: Equatable, Sendable {
  /// Empty while absent, so that two absent values are equal.
  private(set) var bytes: [UInt8] = []
  private(set) var isPresent = false

  var value: [UInt8]? { isPresent ? bytes : nil }

  @inline(__always)
  mutating func remove() {
    bytes.reset()
    isPresent = false
  }

  /// Makes the value present and whatever `fill` appends.
  @inline(__always)
  mutating func set(_ fill: (inout [UInt8]) -> Void) {
    bytes.reset()
    fill(&bytes)
    isPresent = true
  }
}

/// The value of a hexadecimal digit of either case.
@inline(__always)
func hexadecimalValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}
