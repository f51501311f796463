package import PosixIO

/// In which order the addresses of a name are tried: RFC 6724 section 6, then families in turns (RFC 8305 section 4).
///
/// Rules 3, 4 and 7 (deprecated, home and native addresses) are left out: the system does not tell.
package enum DestinationOrder {
  package struct Candidate: Equatable, Sendable {
    package let address: SocketAddress
    /// From where it would be reached; nil if it cannot be.
    package let source: SocketAddress?

    package init(address: SocketAddress, source: SocketAddress?) {
      self.address = address
      self.source = source
    }
  }

  /// Sorted and interleaved; those that cannot be reached come last.
  package static func sorted(_ candidates: [Candidate]) -> [SocketAddress] {
    let ranked = candidates.enumerated().map { Ranked($0.element, place: $0.offset) }.sorted()
    let usable = ranked.prefix { $0.isUsable }
    return interleaved(usable.map(\.address)) + interleaved(ranked[usable.endIndex...].map(\.address))
  }

  /// One address of the first family, one of the other, and so on (First Address Family Count is 1).
  static func interleaved(_ addresses: [SocketAddress]) -> [SocketAddress] {
    guard let first = addresses.first else { return [] }
    let own = addresses.filter { $0.family == first.family }
    let other = addresses.filter { $0.family != first.family }
    var result: [SocketAddress] = []
    result.reserveCapacity(addresses.count)
    for index in 0..<max(own.count, other.count) {
      if index < own.count { result.append(own[index]) }
      if index < other.count { result.append(other[index]) }
    }
    return result
  }

  /// A candidate with what the rules compare, each worked out once.
  private struct Ranked: Comparable {
    let address: SocketAddress
    let isUsable: Bool
    private let key: [Int]

    init(_ candidate: Candidate, place: Int) {
      address = candidate.address
      isUsable = candidate.source != nil
      let target = AddressTraits(candidate.address)
      let source = candidate.source.map(AddressTraits.init)
      // Smaller is better. Rule 9 never meets both families: one of an IPv4 and an IPv6 address has the higher
      // precedence already.
      key = [
        isUsable ? 0 : 1,  // rule 1
        source?.scope == target.scope ? 0 : 1,  // rule 2
        source?.label == target.label ? 0 : 1,  // rule 5
        -target.precedence,  // rule 6
        target.scope,  // rule 8
        candidate.source.map { -target.commonPrefix(with: AddressTraits($0)) } ?? 0,  // rule 9
        place,  // rule 10
      ]
    }

    static func < (left: Ranked, right: Ranked) -> Bool { left.key.lexicographicallyPrecedes(right.key) }
  }
}

/// What RFC 6724 knows about an address.
struct AddressTraits {
  let scope: Int
  let precedence: Int
  let label: Int
  private let bytes: [UInt8]
  private let isIPv4: Bool

  init(_ address: SocketAddress) {
    isIPv4 = address.family == .ipv4
    let bytes = address.family == .ipv4 ? Self.mapped + address.address : address.address
    self.bytes = bytes
    scope = Self.scope(bytes)
    let policy = Self.policies.first { bytes.begins(with: $0.prefix, bits: $0.bits) } ?? Self.everything
    precedence = policy.precedence
    label = policy.label
  }

  /// The leading bits in common, of IPv6 only; not beyond the prefix of the source (section 2.2), taken for 64.
  func commonPrefix(with source: AddressTraits) -> Int {
    guard !isIPv4, !source.isIPv4 else { return 0 }
    var count = 0
    for (left, right) in zip(bytes.prefix(8), source.bytes) {
      let difference = left ^ right
      count += difference.leadingZeroBitCount
      if difference != 0 { break }
    }
    return count
  }

  // The numbers of multicast scopes, RFC 4291 section 2.7.
  private static let linkLocal = 2
  private static let siteLocal = 5
  private static let global = 14

  /// Section 3.1, and 3.2 for IPv4: private addresses are global, loopback is link-local.
  private static func scope(_ bytes: [UInt8]) -> Int {
    if bytes.begins(with: mapped, bits: 96) {
      return bytes[12] == 127 || (bytes[12] == 169 && bytes[13] == 254) ? linkLocal : global
    }
    if bytes[0] == 0xFF { return Int(bytes[1] & 0x0F) }
    if bytes.begins(with: [0xFE, 0x80], bits: 10) || bytes.begins(with: loopback, bits: 128) { return linkLocal }
    return bytes.begins(with: [0xFE, 0xC0], bits: 10) ? siteLocal : global
  }

  private typealias Policy = (prefix: [UInt8], bits: Int, precedence: Int, label: Int)

  private static let loopback: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
  private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
  private static let everything: Policy = ([], 0, 40, 1)

  /// The default policy table of section 2.1, longest prefix first.
  private static let policies: [Policy] = [
    (loopback, 128, 50, 0),
    (mapped, 96, 35, 4),
    ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 96, 1, 3),
    ([0x20, 0x01, 0, 0], 32, 5, 5),
    ([0x20, 0x02], 16, 30, 2),
    ([0x3F, 0xFE], 16, 1, 12),
    ([0xFE, 0xC0], 10, 1, 11),
    ([0xFC], 7, 3, 13),
  ]
}

extension [UInt8] {
  /// Whether the first bits are those of `prefix`.
  fileprivate func begins(with prefix: [UInt8], bits: Int) -> Bool {
    guard count * 8 >= bits else { return false }
    for index in 0..<(bits / 8) where self[index] != prefix[index] { return false }
    let rest = bits % 8
    return rest == 0 || (self[bits / 8] ^ prefix[bits / 8]) >> UInt8(8 - rest) == 0
  }
}
