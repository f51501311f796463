import FetchModel
import Testing

@Suite struct HostAddressTests {
  @Test(arguments: [
    ("192.0.2.7", [192, 0, 2, 7] as [UInt8], "192.0.2.7"), ("0x7f.1", [127, 0, 0, 1], "127.0.0.1"),
    ("255.255.255.255", [255, 255, 255, 255], "255.255.255.255"),
    ("[2001:DB8::7]", [0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7], "[2001:db8::7]"),
    ("[::]", [UInt8](repeating: 0, count: 16), "[::]"),
    ("[::ffff:1.2.3.4]", [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4], "[::ffff:102:304]"),
  ])
  func `a host that is an address has its bytes, and these their text in an authority`(
    text: String,
    octets: [UInt8],
    authority: String
  ) throws {
    let (host, kind) = try canonicalHost(Array(text.utf8))
    #expect(addressOctets(ofHost: host, kind) == octets)
    var output = Array("//".utf8)
    appendAuthorityHost(ofAddress: octets, to: &output)
    #expect(output == Array("//\(authority)".utf8))
  }

  @Test func `a name has none`() throws {
    let (host, kind) = try canonicalHost(Array("example.org".utf8))
    #expect(addressOctets(ofHost: host, kind) == nil)
    #expect(addressOctets(ofHost: Array("1.2.3".utf8), .ipv4) == nil)
    #expect(addressOctets(ofHost: Array("1.2.3.256".utf8), .ipv4) == nil)
    #expect(addressOctets(ofHost: Array("1.2.3.".utf8), .ipv4) == nil)
    #expect(addressOctets(ofHost: Array("::x".utf8), .ipv6) == nil)
  }
}
