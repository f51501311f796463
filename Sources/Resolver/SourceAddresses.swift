import FetchModel
import PosixIO

/// From which address of this host others would be reached. Remembered for a while by network, because the neighbours
/// of an address are reached like it.
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
    // Any port will do, but for 0.
    var target = address
    target.port = 53
    return try? StreamSocket.source(towards: target)
  }
}
