/// The octets that HTTP/1 gives a meaning, and searches that take eight of them at a time.
enum Octet {
  static let horizontalTab: UInt8 = 0x09
  static let lineFeed: UInt8 = 0x0A
  static let carriageReturn: UInt8 = 0x0D
  static let space: UInt8 = 0x20
  static let delete: UInt8 = 0x7F
  static let quote = UInt8(ascii: "\"")
  static let comma = UInt8(ascii: ",")
  static let colon = UInt8(ascii: ":")
  static let semicolon = UInt8(ascii: ";")
  static let equals = UInt8(ascii: "=")
  static let backslash = UInt8(ascii: "\\")

  /// Whether a byte may stand in a token (RFC 9110 section 5.6.2). Two constant bit maps instead of
  /// `FetchModel.isTokenCharacter`, because calls on the hot path must not cross modules for each byte.
  @inline(__always)
  static func isToken(_ byte: UInt8) -> Bool {
    guard byte < 0x80 else { return false }
    let map: UInt64 = byte < 0x40 ? 0x03FF_6CFA_0000_0000 : 0x57FF_FFFF_C7FF_FFFE
    return (map >> UInt64(byte & 0x3F)) & 1 != 0
  }

  /// SP or HTAB, the octets of OWS and BWS (RFC 9110 section 5.6.3).
  @inline(__always)
  static func isWhitespace(_ byte: UInt8) -> Bool { byte == space || byte == horizontalTab }

  /// Whether a byte may stand in a quoted string or after its backslash: anything but controls, HTAB excepted
  /// (RFC 9110 section 5.6.4).
  @inline(__always)
  static func isText(_ byte: UInt8) -> Bool { (byte >= space && byte != delete) || byte == horizontalTab }

  @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  /// ASCII only: no locale, no other letters that fold into ASCII.
  @inline(__always)
  static func lowercase(_ byte: UInt8) -> UInt8 { byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte }

  /// Whether `count` bytes at `start` equal a name in lower case, but for ASCII case.
  @inline(__always)
  static func equal(_ start: UnsafePointer<UInt8>, count: Int, lowercased: StaticString) -> Bool {
    guard count == lowercased.utf8CodeUnitCount else { return false }
    let expected = lowercased.utf8Start
    for index in 0..<count where lowercase(start[index]) != expected[index] { return false }
    return true
  }

  /// Whether two runs of `count` bytes are the same; eight at a time, the last ones perhaps twice.
  @inline(__always)
  static func areEqual(_ one: UnsafePointer<UInt8>?, _ other: UnsafePointer<UInt8>, count: Int) -> Bool {
    guard let one else { return count == 0 }
    var index = 0
    if count >= 8 {
      while index &+ 8 <= count {
        if load(one + index) != load(other + index) { return false }
        index &+= 8
      }
      return load(one + (count &- 8)) == load(other + (count &- 8))
    }
    while index < count {
      if one[index] != other[index] { return false }
      index &+= 1
    }
    return true
  }

  /// Index of the first byte below 0x20 in `start ..< end`, or `end`. Eight bytes at a time, in a plain integer:
  /// the vector types of the standard library are ten times slower here.
  @inline(__always)
  static func firstControl(in bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while index &+ 8 <= end {
      let word = load(bytes + index)
      // The high bit of each byte that is below 0x20. A borrow can spoil only bytes after a true hit.
      let hits = (word &- 0x2020_2020_2020_2020) & ~word & highBits
      if hits != 0 { return index &+ hits.trailingZeroBitCount / 8 }
      index &+= 8
    }
    while index < end, bytes[index] >= 0x20 { index &+= 1 }
    return index
  }

  /// Index of the first byte in `start ..< end` that is no token character, or `end`. Letters and `-`, of which
  /// nearly all names consist, are passed eight at a time.
  @inline(__always)
  static func tokenEnd(in bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
    var index = start
    while index &+ 8 <= end {
      let word = load(bytes + index)
      // Seven bits a byte, so that no sum carries into the next; bytes above 0x7F are struck out at the end.
      let ascii = word & ~highBits
      let lower = ascii | 0x2020_2020_2020_2020
      let letters = (lower &+ 0x1F1F_1F1F_1F1F_1F1F) & ~(lower &+ 0x0505_0505_0505_0505)
      let hyphens = ~((ascii ^ 0x2D2D_2D2D_2D2D_2D2D) &+ 0x7F7F_7F7F_7F7F_7F7F)
      let others = ~((letters | hyphens) & ~word) & highBits
      if others == 0 {
        index &+= 8
      } else {
        index &+= others.trailingZeroBitCount / 8
        guard isToken(bytes[index]) else { return index }
        index &+= 1
      }
    }
    while index < end, isToken(bytes[index]) { index &+= 1 }
    return index
  }

  private static let highBits: UInt64 = 0x8080_8080_8080_8080

  @inline(__always)
  private static func load(_ start: UnsafePointer<UInt8>) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
  }
}
