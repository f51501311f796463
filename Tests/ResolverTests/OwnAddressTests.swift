import PosixIO
import Testing

/// What the resolver needs to know of addresses and how they are reached.
@Suite struct OwnAddressTests {
  @Test func `an address is 4 or 16 octets`() {
    #expect(SocketAddress(octets: [192, 0, 2, 1], port: 7)?.text == "192.0.2.1:7")
    let ipv6: [UInt8] = [0x20, 0x01, 0x0D, 0xB8] + Array(repeating: 0, count: 11) + [1]
    #expect(SocketAddress(octets: ipv6, port: 0) == SocketAddress(numeric: "2001:db8::1", port: 0))
    for count in [0, 3, 5, 15, 17] {
      #expect(SocketAddress(octets: [UInt8](repeating: 1, count: count), port: 0) == nil)
    }
  }

  @Test func `loopback is reached from itself, and nothing from an address that is not this host's`() throws {
    let loopback = try #require(SocketAddress(numeric: "127.0.0.1", port: 53))
    #expect(try StreamSocket.source(towards: loopback)?.addressText == "127.0.0.1")
    let own = try #require(SocketAddress(numeric: "127.0.0.9", port: 0))
    #expect(try StreamSocket.source(towards: loopback, from: .address(own))?.addressText == "127.0.0.9")
    let foreign = try #require(SocketAddress(numeric: "192.0.2.1", port: 0))
    #expect(try StreamSocket.source(towards: loopback, from: .address(foreign)) == nil)
    #expect(try !StreamSocket.canReach(loopback, from: .address(foreign)))
  }
}
