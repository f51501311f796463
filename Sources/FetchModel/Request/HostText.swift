import InternationalNames

// Host names and addresses as URLs spell them, brought into the one spelling that pooling, the address guard,
// connect(2) and certificate verification share. One parser for all of them: two that disagree about
// "0x7f.1" are how a guard is walked around.
//
// Names beyond ASCII become A-labels first (UTS #46), and what comes out is read like any other host: digits and dots
// of full width are an address like ordinary ones. A "%" is refused: RFC 3986 allows percent-encoded names and WHATWG
// URL decodes them, but most software takes them as they are, and then two disagree about a host.

extension ByteSet {
  /// What a host name may hold after lower-casing. The underscore is in no host name by RFC 952, but in many on
  /// the web; everything else WHATWG would let through (`!`, `*`, `~`, ...) has no use and some danger.
  static let hostText = ByteSet("abcdefghijklmnopqrstuvwxyz0123456789-_.")
}

/// A host of an option, such as HOST1 of `--connect-to HOST1:PORT1:HOST2:PORT2`, in the spelling that `HTTPURL.host`
/// has. An IPv6 address may stand in brackets or without.
package func canonicalHost(_ text: [UInt8]) throws(URLProblem) -> (host: [UInt8], kind: HTTPURL.HostKind) {
  var host = text
  if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") {
    host.removeFirst()
    host.removeLast()
  }
  guard host.count < text.count || host.contains(UInt8(ascii: ":")) else {
    let kind = try normaliseHost(&host)
    return (host, kind)
  }
  guard let pieces = parseIPv6(host.span) else { throw .invalidIPv6 }
  host.reset()
  appendIPv6(pieces, to: &host)
  return (host, .ipv6)
}

/// Brings a host that is no bracketed literal into its canonical spelling, in place: a lower-case name in A-labels,
/// or dotted decimal if it is an IPv4 address in any spelling (WHATWG URL, host parsing).
///
/// A name keeps its trailing dot. Hyphens at the ends of labels are accepted: such names are in use.
func normaliseHost(_ host: inout [UInt8]) throws(URLProblem) -> HTTPURL.HostKind {
  guard !host.isEmpty else { throw .emptyHost }
  let set = ByteSet.hostText
  var labelStart = 0
  for index in 0..<host.count {
    var byte = host[index]
    if !set.contains(byte) {
      guard byte < 0x80 else {
        host = try convertToASCII(host)
        return try normaliseHost(&host)
      }
      guard byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") else { throw .invalidHost }
      byte |= 0x20
      host[index] = byte
    }
    if byte == UInt8(ascii: ".") {
      try checkLabel(host, labelStart..<index)
      labelStart = index + 1
    }
  }
  // With a trailing dot the last label is the one before it.
  let hasTrailingDot = labelStart == host.count
  let nameEnd = hasTrailingDot ? host.count - 1 : host.count
  if hasTrailingDot {
    labelStart = (host[..<nameEnd].lastIndex(of: UInt8(ascii: ".")) ?? -1) + 1
  } else {
    try checkLabel(host, labelStart..<nameEnd)
  }
  if endsInNumber(host[labelStart..<nameEnd]) {
    guard let address = parseIPv4(host[..<nameEnd]) else { throw .invalidIPv4 }
    host.reset()
    appendIPv4(address, to: &host)
    return .ipv4
  }
  guard nameEnd <= maximumNameBytes else { throw .hostTooLong }
  return .name
}

/// The host without characters beyond ASCII; not yet normalised otherwise.
///
/// Labels that are ASCII stay out of it: the rules for the others forbid what is in use among these, such as "r3---a".
private func convertToASCII(_ host: [UInt8]) throws(URLProblem) -> [UInt8] {
  // Each character becomes one byte or more and has at most four, so this is no valid name for its length; and it
  // bounds what a conversion costs.
  guard host.count <= 4 * (maximumNameBytes + 1) else { throw .hostTooLong }
  // They come out as they go in, but for upper case.
  let allowed = ByteSet.hostText
  guard host.allSatisfy({ $0 >= 0x80 || allowed.contains($0) || ByteSet.letters.contains($0) }) else {
    throw .invalidHost
  }
  let pieces = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
  var converted: [UInt8] = []
  for (index, piece) in pieces.enumerated() {
    if index > 0 { converted.append(UInt8(ascii: ".")) }
    guard piece.contains(where: { $0 >= 0x80 }) else {
      converted += piece
      continue
    }
    do throws(InternationalNameProblem) { converted += try asciiName(of: Array(piece)) } catch {
      throw URLProblem(error)
    }
  }
  return converted
}

extension URLProblem {
  fileprivate init(_ problem: InternationalNameProblem) {
    switch problem {
    case .notUTF8: self = .hostNotUTF8
    case .invalidALabel: self = .invalidALabel
    case .invalidCharacter: self = .invalidInternationalHost
    case .labelTooLong: self = .labelTooLong
    case .nameTooLong: self = .hostTooLong
    }
  }
}

/// Whether a label in lower case that begins with "xn--" is the A-label of something.
@inline(never)
private func isALabel(_ label: ArraySlice<UInt8>) -> Bool {
  do throws(InternationalNameProblem) { return try asciiName(of: Array(label)).elementsEqual(label) } catch {
    return false
  }
}

/// RFC 1035 section 2.3.4, without the root's dot.
private let maximumNameBytes = 253

/// RFC 1035 section 2.3.4 for the length, RFC 5890 section 2.3.2.1 for an A-label.
@inline(__always)
private func checkLabel(_ host: [UInt8], _ range: Range<Int>) throws(URLProblem) {
  guard !range.isEmpty else { throw .emptyLabel }
  guard range.count <= 63 else { throw .labelTooLong }
  let start = range.lowerBound
  if range.count >= 4, host[start] == UInt8(ascii: "x"), host[start + 1] == UInt8(ascii: "n"),
    host[start + 2] == UInt8(ascii: "-"), host[start + 3] == UInt8(ascii: "-")
  {
    guard range.count > 4, host[range.upperBound - 1] != UInt8(ascii: "-"),
      !host[range].contains(UInt8(ascii: "_")), isALabel(host[range])
    else { throw .invalidALabel }
  }
}

/// WHATWG URL "ends in a number": such a host is an IPv4 address or nothing, never a name.
private func endsInNumber(_ label: ArraySlice<UInt8>) -> Bool {
  // Every number begins with a digit.
  guard let first = label.first, ByteSet.digits.contains(first) else { return false }
  return label.allSatisfy(ByteSet.digits.contains) || parseIPv4Number(label) != nil
}

/// One to four parts, each decimal, octal (leading 0) or hexadecimal (leading 0x); the last fills the rest
/// (WHATWG URL "IPv4 parser").
private func parseIPv4(_ text: ArraySlice<UInt8>) -> UInt32? {
  let parts = text.split(separator: UInt8(ascii: "."), maxSplits: 4, omittingEmptySubsequences: false)
  guard parts.count <= 4 else { return nil }
  var address: UInt64 = 0
  for (index, part) in parts.enumerated() {
    guard let number = parseIPv4Number(part) else { return nil }
    if index < parts.count - 1 {
      guard number <= 255 else { return nil }
      address |= number << UInt64(24 - 8 * index)
    } else {
      guard number < 1 << UInt64(32 - 8 * index) else { return nil }
      address |= number
    }
  }
  return UInt32(address)
}

/// nil if the text is no number. Numbers over 32 bits come out as some number over 32 bits.
private func parseIPv4Number(_ text: ArraySlice<UInt8>) -> UInt64? {
  guard let first = text.first else { return nil }
  var digits = text
  var radix: UInt64 = 10
  if first == UInt8(ascii: "0"), text.count >= 2 {
    digits = digits.dropFirst()
    radix = 8
    if digits.first == UInt8(ascii: "x") {
      digits = digits.dropFirst()
      radix = 16
    }
  }
  var number: UInt64 = 0
  for byte in digits {
    guard let digit = hexadecimalValue(byte), digit < radix else { return nil }
    number = min(number * radix + UInt64(digit), 1 << 40)
  }
  return number
}

private func appendIPv4(_ address: UInt32, to text: inout [UInt8]) {
  for shift in [24, 16, 8, 0] as [UInt32] {
    text.append(decimal: address >> shift & 255)
    if shift > 0 { text.append(UInt8(ascii: ".")) }
  }
}

/// The eight pieces of an IPv6 address (RFC 4291 section 2.2, WHATWG URL "IPv6 parser"); nil if the text is none.
/// A zone identifier (RFC 6874) makes it none: it means something only on the machine that wrote it.
func parseIPv6(_ text: Span<UInt8>) -> SIMD8<UInt16>? {
  let colon = UInt8(ascii: ":")
  var pieces = SIMD8<UInt16>()
  var count = 0
  var gap: Int?
  var index = 0
  if text.count > 0, text[0] == colon {
    guard text.count > 1, text[1] == colon else { return nil }
    index = 2
    gap = 0
  }
  while index < text.count {
    guard count < 8 else { return nil }
    if text[index] == colon {
      guard gap == nil else { return nil }
      gap = count
      index += 1
      continue
    }
    let start = index
    var value: UInt16 = 0
    while index < text.count, index < start + 4, let digit = hexadecimalValue(text[index]) {
      value = value << 4 | UInt16(digit)
      index += 1
    }
    if index < text.count, text[index] == UInt8(ascii: ".") {
      guard count <= 6, let embedded = parseDottedDecimal(text, from: start) else { return nil }
      pieces[count] = UInt16(embedded >> 16)
      pieces[count + 1] = UInt16(embedded & 0xFFFF)
      count += 2
      break
    }
    guard index > start else { return nil }
    pieces[count] = value
    count += 1
    if index < text.count {
      guard text[index] == colon, index + 1 < text.count else { return nil }
      index += 1
    }
  }
  guard let gap else { return count == 8 ? pieces : nil }
  // "::" stands for one piece of zeros or more.
  guard count < 8 else { return nil }
  var expanded = SIMD8<UInt16>()
  for piece in 0..<gap { expanded[piece] = pieces[piece] }
  for piece in gap..<count { expanded[8 - count + piece] = pieces[piece] }
  return expanded
}

/// The strict form of four decimal numbers that may end an IPv6 address; it must reach the text's end.
private func parseDottedDecimal(_ text: Span<UInt8>, from start: Int) -> UInt32? {
  var address: UInt32 = 0
  var index = start
  for part in 0..<4 {
    if part > 0 {
      guard index < text.count, text[index] == UInt8(ascii: ".") else { return nil }
      index += 1
    }
    let end = ByteSet.digits.firstNonMember(in: text, index..<min(text.count, index + 3))
    guard end > index, end == index + 1 || text[index] != UInt8(ascii: "0") else { return nil }
    var value: UInt32 = 0
    while index < end {
      value = value * 10 + UInt32(text[index] - UInt8(ascii: "0"))
      index += 1
    }
    guard value <= 255 else { return nil }
    address = address << 8 | value
  }
  return index == text.count ? address : nil
}

/// RFC 5952 section 4: lower case, no leading zeros, the first longest run of two zero pieces or more as "::".
/// IPv4-mapped addresses are written in hexadecimal like the rest, as in WHATWG URL: one spelling, one origin.
func appendIPv6(_ pieces: SIMD8<UInt16>, to text: inout [UInt8]) {
  var gap = 0..<0
  var start = 0
  while start < 8 {
    var end = start
    while end < 8, pieces[end] == 0 { end += 1 }
    if end - start >= 2, end - start > gap.count { gap = start..<end }
    start = max(end, start + 1)
  }
  var piece = 0
  while piece < 8 {
    if !gap.isEmpty, piece == gap.lowerBound {
      text.append("::")
      piece = gap.upperBound
      continue
    }
    if piece > 0, piece != gap.upperBound || gap.isEmpty { text.append(UInt8(ascii: ":")) }
    var shift = 12
    while shift > 0, pieces[piece] >> UInt16(shift) == 0 { shift -= 4 }
    while shift >= 0 {
      text.append(lowerHexadecimalDigit(UInt8(pieces[piece] >> UInt16(shift) & 15)))
      shift -= 4
    }
    piece += 1
  }
}

private func lowerHexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
