import PosixIO
import Resolver
import Testing

/// RFC 6724 section 10.2 has most of these examples.
@Suite struct DestinationOrderTests {
  private static func address(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(numeric: text, port: 0) else { preconditionFailure("\(text) is no address") }
    return address
  }

  /// Pairs of destination and source; "" for a destination that cannot be reached.
  private static func sorted(_ pairs: [(String, String)]) -> [String] {
    DestinationOrder.sorted(
      pairs.map { .init(address: address($0.0), source: $0.1.isEmpty ? nil : address($0.1)) }
    ).map(\.addressText)
  }

  /// The order does not depend on that of the input.
  private static func expect(_ pairs: [(String, String)], sourceLocation: SourceLocation = #_sourceLocation) {
    let order = pairs.map(\.0)
    #expect(sorted(pairs) == order, sourceLocation: sourceLocation)
    #expect(sorted(pairs.reversed()) == order, sourceLocation: sourceLocation)
  }

  @Test func `what cannot be reached comes last`() {
    Self.expect([("198.51.100.121", "198.51.100.117"), ("2001:db8:1::1", "")])
    Self.expect([("2001:db8:1::1", "2001:db8:1::2"), ("198.51.100.121", "")])
  }

  @Test func `a source of the same scope is preferred`() {
    Self.expect([("198.51.100.121", "198.51.100.117"), ("2001:db8:1::1", "fe80::1")])
    Self.expect([("2001:db8:1::1", "2001:db8:1::2"), ("198.51.100.121", "169.254.13.78")])
  }

  @Test func `a source with the same label is preferred`() {
    Self.expect([("2002:c633:6401::1", "2002:c633:6401::2"), ("2001:db8:1::1", "2002:c633:6401::2")])
    Self.expect([("198.51.100.1", "198.51.100.2"), ("2001:db8::1", "2001::1")])
  }

  @Test func `IPv6 has precedence over IPv4, and native IPv6 over 6to4`() {
    Self.expect([("2001:db8:1::1", "2001:db8:1::2"), ("10.1.2.3", "10.1.2.4")])
    Self.expect([("2001:db8:1::1", "2001:db8:1::2"), ("2002:c633:6401::1", "2002:c633:6401::2")])
    Self.expect([("10.1.2.3", "10.1.2.4"), ("fc00::1", "fc00::2")])
    Self.expect([("::1", "::1"), ("127.0.0.1", "127.0.0.1")])
  }

  @Test func `a smaller scope is preferred`() {
    Self.expect([("fe80::1", "fe80::2"), ("2001:db8:1::1", "2001:db8:1::2")])
    Self.expect([("127.0.0.1", "127.0.0.1"), ("192.0.2.1", "192.0.2.2")])
    Self.expect([("169.254.0.1", "169.254.0.2"), ("10.0.0.1", "10.0.0.2")])
  }

  @Test func `the longest prefix in common with the source is preferred, of IPv6 only`() {
    Self.expect([("2001:db8:1::1", "2001:db8:1::2"), ("2001:db8:3ffe::1", "2001:db8:3f44::2")])
    let pairs = [("192.0.2.1", "198.51.100.1"), ("198.51.100.2", "198.51.100.1")]
    #expect(Self.sorted(pairs) == pairs.map(\.0))
    #expect(Self.sorted(pairs.reversed()) == pairs.reversed().map(\.0))
  }

  @Test func `beyond 64 bits the prefix does not count`() {
    let pairs = [("2001:db8::8", "2001:db8::1"), ("2001:db8::2", "2001:db8::1")]
    #expect(Self.sorted(pairs) == pairs.map(\.0))
  }

  @Test func `addresses that are equal keep the server's order`() {
    let pairs = (1...20).map { ("192.0.2.\($0 * 7 % 23)", "198.51.100.1") }
    #expect(Self.sorted(pairs) == pairs.map(\.0))
  }

  @Test func `families take turns, beginning with the preferred one`() {
    let six = (1...4).map { ("2001:db8:1::\($0)", "2001:db8:1::ff") }
    let four = (1...2).map { ("192.0.2.\($0)", "192.0.2.9") }
    let order = ["2001:db8:1::1", "192.0.2.1", "2001:db8:1::2", "192.0.2.2", "2001:db8:1::3", "2001:db8:1::4"]
    #expect(Self.sorted(four + six) == order)
  }

  @Test func `those that cannot be reached do not take turns with those that can`() {
    let pairs = [("192.0.2.1", "192.0.2.9"), ("192.0.2.2", "192.0.2.9"), ("2001:db8::1", ""), ("2001:db8::2", "")]
    #expect(Self.sorted(pairs.reversed()).prefix(2).allSatisfy { $0.hasPrefix("192") })
    #expect(Self.sorted(pairs) == pairs.map(\.0))
  }

  @Test func `nothing stays nothing`() {
    #expect(DestinationOrder.sorted([]).isEmpty)
  }
}
