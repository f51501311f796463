// What stands in JSON strings and numbers, in the form the program uses.

/// Appends a string whose escapes are valid (RFC 8259 section 7), which is what the scanner saw to.
func appendUnescaped(_ input: Span<UInt8>, _ range: Range<Int>, to bytes: inout [UInt8]) {
  let backslash = ByteSet("\\")
  var index = range.lowerBound
  while true {
    let end = backslash.firstMember(in: input, index..<range.upperBound)
    bytes.append(index..<end, of: input)
    guard end + 1 < range.upperBound else { return }
    index = end + 2
    switch input[end + 1] {
    case UInt8(ascii: "b"): bytes.append(0x08)
    case UInt8(ascii: "f"): bytes.append(0x0C)
    case UInt8(ascii: "n"): bytes.append(0x0A)
    case UInt8(ascii: "r"): bytes.append(0x0D)
    case UInt8(ascii: "t"): bytes.append(0x09)
    case UInt8(ascii: "u"):
      var scalar = codeUnit(input, at: index)
      index += 4
      if scalar & 0xFC00 == 0xD800 {
        scalar = 0x10000 + (scalar & 0x3FF) << 10 + codeUnit(input, at: index + 2) & 0x3FF
        index += 6
      }
      appendUTF8(scalar, to: &bytes)
    case let byte: bytes.append(byte)
    }
  }
}

private func codeUnit(_ input: Span<UInt8>, at start: Int) -> UInt32 {
  var unit: UInt32 = 0
  for index in start..<start + 4 { unit = unit << 4 | UInt32(hexadecimalValue(input[index]) ?? 0) }
  return unit
}

private func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
  func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | scalar >> shift & 0x3F) }
  switch scalar {
  case 0..<0x80:
    bytes.append(UInt8(scalar))
  case 0x80..<0x800:
    bytes.append(UInt8(0xC0 | scalar >> 6))
    bytes.append(tail(0))
  case 0x800..<0x10000:
    bytes.append(UInt8(0xE0 | scalar >> 12))
    bytes.append(tail(6))
    bytes.append(tail(0))
  default:
    bytes.append(UInt8(0xF0 | scalar >> 18 & 7))
    bytes.append(tail(12))
    bytes.append(tail(6))
    bytes.append(tail(0))
  }
}

/// The length of the well-formed UTF-8 sequence at a position (Unicode table 3-7); 0 if there is none.
func lengthOfUTF8Sequence(_ bytes: Span<UInt8>, at start: Int) -> Int {
  let first = bytes[start]
  let length: Int
  var second: ClosedRange<UInt8> = 0x80...0xBF
  switch first {
  case 0..<0x80: return 1
  case 0xC2...0xDF: length = 2
  case 0xE0...0xEF:
    length = 3
    // No overlong forms, no surrogates.
    if first == 0xE0 { second = 0xA0...0xBF } else if first == 0xED { second = 0x80...0x9F }
  case 0xF0...0xF4:
    length = 4
    // No overlong forms, nothing past U+10FFFF.
    if first == 0xF0 { second = 0x90...0xBF } else if first == 0xF4 { second = 0x80...0x8F }
  default: return 0
  }
  guard start + length <= bytes.count, second.contains(bytes[start + 1]) else { return 0 }
  for index in start + 2..<start + length where bytes[index] & 0xC0 != 0x80 { return 0 }
  return length
}

/// The nanoseconds in a JSON number of seconds; nil if it is not above zero. In integers throughout: a fraction
/// like 0.1 means what it says. What is less than a nanosecond counts as one, what is too much as `UInt64.max`.
func nanoseconds(inSeconds number: Span<UInt8>) -> UInt64? {
  var index = 0
  guard number.count > 0, number[0] != UInt8(ascii: "-") else { return nil }
  var mantissa: UInt64 = 0
  var scale = 9
  var isFraction = false
  while index < number.count, number[index] | 0x20 != UInt8(ascii: "e") {
    let byte = number[index]
    index += 1
    if byte == UInt8(ascii: ".") {
      isFraction = true
    } else if mantissa < 1_000_000_000_000_000_000 {
      mantissa = mantissa * 10 + UInt64(byte - UInt8(ascii: "0"))
      if isFraction { scale -= 1 }
    } else if !isFraction {
      // Digits past the nineteenth only count as places.
      scale += 1
    }
  }
  guard mantissa > 0 else { return nil }
  if index < number.count {
    index += 1
    let isNegative = number[index] == UInt8(ascii: "-")
    var exponent = 0
    while index < number.count {
      if ByteSet.digits.contains(number[index]) {
        // Far beyond both ends of the range and far from overflow; a line has at most 2^20 digits to offset it.
        exponent = min(exponent * 10 + Int(number[index] - UInt8(ascii: "0")), 1 << 32)
      }
      index += 1
    }
    scale += isNegative ? -exponent : exponent
  }
  while scale < 0, mantissa > 0 {
    mantissa /= 10
    scale += 1
  }
  while scale > 0, mantissa > 0 {
    let (product, overflow) = mantissa.multipliedReportingOverflow(by: 10)
    guard !overflow else { return .max }
    mantissa = product
    scale -= 1
  }
  return max(mantissa, 1)
}

/// Appends what standard base64 stands for (RFC 4648 section 4); false if it is not valid. Strict: padded, no line
/// breaks, no bits left over, so that every body has one spelling.
func appendDecodedBase64(_ text: Span<UInt8>, to bytes: inout [UInt8]) -> Bool {
  guard text.count % 4 == 0 else { return false }
  guard text.count > 0 else { return true }
  let equals = UInt8(ascii: "=")
  let padding = text[text.count - 1] != equals ? 0 : text[text.count - 2] != equals ? 1 : 2
  bytes.reserveCapacity(bytes.count + text.count / 4 * 3)
  var group: UInt32 = 0
  var filled = 0
  for index in 0..<text.count - padding {
    guard let value = base64Value(text[index]) else { return false }
    group = group << 6 | UInt32(value)
    filled += 1
    if filled == 4 {
      bytes.append(UInt8(group >> 16 & 255))
      bytes.append(UInt8(group >> 8 & 255))
      bytes.append(UInt8(group & 255))
      group = 0
      filled = 0
    }
  }
  switch padding {
  case 1:
    guard group & 3 == 0 else { return false }
    bytes.append(UInt8(group >> 10 & 255))
    bytes.append(UInt8(group >> 2 & 255))
  case 2:
    guard group & 15 == 0 else { return false }
    bytes.append(UInt8(group >> 4 & 255))
  default: break
  }
  return true
}

private func base64Value(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte - UInt8(ascii: "A")
  case UInt8(ascii: "a")...UInt8(ascii: "z"): byte - UInt8(ascii: "a") + 26
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0") + 52
  case UInt8(ascii: "+"): 62
  case UInt8(ascii: "/"): 63
  default: nil
  }
}
