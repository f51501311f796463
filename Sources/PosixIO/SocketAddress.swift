package import Glibc

/// An IPv4 or IPv6 address with a port, as connect(2) takes it.
package struct SocketAddress: Hashable, Sendable {
  package enum Family: UInt8, Sendable { case ipv4 = 4, ipv6 = 6 }

  package let family: Family
  /// 4 or 16 bytes in network order.
  package let address: [UInt8]
  package var port: UInt16
  /// The interface of a link-local IPv6 address, else 0.
  package let scope: UInt32

  /// A numeric address without brackets; nil if it is none.
  package init?(numeric text: String, port: UInt16) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      family = .ipv4
      address = withUnsafeBytes(of: v4) { Array($0) }
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      family = .ipv6
      address = withUnsafeBytes(of: v6) { Array($0) }
    } else {
      return nil
    }
    self.port = port
    scope = 0
  }

  /// From 4 or 16 bytes in network order; nil for any other count.
  package init?(octets: some Collection<UInt8>, port: UInt16) {
    switch octets.count {
    case 4: family = .ipv4
    case 16: family = .ipv6
    default: return nil
    }
    address = Array(octets)
    self.port = port
    scope = 0
  }

  /// From what getaddrinfo(3) gives; nil for other families.
  package init?(_ pointer: UnsafePointer<sockaddr>, port: UInt16) {
    switch Int32(pointer.pointee.sa_family) {
    case AF_INET:
      family = .ipv4
      address = pointer.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { entry in
        withUnsafeBytes(of: entry.pointee.sin_addr) { Array($0) }
      }
      scope = 0
    case AF_INET6:
      family = .ipv6
      let (bytes, index) = pointer.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { entry in
        (withUnsafeBytes(of: entry.pointee.sin6_addr) { Array($0) }, entry.pointee.sin6_scope_id)
      }
      address = bytes
      scope = index
    default: return nil
    }
    self.port = port
  }

  /// The address without its port, in text.
  package var addressText: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer in
      guard let base = buffer.baseAddress else { return "" }
      let domain = family == .ipv4 ? AF_INET : AF_INET6
      guard address.withUnsafeBytes({ inet_ntop(domain, $0.baseAddress, base, socklen_t(buffer.count)) }) != nil
      else { return "" }
      return String(cString: base)
    }
  }

  /// "192.0.2.7:443" or "[2001:db8::1]:443".
  package var text: String { family == .ipv4 ? "\(addressText):\(port)" : "[\(addressText)]:\(port)" }

  func withSocketAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    switch family {
    case .ipv4:
      var entry = sockaddr_in()
      entry.sin_family = sa_family_t(AF_INET)
      entry.sin_port = port.bigEndian
      withUnsafeMutableBytes(of: &entry.sin_addr) { $0.copyBytes(from: address) }
      return withUnsafePointer(to: &entry) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .ipv6:
      var entry = sockaddr_in6()
      entry.sin6_family = sa_family_t(AF_INET6)
      entry.sin6_port = port.bigEndian
      entry.sin6_scope_id = scope
      withUnsafeMutableBytes(of: &entry.sin6_addr) { $0.copyBytes(from: address) }
      return withUnsafePointer(to: &entry) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
  }
}
