package import FetchModel

/// Where a tunnel through a proxy leads.
package struct TunnelTarget: Equatable, Sendable {
  package enum Host: Equatable, Sendable {
    /// Looked up by the proxy.
    case name([UInt8])
    /// 4 or 16 bytes in network order.
    case address([UInt8])
  }

  package let host: Host
  package let port: UInt16

  /// A host in the spelling of URLs' hosts. One that is an address is given to the proxy as such.
  package init(host: [UInt8], _ kind: HTTPURL.HostKind, port: UInt16) {
    if let address = addressOctets(ofHost: host, kind) {
      self.host = .address(address)
    } else {
      // What a URL can have for a host fits into what SOCKS can carry.
      precondition(!host.isEmpty && host.count <= 255, "a name has 1 to 255 bytes")
      self.host = .name(host)
    }
    self.port = port
  }

  /// 4 or 16 bytes in network order.
  package init(address: [UInt8], port: UInt16) {
    precondition(address.count == 4 || address.count == 16, "an address has 4 or 16 bytes")
    host = .address(address)
    self.port = port
  }

  /// The host and always the port, as in the request target of CONNECT (RFC 9112 section 3.2.3).
  package var authority: [UInt8] {
    var text: [UInt8] = []
    switch host {
    case .name(let name): text += name
    case .address(let octets): appendAuthorityHost(ofAddress: octets, to: &text)
    }
    return text + [UInt8(ascii: ":")] + Array(String(port).utf8)
  }
}
