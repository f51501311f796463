/// status-line = HTTP-version SP status-code SP [ reason-phrase ] (RFC 9112 section 4).
struct StatusLine: Equatable, Sendable {
  var status = 0
  var minorVersion = 1
  var reason = 0..<0

  private static let prefix: StaticString = "HTTP/1."

  /// Refuses a line as soon as it cannot become a status line any more, so that a peer that talks something
  /// else is told from one that was cut short, and a long text without line end is not stored first.
  static func check(prefixOf line: UnsafePointer<UInt8>, count: Int) throws(ResponseError) {
    for index in 0..<min(count, prefix.utf8CodeUnitCount) where line[index] != prefix.utf8Start[index] {
      throw .malformed(.statusLine)
    }
  }

  init() {}

  /// Reads the line `start ..< end` (without its CR LF), whose prefix has been checked already.
  init(_ bytes: UnsafePointer<UInt8>, from start: Int, to end: Int) throws(ResponseError) {
    let version = start + Self.prefix.utf8CodeUnitCount
    guard version + 1 < end, Octet.isDigit(bytes[version]), bytes[version + 1] == Octet.space else {
      throw .malformed(.statusLine)
    }
    minorVersion = bytes[version] == UInt8(ascii: "0") ? 0 : 1

    let code = version + 2
    guard code + 3 <= end, Octet.isDigit(bytes[code]), Octet.isDigit(bytes[code + 1]), Octet.isDigit(bytes[code + 2])
    else { throw .malformed(.statusCode) }
    let zero = Int(UInt8(ascii: "0"))
    status = (Int(bytes[code]) - zero) * 100 + (Int(bytes[code + 1]) - zero) * 10 + Int(bytes[code + 2]) - zero

    // The SP after the code is left out by many servers that send no reason.
    guard code + 3 == end || bytes[code + 3] == Octet.space else { throw .malformed(.statusCode) }
    guard Policy.statusCodes.contains(status) else { throw .malformed(.statusOutOfRange) }

    reason = min(code + 4, end)..<end
    for index in reason where !Octet.isText(bytes[index]) { throw .malformed(.controlInReason) }
  }
}
