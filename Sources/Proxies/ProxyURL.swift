package import FetchModel

/// A proxy as `--proxy` and the variables of the environment name it, read as curl reads it:
/// `[scheme://][user[:password]@]host[:port]`.
///
/// Without a scheme it is an HTTP proxy, without a port the port is 1080, whatever the scheme; user and password are
/// percent-decoded; a path, a query and a fragment mean nothing.
package struct ProxyURL: Equatable, Sendable {
  package let server: ProxyServer

  /// curl's, for every kind of proxy.
  package static let defaultPort: UInt16 = 1080

  package init(_ text: [UInt8]) throws(ProxyURLProblem) {
    let (kind, start) = try Self.scheme(of: text)
    let end = text[start...].firstIndex {
      $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#")
    }
    let authority = text[start..<(end ?? text.endIndex)]
    guard !authority.contains(where: { $0 <= 0x20 || $0 == 0x7F || $0 == UInt8(ascii: "\\") }) else {
      throw .forbiddenCharacter
    }
    let at = authority.lastIndex(of: UInt8(ascii: "@"))
    // "http:/proxy.test" is no host "http" with an empty port.
    guard start > 0 || authority.last != UInt8(ascii: ":") else { throw .port }
    let (host, port) = try Self.endpoint(authority[(at.map { $0 + 1 } ?? start)...])
    var server = ProxyServer(kind, host: host, port: port)
    if let at { server.credentials = try ProxyServer.Credentials(escaped: authority[..<at], for: kind) }
    self.server = server
  }

  /// Gives the position behind the scheme, too.
  private static func scheme(of text: [UInt8]) throws(ProxyURLProblem) -> (ProxyServer.Kind, Int) {
    let mark = Array("://".utf8)
    guard let end = text.indices.first(where: { text[$0...].starts(with: mark) }) else { return (.http, 0) }
    let scheme = text[..<end]
    let start = end + mark.count
    if equalsIgnoringCase(scheme, "http") { return (.http, start) }
    if equalsIgnoringCase(scheme, "socks5") { return (.socks5, start) }
    if equalsIgnoringCase(scheme, "socks5h") { return (.socks5h, start) }
    throw .unsupportedScheme
  }

  private static func endpoint(_ text: ArraySlice<UInt8>) throws(ProxyURLProblem) -> ([UInt8], UInt16) {
    var hostEnd = text.endIndex
    if text.first == UInt8(ascii: "[") {
      guard let bracket = text.firstIndex(of: UInt8(ascii: "]")) else { throw .host(.invalidIPv6) }
      hostEnd = bracket + 1
      guard hostEnd == text.endIndex || text[hostEnd] == UInt8(ascii: ":") else { throw .host(.invalidHost) }
    } else if let colon = text.firstIndex(of: UInt8(ascii: ":")) {
      hostEnd = colon
      guard !text[(colon + 1)...].contains(UInt8(ascii: ":")) else { throw .addressWithoutBrackets }
    }
    let host: [UInt8]
    do throws(URLProblem) { host = try canonicalHost(Array(text[..<hostEnd])).host } catch { throw .host(error) }
    // As in other URLs, a colon without digits is none.
    let digits = text[hostEnd...].dropFirst()
    return (host, digits.isEmpty ? defaultPort : try port(digits))
  }

  private static func port(_ digits: ArraySlice<UInt8>) throws(ProxyURLProblem) -> UInt16 {
    var value: UInt32 = 0
    for digit in digits {
      guard UInt8(ascii: "0")...UInt8(ascii: "9") ~= digit else { throw .port }
      value = value * 10 + UInt32(digit - UInt8(ascii: "0"))
      guard value <= 65_535 else { throw .port }
    }
    guard value > 0 else { throw .port }
    return UInt16(value)
  }
}

extension ProxyServer.Credentials {
  /// `user[:password]`, both percent-encoded, as in a proxy's URL and in curl's `--proxy-user`.
  package init(escaped text: ArraySlice<UInt8>, for kind: ProxyServer.Kind) throws(ProxyURLProblem) {
    let colon = text.firstIndex(of: UInt8(ascii: ":"))
    let user = percentDecoded(text[..<(colon ?? text.endIndex)])
    let password = colon.map { percentDecoded(text[($0 + 1)...]) } ?? []
    guard !(user + password).contains(where: { $0 < 0x20 || $0 == 0x7F }) else { throw .controlInCredentials }
    switch kind {
    case .http:
      // The first colon is where Basic credentials are parted (RFC 7617 section 2).
      guard !user.contains(UInt8(ascii: ":")) else { throw .colonInUser }
    case .socks5, .socks5h:
      // RFC 1929 section 2 has a byte for each length. It asks for one byte at least, too, but servers do not.
      guard !user.isEmpty, user.count <= 255, password.count <= 255 else { throw .credentialsLength }
    }
    self.init(user: user, password: password)
  }
}

/// A percent sign that encodes nothing stays, as with curl.
private func percentDecoded(_ text: ArraySlice<UInt8>) -> [UInt8] {
  var bytes: [UInt8] = []
  var index = text.startIndex
  while index < text.endIndex {
    if text[index] == UInt8(ascii: "%"), index + 2 < text.endIndex, let high = hexadecimalDigit(text[index + 1]),
      let low = hexadecimalDigit(text[index + 2])
    {
      bytes.append(high << 4 | low)
      index += 3
    } else {
      bytes.append(text[index])
      index += 1
    }
  }
  return bytes
}

private func hexadecimalDigit(_ byte: UInt8) -> UInt8? {
  switch byte {
  case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
  case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
  case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
  default: nil
  }
}

/// Why a text names no proxy that can be used. Fixed texts, so that no password of a URL can appear in one.
package enum ProxyURLProblem: Error, Equatable, Sendable, CustomStringConvertible {
  case unsupportedScheme
  case forbiddenCharacter
  case addressWithoutBrackets
  case host(URLProblem)
  case port
  case controlInCredentials
  case colonInUser
  case credentialsLength

  package var description: String {
    switch self {
    case .unsupportedScheme: "the proxy's scheme is none of http://, socks5:// and socks5h://"
    case .forbiddenCharacter: "the proxy's URL holds a space, a control character or a backslash"
    case .addressWithoutBrackets: "the proxy's host holds a colon; an IPv6 address stands in brackets"
    case .host(let problem): "the proxy's host cannot be used: \(problem)"
    case .port: "the proxy's port is not a number from 1 to 65535"
    case .controlInCredentials: "the proxy's user or password holds a control character"
    case .colonInUser: "the user of an HTTP proxy holds a colon, which Basic authentication cannot carry"
    case .credentialsLength: "a SOCKS proxy takes a user of 1 to 255 bytes and a password of at most 255"
    }
  }
}
