import OriginServer
import TLS
import Testing

/// Who a server has to be, and what it is told about that.
@Suite struct `The identity of a server` {
  private func gist(_ identity: TLSConnection.Identity, _ names: [CertificateProfile.Name]) throws -> String {
    let server = try Certificates.server(showing: .server(names))
    return try Conversation(Certificates.client(), server, identity).handshake().client.gist
  }

  private func connection(_ identity: TLSConnection.Identity) throws -> TLSConnection? {
    let sockets = try SocketPair()
    return TLSConnection(try Certificates.client(), socket: sockets.client, identity: identity, resuming: nil)
  }

  // MARK: What is no identity

  /// An empty name would switch the check off, and one with a dot first match any subdomain
  /// (X509_VERIFY_PARAM_set1_host(3)).
  @Test(arguments: ["", ".", ".origin.test", "origin.test\0", "origin.test\0.elsewhere.test", "\0"])
  func `is never a name that weakens the check`(_ name: String) throws {
    #expect(try connection(.name(name)) == nil)
  }

  @Test(arguments: [
    "", "origin.test", "127.0.0.1.", "127.0.0.256", "127.1", "[::1]", "fe80::1%lo", "::1 ", "\0", "127.0.0.1\0x",
  ])
  func `is never an address that is none`(_ address: String) throws {
    #expect(try connection(.address(address)) == nil)
  }

  @Test func `is never a name to indicate that cannot be indicated`() throws {
    for name in ["", String(repeating: "a", count: 256)] {
      #expect(try connection(.name(Array("origin.test".utf8), indication: Array(name.utf8))) == nil)
      #expect(try connection(.address("127.0.0.1", indication: Array(name.utf8))) == nil)
    }
  }

  @Test(arguments: ["", ".", ".origin.test", "a..b", "[::1%lo]", "\u{2488}", "a\0b"])
  func `has no URL if the host is none`(_ host: String) {
    #expect(TLSConnection.Identity.host(host) == nil)
  }

  // MARK: Names

  @Test(arguments: [
    // Whole labels only, and none but the first (RFC 9525 section 6.3).
    ("foo.origin.test", "*.origin.test", true),
    ("foo.origin.test", "f*.origin.test", false),
    ("foo.origin.test", "*o.origin.test", false),
    ("foo.origin.test", "f*o.origin.test", false),
    ("foo.origin.test", "foo.*.test", false),
    ("foo.bar.origin.test", "*.origin.test", false),
    ("origin.test", "*.origin.test", false),
    ("origin.test", "*", false),
    ("origin.test", "*.test", false),
    ("origin.test", "ORIGIN.Test", true),
    // A name in a certificate begins with no dot, and ends with none.
    ("foo.origin.test", ".origin.test", false),
    ("origin.test", "origin.test.", false),
    ("origin.test", " origin.test", false),
    ("xn--n1aae7f7o.origin.test", "*.origin.test", true),
    ("xn--n1aae7f7o.origin.test", "xn--*.origin.test", false),
  ])
  func `is compared label by label`(_ host: String, _ name: String, _ matches: Bool) throws {
    let identity = try #require(TLSConnection.Identity.host(host))
    #expect(try gist(identity, [.dns(name)]) == (matches ? "complete" : "certificate 62 at depth 0"))
  }

  @Test func `is no common name, whether there are other names or not`() throws {
    for names in [[], [CertificateProfile.Name.dns("elsewhere.test")], [.address([127, 0, 0, 1])]] {
      let server = try Certificates.server(showing: .server(names, commonName: "origin.test"))
      let ends = try Conversation(Certificates.client(), server).handshake()
      #expect(ends.client.gist == "certificate 62 at depth 0")
    }
    let server = try Certificates.server(showing: .server([], commonName: "127.0.0.1"))
    let ends = try Conversation(Certificates.client(), server, .address("127.0.0.1")).handshake()
    #expect(ends.client.gist == "certificate 64 at depth 0")
  }

  @Test func `is a host without the dot at its end, in small letters`() throws {
    for host in ["origin.test.", "ORIGIN.TEST", "Origin.Test."] {
      let identity = try #require(TLSConnection.Identity.host(host))
      #expect(identity == .origin)
      let conversation = try Conversation(Certificates.client(), Certificates.server(), identity)
      #expect(conversation.handshake().client == .complete)
      #expect(conversation.server.hello?.serverName == "origin.test")
    }
  }

  @Test(arguments: [
    Array("origin.test\0".utf8), Array("origin.test\0.elsewhere.test".utf8), Array("\0origin.test".utf8),
    Array("origin.test".utf8) + [0xE9], [0xEF, 0xBB, 0xBF] + Array("origin.test".utf8), Array("*.test\0".utf8),
  ])
  func `is no name with bytes that names do not have`(_ name: [UInt8]) throws {
    #expect(try gist(.origin, [.dns(name)]) == "certificate 62 at depth 0")
    // They do no harm beside a name that is right.
    #expect(try gist(.origin, [.dns(name), .dns("origin.test")]) == "complete")
  }

  // MARK: Addresses

  private static let version6: [UInt8] = [0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0A]

  @Test(arguments: [
    ("127.0.0.1", CertificateProfile.Name.address([127, 0, 0, 1]), true),
    ("0x7f.1", .address([127, 0, 0, 1]), true),
    ("127.0.0.1", .address([127, 0, 0, 2]), false),
    ("127.0.0.1", .dns("127.0.0.1"), false),
    ("127.0.0.1", .dns("*.0.0.1"), false),
    ("127.0.0.1", .dns("*"), false),
    ("127.0.0.1", .address([UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127, 0, 0, 1]), false),
    ("127.0.0.1", .address([127, 0, 0]), false),
    ("127.0.0.1", .address([127, 0, 0, 1, 0]), false),
    ("127.0.0.1", .address([127, 0, 0, 1, 255, 255, 255, 255]), false),
    ("2001:db8::a", .address(version6), true),
    ("2001:DB8:0:0:0:0:0:A", .address(version6), true),
    ("2001:0db8:0000::0.0.0.10", .address(version6), true),
    ("2001:db8::b", .address(version6), false),
    ("2001:db8::a", .dns("2001:db8::a"), false),
  ])
  func `is an address only if the certificate has it as one`(
    _ host: String,
    _ name: CertificateProfile.Name,
    _ matches: Bool
  ) throws {
    let identity = try #require(TLSConnection.Identity.host(host))
    #expect(try gist(identity, [name]) == (matches ? "complete" : "certificate 64 at depth 0"))
  }

  @Test func `is no address where a name was asked for`() throws {
    #expect(try gist(.origin, [.address([127, 0, 0, 1])]) == "certificate 62 at depth 0")
    // Nobody makes such a name of a URL, and it would not get through either.
    #expect(try gist(.name("127.0.0.1"), [.dns("127.0.0.1")]) != "complete")
  }

  // MARK: Server name indication

  @Test(arguments: [
    ("origin.test", "origin.test"), ("a.origin.test.", "a.origin.test"),
    ("xn--n1aae7f7o.origin.test", "xn--n1aae7f7o.origin.test"), ("127.0.0.1", nil), ("0x7f.1", nil), ("::1", nil),
  ])
  func `is indicated if it is a name`(_ host: String, _ indicated: String?) throws {
    let identity = try #require(TLSConnection.Identity.host(host))
    let conversation = try Conversation(Certificates.client(), Certificates.server(), identity)
    conversation.handshake()
    let hello = try #require(conversation.server.hello)
    #expect(hello.serverName == indicated)
    #expect((hello[.serverName] == nil) == (indicated == nil))
  }

  @Test func `is what is verified, whatever else is indicated`() throws {
    let elsewhere = Array("elsewhere.test".utf8)
    let identities: [TLSConnection.Identity] = [
      .name(Array("origin.test".utf8), indication: elsewhere), .address("127.0.0.1", indication: elsewhere),
    ]
    for identity in identities {
      let good = try Conversation(Certificates.client(), Certificates.server(), identity)
      #expect(good.handshake().client == .complete)
      #expect(good.server.hello?.serverName == "elsewhere.test")
      #expect(try gist(identity, [.dns("elsewhere.test")]) != "complete")
    }
  }

  @Test func `is never made of bytes that are no text`() throws {
    let named = try connection(.name([UInt8(ascii: "a"), 0xFF], indication: nil))
    let indicated = try connection(.name(Array("origin.test".utf8), indication: Array("a\0b".utf8)))
    #expect(named == nil)
    #expect(indicated == nil)
  }
}
