// The raw half of the line reader: a place in a line, and the ways to step over JSON without white space, eight bytes
// at a time where texts are long. Every step looks at the end first; a step that cannot be made says so and the line
// is none.

/// Reads forward in the bytes of one line; used within one call only.
struct JSONCursor: ~Copyable {
  /// A string between its quotes, as it stands in the line.
  struct Text {
    fileprivate let start: UnsafePointer<UInt8>
    fileprivate let count: Int

    /// Compares the bytes; a text with escapes equals nothing that needs none.
    @inline(__always)
    func isEqual(to other: StaticString) -> Bool {
      guard count == other.utf8CodeUnitCount else { return false }
      let bytes = other.utf8Start
      for index in 0..<count where start[index] != bytes[index] { return false }
      return true
    }
  }

  /// Arrays and objects within each other; records have three.
  private static let maximumDepth = 16

  private var next: UnsafePointer<UInt8>
  private let end: UnsafePointer<UInt8>
  /// All bytes of strings so far, one over the other: says whether any was not ASCII.
  private var seen: UInt64 = 0

  /// `memory` must outlive the cursor.
  init(_ memory: UnsafePointer<UInt8>, count: Int) {
    next = memory
    end = memory + count
  }

  var isAtEnd: Bool { next == end }
  /// Whether every string so far was.
  var isASCII: Bool { seen & 0x8080_8080_8080_8080 == 0 }

  /// Steps over a literal if it is next.
  @inline(__always)
  mutating func take(_ literal: StaticString) -> Bool {
    let count = literal.utf8CodeUnitCount
    guard end - next >= count else { return false }
    let bytes = literal.utf8Start
    for index in 0..<count where next[index] != bytes[index] { return false }
    next += count
    return true
  }

  /// A member's name with its colon.
  mutating func key() -> Text? {
    guard let text = string(), take(":") else { return nil }
    return text
  }

  mutating func string() -> Text? {
    guard take("\"") else { return nil }
    let start = next
    while true {
      skipPlain()
      guard next < end else { return nil }
      if next.pointee == UInt8(ascii: "\"") {
        let count = next - start
        next += 1
        return Text(start: start, count: count)
      }
      guard skipEscape() else { return nil }
    }
  }

  /// A number without sign, fraction and leading zeros.
  mutating func decimal() -> UInt64? {
    let start = next
    guard let value = digits(), next - start == 1 || start.pointee != UInt8(ascii: "0") else { return nil }
    return value
  }

  mutating func decimal(into value: inout UInt64?) -> Bool {
    value = decimal()
    return value != nil
  }

  /// A number of seconds with at most six decimals.
  mutating func microseconds() -> UInt64? {
    guard let whole = decimal() else { return nil }
    var fraction: UInt64 = 0
    if take(".") {
      let start = next
      guard let value = digits(), next - start <= 6 else { return nil }
      fraction = value
      for _ in (next - start)..<6 { fraction *= 10 }
    }
    let (product, overflows) = whole.multipliedReportingOverflow(by: 1_000_000)
    return overflows ? nil : product &+ fraction
  }

  /// Any value.
  mutating func skipValue() -> Bool { skipValue(depth: 0) }

  private mutating func skipValue(depth: Int) -> Bool {
    guard next < end, depth < Self.maximumDepth else { return false }
    switch next.pointee {
    case UInt8(ascii: "\""): return string() != nil
    case UInt8(ascii: "{"):
      next += 1
      if take("}") { return true }
      repeat { guard key() != nil, skipValue(depth: depth + 1) else { return false } } while take(",")
      return take("}")
    case UInt8(ascii: "["):
      next += 1
      if take("]") { return true }
      repeat { guard skipValue(depth: depth + 1) else { return false } } while take(",")
      return take("]")
    case UInt8(ascii: "t"): return take("true")
    case UInt8(ascii: "f"): return take("false")
    case UInt8(ascii: "n"): return take("null")
    default: return skipNumber()
    }
  }

  /// RFC 8259 section 6; of any size.
  private mutating func skipNumber() -> Bool {
    _ = take("-")
    // Behind a leading zero nothing that is expected next can be a digit.
    guard take("0") || skipDigits() else { return false }
    guard !take(".") || skipDigits() else { return false }
    guard take("e") || take("E") else { return true }
    _ = take("-") || take("+")
    return skipDigits()
  }

  /// At least one.
  private mutating func skipDigits() -> Bool {
    let start = next
    while next < end, next.pointee &- UInt8(ascii: "0") < 10 { next += 1 }
    return next > start
  }

  private mutating func digits() -> UInt64? {
    let start = next
    var value: UInt64 = 0
    while next < end, case let digit = next.pointee &- UInt8(ascii: "0"), digit < 10 {
      let (product, overflows) = value.multipliedReportingOverflow(by: 10)
      let (sum, carries) = product.addingReportingOverflow(UInt64(digit))
      guard !overflows, !carries else { return nil }
      value = sum
      next += 1
    }
    return next == start ? nil : value
  }

  /// Up to the next quotation mark, backslash or control character.
  private mutating func skipPlain() {
    while end - next >= 8 {
      let word = UInt64(littleEndian: UnsafeRawPointer(next).loadUnaligned(as: UInt64.self))
      let marks = Self.marks(in: word)
      guard marks == 0 else {
        let count = marks.trailingZeroBitCount / 8
        // What stands before the mark.
        if count > 0 { seen |= word << UInt64(64 - count * 8) }
        next += count
        return
      }
      seen |= word
      next += 8
    }
    while next < end, Self.marks(in: UInt64(next.pointee) | 0x2020_2020_2020_2000) == 0 {
      seen |= UInt64(next.pointee)
      next += 1
    }
  }

  /// Marks the top bit of the first byte that ends a plain run; those above it may be marked wrongly, because a borrow
  /// only comes from a byte that is marked itself.
  @inline(__always)
  private static func marks(in word: UInt64) -> UInt64 {
    let ones: UInt64 = 0x0101_0101_0101_0101
    let quote = word ^ 0x2222_2222_2222_2222
    let backslash = word ^ 0x5C5C_5C5C_5C5C_5C5C
    let control = (word &- 0x2020_2020_2020_2020) & ~word
    let found = control | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
    return found & 0x8080_8080_8080_8080
  }

  /// RFC 8259 section 7; false at a control character, too.
  private mutating func skipEscape() -> Bool {
    guard next.pointee == UInt8(ascii: "\\"), end - next >= 2 else { return false }
    switch next[1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      next += 2
      return true
    case UInt8(ascii: "u"):
      guard end - next >= 6 else { return false }
      for index in 2..<6 where !Self.isHex(next[index]) { return false }
      next += 6
      return true
    default: return false
    }
  }

  private static func isHex(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
      UInt8(ascii: "A")...UInt8(ascii: "F"):
      true
    default: false
    }
  }
}
