// How a server speaks TLS, good and bad. Pure.

/// A protocol version; raw values are those of the command line.
package enum TLSVersion: String, CaseIterable, Comparable, Sendable {
  case tls10 = "1.0"
  case tls11 = "1.1"
  case tls12 = "1.2"
  case tls13 = "1.3"

  package static func < (left: TLSVersion, right: TLSVersion) -> Bool { left.rawValue < right.rawValue }
}

/// What a server offers and demands.
package struct ServerPolicy: Sendable {
  package enum ApplicationProtocol: Sendable {
    /// http/1.1 if it is offered, an alert if others are.
    case http11
    /// h2, whether it was offered or not.
    case other
    /// None, whatever is offered.
    case ignored
  }

  /// A group for ephemeral Diffie-Hellman.
  package enum Group: Sendable {
    case automatic
    /// A prime of so many bits.
    case prime(bits: Int)
    /// As long as a good one, but no prime.
    case composite(bits: Int)
  }

  package var lowest = TLSVersion.tls12
  package var highest = TLSVersion.tls13
  /// For TLS 1.2 and below, in the notation of openssl-ciphers(1); nil for OpenSSL's own choice.
  package var ciphers: String?
  package var group: Group?
  package var applicationProtocol = ApplicationProtocol.http11
  package var demandsCertificate = false
  /// Tickets after a full handshake of TLS 1.3; nil for OpenSSL's own number.
  package var tickets: Int?
  /// Whether everything goes that OpenSSL is able to do: weak keys, digests and ciphers.
  package var isWeak = false

  package init() {}

  package init(highest: TLSVersion) {
    self.highest = highest
    lowest = min(.tls12, highest)
    // Below 1.2 handshakes are signed over MD5 and SHA-1.
    isWeak = highest < .tls12
  }
}
