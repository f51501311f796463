/// The schemes that can be fetched (RFC 9110 section 4.2).
package enum Scheme: UInt8, Sendable {
  case http = 0
  case https = 1

  /// The port of a URL that names none.
  package var defaultPort: UInt16 {
    switch self {
    case .http: 80
    case .https: 443
    }
  }

  /// The scheme as a URL spells it.
  package var name: StaticString {
    switch self {
    case .http: "http"
    case .https: "https"
    }
  }
}

/// An absolute http or https URL in the parts that a request needs, each already in its canonical spelling.
///
/// A value is meant to be kept and parsed into again and again: once its arrays have grown, parsing a URL allocates
/// nothing. Before the first parse, and after one that failed, the host is empty.
///
/// Two URLs are equal if all parts are, fragment and userinfo included.
package struct HTTPURL: Equatable, Sendable {
  /// What the host is.
  package enum HostKind: UInt8, Sendable { case name, ipv4, ipv6 }

  package internal(set) var scheme = Scheme.http
  package internal(set) var hostKind = HostKind.name
  /// The port to connect to; the scheme's default if the URL names none.
  package internal(set) var port: UInt16 = 80
  /// A name in lower case (A-labels for what is not ASCII), an IPv4 address in dotted decimal whatever its spelling in
  /// the URL, or an IPv6 address in the spelling of RFC 5952, without brackets.
  ///
  /// A name keeps a trailing dot: "foo.test." goes into Host as it is, is looked up without search list, and is
  /// another origin than "foo.test" (as in WHATWG URL), so credentials do not pass between them. Names for SNI and
  /// certificate verification carry no dot: use `tlsName` for these.
  package internal(set) var host: [UInt8] = []
  /// The request target in origin form (RFC 9112 section 3.2.1): the path, "/" if the URL has none, and the query
  /// with its "?" if the URL has one, even an empty one.
  ///
  /// Bytes of the WHATWG path and special-query percent-encode sets, a backslash in the path, and everything from 0x80
  /// are percent-encoded; what is percent-encoded already, and a "%" that encodes nothing, stays. Literal dot segments
  /// are gone (RFC 3986 section 5.2.4); "%2e" is no dot.
  package internal(set) var target: [UInt8] = [UInt8(ascii: "/")]
  var storedFragment = OptionalBytes()
  var storedUserinfo = OptionalBytes()
  var origin = WrittenOrigin()

  /// What follows "#", as it was written; only ever kept for the sake of redirects (RFC 9110 section 10.2.2).
  package var fragment: [UInt8]? { storedFragment.value }
  /// What stands before the last "@" of the authority, as it was written. In no other part and in no text that
  /// this type makes (RFC 9110 section 4.2.4): it may be a password.
  package var userinfo: [UInt8]? { storedUserinfo.value }

  /// The longest URL that is accepted, and the longest canonical text that may come out of it.
  package static let maximumBytes = 1 << 16

  /// A value to parse into.
  package init() {}

  /// The host without trailing dot: what SNI carries and a certificate is checked against (RFC 6066 section 3).
  /// Of an address it is the address's text, which must not go into SNI.
  package var tlsName: [UInt8] {
    hostKind == .name && host.last == UInt8(ascii: ".") ? Array(host.dropLast()) : host
  }

  /// Whether scheme, host and port are the same (RFC 6454 section 5).
  package func isSameOrigin(as other: HTTPURL) -> Bool {
    scheme == other.scheme && port == other.port && host == other.host
  }

  /// Appends the Host field's value (RFC 9110 section 7.2): brackets around IPv6, no default port.
  package func appendHostField(to bytes: inout [UInt8]) {
    appendHost(to: &bytes)
    if port != scheme.defaultPort { appendPort(to: &bytes) }
  }

  /// Appends the canonical text of the origin, like "https://[::1]:443": the port is always there.
  package func appendOriginKey(to bytes: inout [UInt8]) {
    appendScheme(to: &bytes)
    appendHost(to: &bytes)
    appendPort(to: &bytes)
  }

  /// Appends the URL in its canonical spelling, without userinfo. The fragment stays as it was written.
  package func appendText(to bytes: inout [UInt8], includingFragment: Bool) {
    appendScheme(to: &bytes)
    appendHostField(to: &bytes)
    bytes.append(contentsOf: target)
    if includingFragment, storedFragment.isPresent {
      bytes.append(UInt8(ascii: "#"))
      bytes.append(contentsOf: storedFragment.bytes)
    }
  }

  private func appendScheme(to bytes: inout [UInt8]) {
    bytes.append(scheme.name)
    bytes.append("://")
  }

  private func appendHost(to bytes: inout [UInt8]) {
    if hostKind == .ipv6 { bytes.append(UInt8(ascii: "[")) }
    bytes.append(contentsOf: host)
    if hostKind == .ipv6 { bytes.append(UInt8(ascii: "]")) }
  }

  private func appendPort(to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: ":"))
    bytes.append(decimal: UInt32(port))
  }
}

/// Scheme and authority of a URL as they were written, while the parts in the value are what they say. Lists have
/// long runs of one origin, and to compare these bytes costs a tenth of reading them.
struct WrittenOrigin: Equatable, Sendable {
  /// Empty if nothing is known.
  private var bytes: [UInt8] = []

  /// Says nothing about the URL.
  static func == (_: WrittenOrigin, _: WrittenOrigin) -> Bool { true }

  mutating func forget() { bytes.reset() }

  mutating func remember(_ written: Range<Int>, of url: Span<UInt8>) { bytes.append(written, of: url) }

  /// Where path, query or fragment of `url` begins if it has this origin, spelled the same.
  func end(in url: Span<UInt8>) -> Int? {
    let end = bytes.count
    guard end > 0, url.count >= end, url.count == end || ByteSet.authorityEnd.contains(url[end]) else { return nil }
    return isPrefix(bytes, of: url) ? end : nil
  }
}
