import FetchModel
import Testing

@Suite struct RedirectCredentialsTests {
  @Test(arguments: [
    ("https://foo.test/", "https://foo.test/x", true), ("https://foo.test:443/", "https://foo.test/", true),
    ("https://FOO.test/", "https://foo.test/", true), ("https://foo.test/", "https://u:p@foo.test/", true),
    ("https://b\u{FC}cher.test/", "https://xn--bcher-kva.test/", true), ("http://127.1/", "http://127.0.0.1/", true),
    ("https://foo.test/", "https://bar.test/", false), ("https://foo.test/", "http://foo.test/", false),
    ("http://foo.test/", "https://foo.test/", false), ("https://foo.test/", "https://foo.test:8443/", false),
    ("https://foo.test/", "https://sub.foo.test/", false), ("https://foo.test/", "https://foo.test./", false),
  ])
  func `credentials stay within their origin`(_ from: String, _ to: String, _ kept: Bool) throws {
    let current = try url(from)
    #expect(keepsCredentials(from: current, to: try url(to)) == kept)
  }

  @Test(arguments: ["authorization", "Cookie", "COOKIE2", "www-authenticate", "Proxy-Authorization"])
  func `a field that carries credentials is known in any case`(_ name: String) {
    #expect(isCredentialField(Array(name.utf8)))
    #expect(!isCredentialField(Array((name + "s").utf8)))
  }
}
