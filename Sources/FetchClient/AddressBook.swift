package import FetchModel
package import PosixIO

/// The job's rules about where connections go, applied before any name is resolved. Pure.
package struct AddressBook: Sendable {
  private let policy: AddressingPolicy

  package init(_ policy: AddressingPolicy) { self.policy = policy }

  /// Where to connect for an origin: `--connect-to`, first match wins. TLS and Host stay with the origin.
  package func destination(host: [UInt8], port: UInt16) -> (host: [UInt8], port: UInt16) {
    for rule in policy.connectToRules where matches(rule.host, rule.port, host, port) {
      return (rule.targetHost ?? host, rule.targetPort ?? port)
    }
    return (host, port)
  }

  /// Addresses that need no resolver: `--resolve`, a numeric host, or `localhost`, which is loopback whatever DNS
  /// says (RFC 6761 section 6.3). nil if the name has to be asked for; empty if no address has the family wanted.
  package func addresses(host: [UInt8], port: UInt16) -> [SocketAddress]? {
    for rule in policy.resolveRules where matches(rule.host, rule.port, host, port) {
      return rule.addresses.compactMap { SocketAddress(numeric: $0, port: port) }.filter(hasWantedFamily)
    }
    let text = String(decoding: host, as: UTF8.self)
    if let address = SocketAddress(numeric: text, port: port) { return [address].filter(hasWantedFamily) }
    if text == "localhost" || text.hasSuffix(".localhost") {
      return ["127.0.0.1", "::1"].compactMap { SocketAddress(numeric: $0, port: port) }.filter(hasWantedFamily)
    }
    return nil
  }

  package var family: UInt8 { policy.family.rawValue }

  private func hasWantedFamily(_ address: SocketAddress) -> Bool {
    switch policy.family {
    case .any: true
    case .ipv4: address.family == .ipv4
    case .ipv6: address.family == .ipv6
    }
  }

  private func matches(_ ruleHost: [UInt8]?, _ rulePort: UInt16?, _ host: [UInt8], _ port: UInt16) -> Bool {
    (ruleHost == nil || ruleHost == host) && (rulePort == nil || rulePort == port)
  }
}
