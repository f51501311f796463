// Its headers bring those of sockets, which the Glibc module leaves out.
import CAres
import FetchModel
import Glibc
import PosixIO

/// From which address of this host others would be reached. To connect a datagram socket sends nothing and tells,
/// udp(7). Remembered for a while by network, because the neighbours of an address are reached like it.
struct SourceAddresses {
  private static let lifetime = Duration.seconds(10)
  private static let room = 4096

  private var known: [UInt64: SocketAddress?] = [:]
  private var forgetAt = Instant.zero

  /// The addresses in the order to be tried. Those of one IPv4 server keep their order: the rules say nothing of them.
  mutating func ordered(_ addresses: [SocketAddress], now: Instant) -> [SocketAddress] {
    guard addresses.count > 1, addresses.contains(where: { $0.family == .ipv6 }) else { return addresses }
    if now >= forgetAt || known.count >= Self.room {
      known = [:]
      forgetAt = now + Self.lifetime
    }
    return DestinationOrder.sorted(addresses.map { .init(address: $0, source: source(for: $0)) })
  }

  private mutating func source(for address: SocketAddress) -> SocketAddress? {
    let network = Self.network(of: address)
    if let source = known[network] { return source }
    let source = Self.findSource(for: address)
    known[network] = .some(source)
    return source
  }

  /// The first 64 bits of an IPv6 address, 24 of IPv4 (in a place that no IPv6 address has).
  private static func network(of address: SocketAddress) -> UInt64 {
    switch address.family {
    case .ipv4: address.address.prefix(3).reduce(0xFFFF) { $0 << 8 | UInt64($1) }
    case .ipv6: address.address.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
  }

  private static func findSource(for address: SocketAddress) -> SocketAddress? {
    let domain = address.family == .ipv4 ? AF_INET : AF_INET6
    let raw = socket(domain, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { return nil }
    let descriptor = Descriptor(owning: raw)
    guard connect(descriptor.rawValue, address) else { return nil }
    var entry = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &entry) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        getsockname(descriptor.rawValue, pointer, &length) == 0 ? SocketAddress(pointer, port: 0) : nil
      }
    }
  }

  private static func connect(_ descriptor: Int32, _ address: SocketAddress) -> Bool {
    // Any port will do.
    let port = in_port_t(53).bigEndian
    switch address.family {
    case .ipv4:
      var entry = sockaddr_in()
      entry.sin_family = sa_family_t(AF_INET)
      entry.sin_port = port
      withUnsafeMutableBytes(of: &entry.sin_addr) { $0.copyBytes(from: address.address) }
      return connect(descriptor, &entry, MemoryLayout<sockaddr_in>.size)
    case .ipv6:
      var entry = sockaddr_in6()
      entry.sin6_family = sa_family_t(AF_INET6)
      entry.sin6_port = port
      withUnsafeMutableBytes(of: &entry.sin6_addr) { $0.copyBytes(from: address.address) }
      return connect(descriptor, &entry, MemoryLayout<sockaddr_in6>.size)
    }
  }

  private static func connect<Entry>(_ descriptor: Int32, _ entry: inout Entry, _ size: Int) -> Bool {
    withUnsafePointer(to: &entry) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(size)) == 0
      }
    }
  }
}
