import FetchModel
import Testing

@Suite struct InternationalHostTests {
  @Test(arguments: [
    ("b\u{FC}cher.example", "xn--bcher-kva.example"), ("B\u{DC}CHER.EXAMPLE", "xn--bcher-kva.example"),
    ("bu\u{308}cher.example", "xn--bcher-kva.example"), ("XN--BCHER-KVA.example", "xn--bcher-kva.example"),
    ("fa\u{DF}.example", "xn--fa-hia.example"), ("\u{65E5}\u{672C}\u{8A9E}.jp", "xn--wgv71a119e.jp"),
    ("\u{65E5}\u{672C}\u{8A9E}\u{3002}\u{FF2A}\u{FF30}", "xn--wgv71a119e.jp"), ("a\u{FF0E}b\u{FF61}c", "a.b.c"),
    ("\u{FF47}\u{FF4F}.example", "go.example"), ("b\u{FC}cher.example.", "xn--bcher-kva.example."),
    ("b\u{FC}cher\u{3002}", "xn--bcher-kva."), ("ex\u{AD}ample.org", "example.org"),
    ("_a.b\u{FC}cher.-c-.r3---d", "_a.xn--bcher-kva.-c-.r3---d"), ("\u{2603}.example", "xn--n3h.example"),
    ("xn--n3h.example", "xn--n3h.example"), ("r3---a.xn--p1ai", "r3---a.xn--p1ai"),
  ])
  func `a name beyond ascii becomes a-labels`(_ host: String, _ expected: String) throws {
    let found = try url("http://u:p@\(host):8080/x?y#z")
    #expect(found.host.string == expected && found.hostKind == .name)
    #expect(found.originKey == "http://\(expected):8080")
    #expect(found.text == "http://\(expected):8080/x?y#z")
    #expect(parsed(found.text) == .success(found.text))
    #expect(try row(#"{"url":"http://a/","sni":"\#(host)"}"#).sni?.string == url("http://\(expected)/").tlsName.string)
  }

  @Test(arguments: [
    ("\u{FF11}\u{FF12}\u{FF17}.0.0.1", "127.0.0.1"), ("127\u{3002}0\u{FF0E}0\u{FF61}1", "127.0.0.1"),
    ("\u{FF10}\u{FF58}7f.1", "127.0.0.1"), ("\u{2460}69.254.169.254", "169.254.169.254"),
    ("\u{FF12}130706433\u{3002}", "127.0.0.1"), ("1\u{AD}0.0.0.1", "10.0.0.1"),
  ])
  func `digits and dots of full width are an address before anything looks at the host`(
    _ host: String,
    _ expected: String
  ) throws {
    let found = try url("http://\(host)/")
    #expect(found.hostKind == .ipv4 && found.host.string == expected)
  }

  @Test(arguments: [
    ("xn--a", URLProblem.invalidALabel), ("xn--", .invalidALabel), ("xn--0", .invalidALabel),
    ("xn--a-", .invalidALabel), ("xn--bcher-kv", .invalidALabel), ("xn--99999999999999", .invalidALabel),
    ("xn--zn7c", .invalidALabel), ("xn--u-ccb", .invalidALabel), ("xn--1ug", .invalidALabel),
    ("a.xn--a-0hc.b", .invalidALabel), ("xn--bcher-kva.xn--a", .invalidALabel), ("XN--A", .invalidALabel),
    ("xn--\u{FC}", .invalidALabel), ("\u{FF38}N--a.b\u{FC}", .invalidInternationalHost),
    ("a\u{200D}b", .invalidInternationalHost), ("\u{301}a", .invalidInternationalHost),
    ("a\u{5D0}", .invalidInternationalHost), ("\u{FFFD}", .invalidInternationalHost),
    ("-\u{FC}", .invalidInternationalHost), ("\u{AD}", .emptyHost), ("\u{FC}..a", .emptyLabel),
    ("a.\u{AD}.b", .emptyLabel), ("\u{3002}a", .emptyLabel), ("a\u{3002}\u{3002}", .emptyLabel),
    ("a\u{FF0F}b", .invalidHost), ("a\u{2100}b", .invalidHost), ("a\u{FF20}b", .invalidHost),
    ("\u{FC} b", .invalidHost), ("\u{FC}%41", .invalidHost), ("%C3%BC", .invalidHost), ("a%2Eb", .invalidHost),
    ("\u{FF3B}::1\u{FF3D}", .invalidHost), ("a\u{FF1A}80", .invalidHost), ("\u{FF11}.2.3.4.5", .invalidIPv4),
    ("\u{FF12}56.1.1.1", .invalidIPv4),
  ])
  func `a name that is none says why`(_ host: String, _ expected: URLProblem) {
    #expect(parsed("http://\(host)/") == .failure(expected))
  }

  @Test func `a host that is no utf-8 is refused`() {
    for host in [[0xFF], [0x61, 0xC3], [0xED, 0xA0, 0x80], [0xC0, 0xAE], [0xFC, 0x2E, 0x61]] as [[UInt8]] {
      #expect(problem(of: Array("http://".utf8) + host + Array("/".utf8)) == .hostNotUTF8)
    }
    #expect(problem(of: Array("http://\u{FC}\u{0}/".utf8)) == .controlCharacter)
  }

  @Test func `lengths are those of the a-labels`() {
    let label = String(repeating: "\u{FC}", count: 30)
    #expect(parsed("http://\(label)/") == .success("http://xn--tdaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/"))
    #expect(parsed("http://\(String(repeating: "\u{FC}", count: 60))/") == .failure(.labelTooLong))
    let name = Array(repeating: label, count: 8).joined(separator: ".")
    #expect(parsed("http://\(name)/") == .failure(.hostTooLong))
    #expect(parsed("http://\(String(repeating: "\u{AD}", count: 30_000))a/") == .failure(.hostTooLong))
    let fullWidth = String(repeating: "\u{FF41}", count: 63)
    #expect(parsed("http://\(fullWidth)/") == .success("http://" + String(repeating: "a", count: 63) + "/"))
  }

  @Test func `origin and url agree beyond ascii`() throws {
    let text = "https://u@B\u{FC}cher\u{3002}example:443/\u{FC}"
    let line = try #require(rowWithOrigin(text))
    #expect(line.url.isSameOrigin(as: try row(text).url))
    #expect(line.url.originKey == "https://xn--bcher-kva.example:443")
  }

  @Test(arguments: [
    ("EXAMPLE.org", "example.org", HTTPURL.HostKind.name), ("b\u{FC}cher.example", "xn--bcher-kva.example", .name),
    ("0x7f.1", "127.0.0.1", .ipv4), ("[::0001]", "::1", .ipv6), ("2001:DB8::1", "2001:db8::1", .ipv6),
  ])
  func `a host of an option has the spelling of a url's`(
    _ text: String,
    _ host: String,
    _ kind: HTTPURL.HostKind
  ) throws {
    let found = try canonicalHost(Array(text.utf8))
    #expect(found.host.string == host && found.kind == kind)
  }

  @Test(arguments: ["", "[]", "[1.2.3.4]", "a b", "a:80", "xn--a", "[::1", "1.2.3.4.5", "*"])
  func `an option's host that is none is refused`(_ text: String) {
    #expect(throws: URLProblem.self) { try canonicalHost(Array(text.utf8)) }
  }
}
