// Numbers in durable files: fixed ones little-endian, variable ones as LEB128, signed ones folded by zigzag, so that
// small numbers of either sign are short.

extension [UInt8] {
  mutating func appendFixed<Number: FixedWidthInteger>(_ number: Number) {
    for index in 0..<Number.bitWidth / 8 { append(UInt8(truncatingIfNeeded: number >> (index * 8))) }
  }

  mutating func appendVariable(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    append(UInt8(truncatingIfNeeded: rest))
  }

  mutating func appendFolded(_ number: Int64) {
    appendVariable(UInt64(bitPattern: number &<< 1 ^ number >> 63))
  }

  mutating func appendChecksum(from start: Int) {
    appendFixed(CRC32C(of: span.extracting(start..<count)).value)
  }
}

/// Reads numbers one after the other. Past the end, or where a number is too long, `isValid` becomes false and every
/// number 0: asked once at the end of an entry instead of at each number.
struct PackedReader {
  private(set) var position: Int
  private(set) var isValid = true
  private let end: Int

  init(_ range: Range<Int>) {
    position = range.lowerBound
    end = range.upperBound
  }

  var remaining: Int { end - position }

  mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type, _ bytes: Span<UInt8>) -> Number {
    guard let range = run(Number.bitWidth / 8) else { return 0 }
    var number: Number = 0
    for index in range.reversed() { number = number << 8 | Number(truncatingIfNeeded: bytes[index]) }
    return number
  }

  @inline(__always)
  mutating func variable(_ bytes: Span<UInt8>) -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while position < end {
      let byte = bytes[position]
      position += 1
      // The tenth byte has room for one bit.
      if shift == 63, byte > 1 { break }
      number |= UInt64(byte & 0x7F) << shift
      if byte < 0x80 { return number }
      shift += 7
      if shift > 63 { break }
    }
    isValid = false
    return 0
  }

  @inline(__always)
  mutating func folded(_ bytes: Span<UInt8>) -> Int64 {
    let number = variable(bytes)
    return Int64(bitPattern: number >> 1) ^ -Int64(bitPattern: number & 1)
  }

  /// Where the next `count` bytes stand.
  mutating func run(_ count: Int) -> Range<Int>? {
    guard isValid, count >= 0, count <= remaining else {
      isValid = false
      return nil
    }
    defer { position += count }
    return position..<position + count
  }
}

extension Span<UInt8> {
  func array(_ range: Range<Int>) -> [UInt8] {
    var copy: [UInt8] = []
    copy.reserveCapacity(range.count)
    for index in range { copy.append(self[index]) }
    return copy
  }
}
