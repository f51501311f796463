// Scheme and authority: the part of a URL that coordinator and agent must read alike, and therefore read with this
// one function.

extension ByteSet {
  /// What ends an authority (RFC 3986 section 3.2). No backslash: browsers take it for a slash here, most other
  /// parsers do not, and "http://good\@evil/" lives off the difference. It is refused instead.
  static let authorityEnd = ByteSet("/?#")
  fileprivate static let notInUserinfo = ByteSet(" \\", controls: true)
  fileprivate static let schemeText = ByteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.")
}

/// The position of the colon that ends a scheme (RFC 3986 section 3.1); nil if the text does not begin with one.
func endOfScheme(_ bytes: Span<UInt8>) -> Int? {
  guard bytes.count > 0, ByteSet.letters.contains(bytes[0]) else { return nil }
  let end = ByteSet.schemeText.firstNonMember(in: bytes, 0..<bytes.count)
  return end < bytes.count && bytes[end] == UInt8(ascii: ":") ? end : nil
}

extension HTTPURL {
  /// Reads scheme and authority; gives the position at which path, query or fragment begins.
  mutating func readOrigin(_ bytes: Span<UInt8>) throws(URLProblem) -> Int {
    if let end = origin.end(in: bytes) { return end }
    origin.forget()
    let start = try readScheme(bytes)
    let end = try readAuthority(bytes, from: start)
    // Userinfo is forgotten before each URL, so it has to be read each time.
    if !storedUserinfo.isPresent { origin.remember(0..<end, of: bytes) }
    return end
  }

  /// Gives the position after "://". Two slashes are required: "http:/x" and "http:x" mean different things to
  /// different readers.
  private mutating func readScheme(_ bytes: Span<UInt8>) throws(URLProblem) -> Int {
    // Setting bit 5 makes a letter lower case and makes no other byte a lower-case letter of these.
    guard bytes.count >= 7, bytes[0] | 0x20 == UInt8(ascii: "h"), bytes[1] | 0x20 == UInt8(ascii: "t"),
      bytes[2] | 0x20 == UInt8(ascii: "t"), bytes[3] | 0x20 == UInt8(ascii: "p")
    else { throw problemOfScheme(bytes) }
    let isSecure = bytes[4] | 0x20 == UInt8(ascii: "s")
    let colon = isSecure ? 5 : 4
    guard bytes.count >= colon + 3, bytes[colon] == UInt8(ascii: ":"), bytes[colon + 1] == UInt8(ascii: "/"),
      bytes[colon + 2] == UInt8(ascii: "/")
    else { throw problemOfScheme(bytes) }
    scheme = isSecure ? .https : .http
    return colon + 3
  }

  /// "localhost:8080" has the form of a scheme, but whoever wrote it forgot one.
  private func problemOfScheme(_ bytes: Span<UInt8>) -> URLProblem {
    guard let end = endOfScheme(bytes) else { return .notAbsolute }
    if end + 1 < bytes.count, ByteSet.digits.contains(bytes[end + 1]) { return .notAbsolute }
    var name: [UInt8] = []
    name.append(0..<end, of: bytes)
    return equalsIgnoringCase(name, "http") || equalsIgnoringCase(name, "https") ? .notAbsolute : .unsupportedScheme
  }

  /// Reads an authority for the scheme that is set already; gives the position after it.
  mutating func readAuthority(_ bytes: Span<UInt8>, from start: Int) throws(URLProblem) -> Int {
    // Nearly always: a plain name in lower case and perhaps a port.
    let hostEnd = ByteSet.hostText.firstNonMember(in: bytes, start..<bytes.count)
    var end = hostEnd
    if end < bytes.count, bytes[end] == UInt8(ascii: ":") {
      end = ByteSet.digits.firstNonMember(in: bytes, end + 1..<bytes.count)
    }
    guard end == bytes.count || ByteSet.authorityEnd.contains(bytes[end]) else {
      return try readUnusualAuthority(bytes, from: start)
    }
    try readHost(bytes, start..<hostEnd)
    try readPort(bytes, hostEnd..<end)
    return end
  }

  private mutating func readUnusualAuthority(_ bytes: Span<UInt8>, from start: Int) throws(URLProblem) -> Int {
    let end = ByteSet.authorityEnd.firstMember(in: bytes, start..<bytes.count)
    var hostStart = end
    while hostStart > start, bytes[hostStart - 1] != UInt8(ascii: "@") { hostStart -= 1 }
    if hostStart > start {
      let userinfo = start..<hostStart - 1
      guard ByteSet.notInUserinfo.firstMember(in: bytes, userinfo) == userinfo.upperBound else {
        throw .invalidUserinfo
      }
      storedUserinfo.set { $0.append(userinfo, of: bytes) }
    }
    var hostEnd: Int
    if hostStart < end, bytes[hostStart] == UInt8(ascii: "[") {
      hostEnd = ByteSet("]").firstMember(in: bytes, hostStart..<end)
      guard hostEnd < end, let pieces = parseIPv6(bytes.extracting(hostStart + 1..<hostEnd)) else {
        throw .invalidIPv6
      }
      hostEnd += 1
      host.reset()
      appendIPv6(pieces, to: &host)
      hostKind = .ipv6
      guard hostEnd == end || bytes[hostEnd] == UInt8(ascii: ":") else { throw .invalidHost }
    } else {
      hostEnd = ByteSet(":").firstMember(in: bytes, hostStart..<end)
      try readHost(bytes, hostStart..<hostEnd)
    }
    try readPort(bytes, hostEnd..<end)
    return end
  }

  private mutating func readHost(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(URLProblem) {
    host.reset()
    host.append(range, of: bytes)
    hostKind = try normaliseHost(&host)
  }

  /// Reads a port with its colon. None, or a colon without digits, means the default (RFC 3986 section 6.2.3).
  private mutating func readPort(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(URLProblem) {
    guard range.count > 1 else {
      port = scheme.defaultPort
      return
    }
    var value: UInt32 = 0
    for index in range.dropFirst() {
      let byte = bytes[index]
      guard ByteSet.digits.contains(byte) else { throw .invalidPort }
      value = value * 10 + UInt32(byte - UInt8(ascii: "0"))
      guard value <= 65535 else { throw .invalidPort }
    }
    guard value > 0 else { throw .invalidPort }
    port = UInt16(value)
  }
}
