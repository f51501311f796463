package import FetchModel
package import PosixIO

/// The job's rules about where connections go, applied before any name is resolved. Pure.
package struct AddressBook: Sendable {
  /// What a `--resolve` is for; nil is any.
  private struct Place: Hashable {
    let host: [UInt8]?
    let port: UInt16?
  }

  private let policy: AddressingPolicy
  /// Of the family wanted, their port to be filled in.
  private let fixed: [Place: [SocketAddress]]

  package init(_ policy: AddressingPolicy) {
    self.policy = policy
    var fixed: [Place: [SocketAddress]] = [:]
    // As with curl, a later one replaces an earlier one.
    for rule in policy.resolveRules {
      fixed[Place(host: rule.host.map(Self.withoutDot), port: rule.port)] =
        rule.addresses.compactMap { SocketAddress(numeric: $0, port: 0) }.filter { Self.isOf(policy.family, $0) }
    }
    self.fixed = fixed
  }

  /// Where to connect for an origin: `--connect-to`, first match wins. TLS and Host stay with the origin.
  package func destination(host: [UInt8], port: UInt16) -> (host: [UInt8], port: UInt16) {
    let name = Self.withoutDot(host)
    for rule in policy.connectToRules
    where (rule.host == nil || rule.host.map(Self.withoutDot) == name) && (rule.port == nil || rule.port == port) {
      return (rule.targetHost ?? host, rule.targetPort ?? port)
    }
    return (host, port)
  }

  /// Addresses that need no resolver: `--resolve`, a numeric host, or `localhost`, which is loopback whatever DNS
  /// says (RFC 6761 section 6.3). nil if the name has to be asked for; empty if no address has the family wanted.
  package func addresses(host: [UInt8], port: UInt16) -> [SocketAddress]? {
    let host = Self.withoutDot(host)
    if let fixed = fixedAddresses(host: host, port: port) {
      return fixed.map { address in
        var address = address
        address.port = port
        return address
      }
    }
    let text = String(decoding: host, as: UTF8.self)
    if let address = SocketAddress(numeric: text, port: port) { return [address].filter(hasWantedFamily) }
    if text == "localhost" || text.hasSuffix(".localhost") {
      return ["127.0.0.1", "::1"].compactMap { SocketAddress(numeric: $0, port: port) }.filter(hasWantedFamily)
    }
    return nil
  }

  /// Whether no name server has to be asked to know that there is no such name (RFC 6761 section 6.4).
  package static func isInvalid(_ host: [UInt8]) -> Bool {
    let name = String(decoding: withoutDot(host), as: UTF8.self)
    return name == "invalid" || name.hasSuffix(".invalid")
  }

  /// The rule that says most, as with curl: one for the host goes before one for any.
  private func fixedAddresses(host: [UInt8], port: UInt16) -> [SocketAddress]? {
    guard !fixed.isEmpty else { return nil }
    return fixed[Place(host: host, port: port)] ?? fixed[Place(host: host, port: nil)]
      ?? fixed[Place(host: nil, port: port)] ?? fixed[Place(host: nil, port: nil)]
  }

  /// With a dot at the end it is the same name.
  private static func withoutDot(_ host: [UInt8]) -> [UInt8] {
    host.last == UInt8(ascii: ".") ? Array(host.dropLast()) : host
  }

  package var family: UInt8 { policy.family.rawValue }

  private func hasWantedFamily(_ address: SocketAddress) -> Bool { Self.isOf(policy.family, address) }

  private static func isOf(_ family: AddressingPolicy.Family, _ address: SocketAddress) -> Bool {
    switch family {
    case .any: true
    case .ipv4: address.family == .ipv4
    case .ipv6: address.family == .ipv6
    }
  }
}
