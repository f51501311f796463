// The raw half of the record writer: a place in uninitialised memory that the caller reserved, and the ways to
// put numbers, hex and base64 there. Every write first claims its bytes against the end of the reservation, so a
// wrong upper bound stops the process instead of writing past the array.

/// Writes forward into memory reserved at the end of a block; used within one `append` only.
struct LineCursor: ~Copyable {
  private let start: UnsafeMutablePointer<UInt8>
  private var next: UnsafeMutablePointer<UInt8>
  private let end: UnsafeMutablePointer<UInt8>

  /// `memory` must outlive the cursor; it may be uninitialised.
  init(_ memory: UnsafeMutablePointer<UInt8>, capacity: Int) {
    start = memory
    next = memory
    end = memory + capacity
  }

  /// Bytes written so far, all of them initialised.
  var written: Int { next - start }

  /// The next `count` bytes, which the caller then fills.
  @inline(__always)
  mutating func claim(_ count: Int) -> UnsafeMutablePointer<UInt8> {
    precondition(count <= end - next, "the upper bound of a record line is wrong")
    let claimed = next
    next += count
    return claimed
  }

  /// Writes a literal; with a literal argument the copy becomes a few stores.
  @inline(__always)
  mutating func literal(_ text: StaticString) {
    claim(text.utf8CodeUnitCount).initialize(from: text.utf8Start, count: text.utf8CodeUnitCount)
  }

  /// Writes bytes that need no escape.
  mutating func verbatim(_ bytes: [UInt8]) {
    bytes.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      claim(source.count).initialize(from: base, count: source.count)
    }
  }

  /// Writes one byte.
  @inline(__always)
  mutating func byte(_ value: UInt8) { claim(1).pointee = value }
}

// MARK: - Numbers

extension LineCursor {
  mutating func decimal(_ value: UInt64) {
    var at = digitCount(of: value)
    let digits = claim(at)
    var rest = value
    while rest >= 100 {
      at -= 2
      writePair(rest % 100, to: digits + at)
      rest /= 100
    }
    if at == 2 {
      writePair(rest, to: digits)
    } else {
      digits.pointee = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest)
    }
  }

  /// Writes seconds with as many of six decimals as are not zero.
  mutating func seconds(microseconds: UInt64) {
    let (whole, fraction) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    decimal(whole)
    guard fraction > 0 else { return }
    byte(UInt8(ascii: "."))
    sixDigits(fraction)
    while next[-1] == UInt8(ascii: "0") { next -= 1 }
  }

  /// Writes a number below a million with its leading zeros.
  mutating func sixDigits(_ value: UInt64) {
    let digits = claim(6)
    writePair(value / 10_000, to: digits)
    writePair(value / 100 % 100, to: digits + 2)
    writePair(value % 100, to: digits + 4)
  }

  /// Writes a digest in lower-case hex.
  mutating func hex(_ digest: SHA256Digest) {
    let digits = UnsafeMutableRawPointer(claim(64))
    for group in 0..<8 {
      // Four bytes become eight nibbles, one to a byte, the first nibble in the lowest byte, which is where a
      // little-endian store puts the first character.
      var nibbles: UInt64 = 0
      for index in 0..<4 {
        let byte = UInt64(digest[group * 4 + index])
        nibbles |= (byte >> 4 | (byte & 0xF) << 8) << UInt64(index * 16)
      }
      let isLetter = (nibbles &+ 0x0606_0606_0606_0606) >> 4 & 0x0101_0101_0101_0101
      let characters = nibbles &+ 0x3030_3030_3030_3030 &+ isLetter &* 39
      digits.storeBytes(of: characters.littleEndian, toByteOffset: group * 8, as: UInt64.self)
    }
  }

  /// Writes `source` in base64 with padding (RFC 4648 section 4).
  mutating func base64(_ source: Span<UInt8>) {
    let alphabet = base64Alphabet.utf8Start
    let whole = source.count / 3 * 3
    var at = 0
    while at < whole {
      let group = UInt32(source[at]) << 16 | UInt32(source[at + 1]) << 8 | UInt32(source[at + 2])
      let characters = claim(4)
      characters[0] = alphabet[Int(group >> 18)]
      characters[1] = alphabet[Int(group >> 12 & 63)]
      characters[2] = alphabet[Int(group >> 6 & 63)]
      characters[3] = alphabet[Int(group & 63)]
      at += 3
    }
    guard at < source.count else { return }
    let second = at + 1 < source.count ? UInt32(source[at + 1]) : 0
    let group = UInt32(source[at]) << 16 | second << 8
    let characters = claim(4)
    characters[0] = alphabet[Int(group >> 18)]
    characters[1] = alphabet[Int(group >> 12 & 63)]
    characters[2] = at + 1 < source.count ? alphabet[Int(group >> 6 & 63)] : UInt8(ascii: "=")
    characters[3] = UInt8(ascii: "=")
  }

  /// Writes `\u00XX`.
  mutating func unicodeEscape(_ value: UInt8) {
    let characters = claim(6)
    characters.initialize(from: StaticString("\\u00").utf8Start, count: 4)
    characters[4] = hexDigits.utf8Start[Int(value >> 4)]
    characters[5] = hexDigits.utf8Start[Int(value & 15)]
  }
}

// Tables are static strings because those are plain constants: no initialiser, no bounds check, no reference.
private let hexDigits: StaticString = "0123456789abcdef"
private let base64Alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
private let decimalPairs: StaticString = """
  00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354\
  555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
  """

/// Writes two digits; `value` is below 100.
@inline(__always)
func writePair(_ value: UInt64, to destination: UnsafeMutablePointer<UInt8>) {
  let pair = decimalPairs.utf8Start + Int(value) * 2
  destination[0] = pair[0]
  destination[1] = pair[1]
}

/// How many digits the canonical decimal of a number has.
func digitCount(of value: UInt64) -> Int {
  var count = 1
  var rest = value
  while true {
    if rest < 10 { return count }
    if rest < 100 { return count + 1 }
    if rest < 1_000 { return count + 2 }
    if rest < 10_000 { return count + 3 }
    rest /= 10_000
    count += 4
  }
}
