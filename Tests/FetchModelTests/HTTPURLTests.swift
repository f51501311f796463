import FetchModel
import Testing

@Suite struct HTTPURLTests {
  @Test(arguments: [
    ("http://example.org", "http://example.org/"),
    ("HTTP://EXAMPLE.ORG", "http://example.org/"),
    ("hTtPs://Example.Org/Path", "https://example.org/Path"),
    ("http://example.org:80/", "http://example.org/"),
    ("https://example.org:443/", "https://example.org/"),
    ("https://example.org:80/", "https://example.org:80/"),
    ("http://example.org:/x", "http://example.org/x"),
    ("http://example.org:00080/x", "http://example.org/x"),
    ("http://example.org:65535/x", "http://example.org:65535/x"),
    ("http://example.org?", "http://example.org/?"),
    ("http://example.org?q", "http://example.org/?q"),
    ("http://example.org/?a=b?c/d", "http://example.org/?a=b?c/d"),
    ("http://example.org#f", "http://example.org/#f"),
    ("http://example.org/a#", "http://example.org/a#"),
    ("http://example.org/a#b#c?d", "http://example.org/a#b#c?d"),
    ("http://user:pw@example.org/", "http://example.org/"),
    ("http://a@b@example.org:8080/", "http://example.org:8080/"),
    ("http://user:80@example.org", "http://example.org/"),
    ("http://user:@Example.org/?@", "http://example.org/?@"),
    ("http://@example.org/", "http://example.org/"),
    ("http://my_host.example/", "http://my_host.example/"),
    ("http://-a-.example/", "http://-a-.example/"),
    ("http://XN--BCHER-KVA.example/", "http://xn--bcher-kva.example/"),
    ("http://foo.test./x", "http://foo.test./x"),
    ("http://localhost", "http://localhost/"),
    ("http://1.example/", "http://1.example/"),
    ("http://0xzz.1a/", "http://0xzz.1a/"),
  ])
  func `a valid url has one spelling`(_ input: String, _ expected: String) {
    #expect(parsed(input) == .success(expected))
  }

  @Test(arguments: [
    ("", URLProblem.notAbsolute),
    ("/", .notAbsolute),
    ("example.org/path", .notAbsolute),
    ("localhost:8080/x", .notAbsolute),
    ("http:/example.org", .notAbsolute),
    ("http:example.org", .notAbsolute),
    ("http:\\\\example.org", .notAbsolute),
    ("https:", .notAbsolute),
    ("http", .notAbsolute),
    ("://example.org", .notAbsolute),
    ("GET http://example.org", .notAbsolute),
    ("ftp://example.org/", .unsupportedScheme),
    ("httpx://example.org/", .unsupportedScheme),
    ("mailto:me@example.org", .unsupportedScheme),
    ("file:///etc/passwd", .unsupportedScheme),
    ("http://", .emptyHost),
    ("http:///path", .emptyHost),
    ("http://:80/", .emptyHost),
    ("http://user@/", .emptyHost),
    ("http://?x", .emptyHost),
    (" http://example.org", .surroundingSpace),
    ("http://example.org/ ", .surroundingSpace),
    ("http://example.org:0/", .invalidPort),
    ("http://example.org:65536/", .invalidPort),
    ("http://example.org:99999999999999999999/", .invalidPort),
    ("http://example.org:8o/", .invalidPort),
    ("http://example.org:-1/", .invalidPort),
    ("http://example.org:80:80/", .invalidPort),
    ("http://[::1]:x/", .invalidPort),
    ("http://ex ample.org/", .invalidHost),
    ("http://ex%61mple.org/", .invalidHost),
    ("http://good.example\\@evil.example/", .invalidUserinfo),
    ("http://good.example\\.evil.example/", .invalidHost),
    ("http://foo@127.0.0.1 @example.org/", .invalidUserinfo),
    ("http://a*b/", .invalidHost),
    ("http://[::1]x/", .invalidHost),
    ("http://.example.org/", .emptyLabel),
    ("http://a..b/", .emptyLabel),
    ("http://a../", .emptyLabel),
    ("http://./", .emptyLabel),
    ("http://xn--.example/", .invalidALabel),
    ("http://xn--a-.example/", .invalidALabel),
    ("http://xn--a_b.example/", .invalidALabel),
  ])
  func `an invalid url says why`(_ input: String, _ expected: URLProblem) {
    #expect(parsed(input) == .failure(expected))
    #expect(!expected.description.isEmpty)
  }

  @Test func `labels and names have their longest lengths`() {
    let label = String(repeating: "a", count: 63)
    #expect(parsed("http://\(label)/") == .success("http://\(label)/"))
    #expect(parsed("http://\(label)a/") == .failure(.labelTooLong))
    #expect(parsed("http://x.\(label)a") == .failure(.labelTooLong))
    let name = [label, label, label, String(repeating: "b", count: 61)].joined(separator: ".")
    #expect(name.utf8.count == 253)
    #expect(parsed("http://\(name)/") == .success("http://\(name)/"))
    #expect(parsed("http://\(name)./") == .success("http://\(name)./"))
    #expect(parsed("http://\(name)b/") == .failure(.hostTooLong))
  }

  @Test func `a url and its target have a longest length`() {
    let prefix = "http://a/"
    let most = prefix + String(repeating: "x", count: HTTPURL.maximumBytes - prefix.utf8.count)
    #expect(parsed(most) == .success(most))
    #expect(parsed(most + "x") == .failure(.tooLong))
    #expect(parsed(prefix + String(repeating: "{", count: 30_000)) == .failure(.tooLong))
    // What is percent-encoded or an A-label counts as it will be written.
    let third = (HTTPURL.maximumBytes - prefix.utf8.count) / 3
    let longest = try? url(prefix + String(repeating: "{", count: third)).text.utf8.count
    #expect(longest.map { $0 > HTTPURL.maximumBytes - 3 } == true)
    #expect(parsed(prefix + String(repeating: "{", count: third + 1)) == .failure(.tooLong))
  }

  @Test(arguments: Array(0..<0x20 as Range<UInt8>) + [0x7F])
  func `a control character is refused wherever it stands`(_ control: UInt8) {
    let text = Array("http://u:p@example.org:80/path?query#fragment".utf8)
    for position in 0...text.count {
      #expect(problem(of: text[..<position] + [control] + text[position...]) == .controlCharacter)
    }
  }

  @Test(arguments: [
    ("1.2.3.4", "1.2.3.4"), ("1.2.3.4.", "1.2.3.4"), ("127.1", "127.0.0.1"), ("127.0.1", "127.0.0.1"),
    ("2130706433", "127.0.0.1"), ("0x7f000001", "127.0.0.1"), ("0X7F.1", "127.0.0.1"), ("017700000001", "127.0.0.1"),
    ("0177.0.0.01", "127.0.0.1"), ("0", "0.0.0.0"), ("0x", "0.0.0.0"), ("0x.0x.0", "0.0.0.0"),
    ("255.255.255.255", "255.255.255.255"), ("4294967295", "255.255.255.255"), ("1.16777215", "1.255.255.255"),
    ("1.2.65535", "1.2.255.255"), ("0xffffffff", "255.255.255.255"), ("192.0x00A80001", "192.168.0.1"),
  ])
  func `every spelling of an ipv4 address becomes dotted decimal`(_ input: String, _ expected: String) throws {
    let url = try url("http://\(input)/")
    #expect(url.host.string == expected)
    #expect(url.hostKind == .ipv4)
    #expect(url.tlsName.string == expected)
  }

  @Test(arguments: [
    "256.1.1.1", "1.2.3.256", "1.2.3.4.5", "4294967296", "0x100000000", "1.16777216", "1.2.65536", "09", "1.2.3.08",
    "foo.1", "foo.0x", "foo.0x1f", "1.2.x.4", "99999999999999999999", "1.2.3.4x.5",
  ])
  func `a host that ends in a number is an ipv4 address or nothing`(_ host: String) {
    #expect(parsed("http://\(host)/") == .failure(.invalidIPv4))
    #expect(parsed("http://\(host)./") == .failure(.invalidIPv4))
  }

  @Test(arguments: [
    ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("0:0:0:0:0:0:0:1", "::1"), ("2001:DB8::0001", "2001:db8::1"),
    ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"), ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
    ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("fe80::", "fe80::"),
    ("::ffff:127.0.0.1", "::ffff:7f00:1"), ("::1.2.3.4", "::102:304"), ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ("ABCD:EF01:2345:6789:abcd:ef01:2345:6789", "abcd:ef01:2345:6789:abcd:ef01:2345:6789"),
  ])
  func `an ipv6 address has the spelling of rfc 5952`(_ input: String, _ expected: String) throws {
    let url = try url("https://[\(input)]:8443/")
    #expect(url.host.string == expected)
    #expect(url.hostKind == .ipv6)
    #expect(url.hostField == "[\(expected)]:8443")
    #expect(url.originKey == "https://[\(expected)]:8443")
  }

  @Test(arguments: [
    "[]", "[:]", "[:::]", "[1]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[::1::]", "[1:2:3:4:5:6:7:8::]",
    "[1:2:3:4::5:6:7:8]", "[12345::]", "[g::]", "[::1", "[:1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:]", "[::1.2.3]",
    "[::1.2.3.4.5]", "[::1.2.3.256]", "[::01.2.3.4]", "[::1.2.3.4:5]", "[1:2:3:4:5:6:7:1.2.3.4]", "[::.1.2.3]",
    "[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1.2.3.]", "[v1.x]", "[127.0.0.1]",
  ])
  func `an invalid ipv6 address is refused`(_ host: String) {
    #expect(parsed("http://\(host)/") == .failure(.invalidIPv6))
  }

  @Test func `the parts go where they belong`() throws {
    let one = try url("https://User:Pass@EXAMPLE.org.:8443/a?b#Frag ment")
    #expect(one.scheme == .https)
    #expect(one.port == 8443)
    #expect(one.host.string == "example.org.")
    #expect(one.tlsName.string == "example.org")
    #expect(one.target.string == "/a?b")
    #expect(one.fragment?.string == "Frag ment")
    #expect(one.userinfo?.string == "User:Pass")
    #expect(one.hostField == "example.org.:8443")
    #expect(one.originKey == "https://example.org.:8443")
    #expect(one.text == "https://example.org.:8443/a?b#Frag ment")
    let other = try url("http://example.org")
    #expect(other.fragment == nil)
    #expect(other.userinfo == nil)
    #expect(other.originKey == "http://example.org:80")
    #expect(other.hostField == "example.org")
  }

  @Test func `nothing of one url is left in the next`() throws {
    var url = HTTPURL()
    for text in ["https://u@[::1]:9/p?q#f", "http://a/", "http://1.2.3.4/x#", "https://b"] {
      try url.parse(Array(text.utf8).span)
      let fresh = try FetchModelTests.url(text)
      #expect(url == fresh)
    }
    #expect(throws: URLProblem.emptyHost) { try url.parse(Array("http://u@/".utf8).span) }
    #expect(url == HTTPURL())
  }

  @Test(arguments: [
    ("/a b", "/a%20b"), ("/\"<>^`{}", "/%22%3C%3E%5E%60%7B%7D"), ("/|~!$&'()*+,;=:@-_[]", "/|~!$&'()*+,;=:@-_[]"),
    ("/%41%zz%", "/%41%zz%"), ("/%e2%80%a0", "/%e2%80%a0"), ("/a\\b", "/a%5Cb"), ("/\u{E9}", "/%C3%A9"),
    ("/?a b\"<>'", "/?a%20b%22%3C%3E%27"), ("/?^`{}|\\", "/?^`{}|\\"), ("/?%", "/?%"), ("/a?b c#d e", "/a?b%20c"),
    ("?\u{20AC}", "/?%E2%82%AC"), ("/a//b/", "/a//b/"), ("//x", "//x"),
  ])
  func `the target is percent-encoded once`(_ input: String, _ expected: String) throws {
    let once = try url("http://a" + input)
    #expect(once.target.string == expected)
    #expect(try url("http://a" + expected).target.string == expected)
  }

  @Test func `bytes that are no utf-8 are percent-encoded one by one`() throws {
    var url = HTTPURL()
    try url.parse((Array("http://a/".utf8) + [0xFF, 0x80, 0xC3]).span)
    #expect(url.target.string == "/%FF%80%C3")
  }

  @Test(arguments: [
    ("/.", "/"), ("/..", "/"), ("/./", "/"), ("/../", "/"), ("/a/.", "/a/"), ("/a/..", "/"), ("/a/b/..", "/a/"),
    ("/a/b/../c", "/a/c"), ("/a/./b", "/a/b"), ("/../../a", "/a"), ("/a//../b", "/a/b"), ("/a/...", "/a/..."),
    ("/a/.b", "/a/.b"), ("/a./b.", "/a./b."), ("/..a", "/..a"), ("/a/b/c/./../../g", "/a/g"),
    ("/mid/content=5/../6", "/mid/6"), ("/%2e%2E/a", "/%2e%2E/a"), ("/a/..?b/../c", "/?b/../c"), ("/a/../..//", "//"),
    ("/index.html", "/index.html"), ("/..\\a/..", "/"),
  ])
  func `dot segments are removed from the path only`(_ input: String, _ expected: String) throws {
    #expect(try url("http://a" + input).target.string == expected)
  }

  @Test func `same origin means scheme, host and port`() throws {
    let base = try url("https://foo.test/")
    for same in ["https://FOO.test:443/x?y#z", "https://u@foo.test"] {
      #expect(base.isSameOrigin(as: try url(same)))
    }
    for other in ["http://foo.test:443", "https://foo.test:444", "https://foo.test.", "https://a.foo.test"] {
      #expect(!base.isSameOrigin(as: try url(other)))
    }
    #expect(try url("http://127.1").isSameOrigin(as: try url("http://0x7f000001/")))
  }

  @Test(arguments: [
    "http://example.org", "https://u:p@EXAMPLE.org:8443/a b?c#d", "http://0x7f.1/", "https://[0:0::1]:443",
    "http://a./",
    "http://a:/..",
  ])
  func `parsing the origin gives what parsing everything gives`(_ text: String) throws {
    let whole = try url(text)
    var origin = HTTPURL()
    try origin.parseOrigin(Array(text.utf8).span)
    #expect(origin.isSameOrigin(as: whole))
    #expect(origin.hostKind == whole.hostKind)
    #expect(origin.originKey == whole.originKey)
    #expect(origin.target.string == "/")
  }

  @Test func `no problem's text repeats the url`() {
    for problem in URLProblem.allCases { #expect(!problem.description.contains("secret")) }
    var row = RowRequest()
    #expect(throws: RowProblem.invalidURL(.invalidPort)) {
      try row.parse(Array("http://u:secret@a:b/".utf8).span)
    }
  }
}
