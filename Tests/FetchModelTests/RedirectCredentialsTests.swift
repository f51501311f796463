import FetchModel
import Testing

@Suite struct RedirectCredentialsTests {
  // shared/cases/redirect-headers.json: the same ten redirects for each field that carries credentials, and whether
  // a strict same-origin policy keeps it.
  private static let redirects: [(from: String, to: String, kept: Bool)] = [
    ("https://foo.test/", "https://foo.test/x", true),
    ("https://foo.test/", "https://bar.test/", false),
    ("https://foo.test/", "http://foo.test/", false),
    ("http://foo.test/", "https://foo.test/", false),
    ("https://foo.test/", "https://foo.test:8443/", false),
    ("https://foo.test:443/", "https://foo.test/", true),
    ("https://foo.test/", "https://sub.foo.test/", false),
    ("https://foo.test/", "https://notfoo.test/", false),
    ("https://FOO.test/", "https://foo.test/", true),
    ("https://foo.test/", "https://foo.test./", false),
  ]

  @Test(arguments: redirects)
  func `credentials stay within their origin`(_ from: String, _ to: String, _ kept: Bool) throws {
    let current = try url(from)
    let next = try url(to)
    #expect(keepsCredentials(from: current, to: next) == kept)
    for name in ["authorization", "cookie", "cookie2", "www-authenticate", "Authorization", "COOKIE"] {
      #expect(keepsField(named: Array(name.utf8), from: current, to: next) == kept, "\(name)")
    }
    #expect(!keepsField(named: Array("Proxy-Authorization".utf8), from: current, to: next))
  }

  @Test(arguments: ["user-agent", "x-foo", "accept", "accept-encoding"])
  func `other fields go everywhere`(_ name: String) throws {
    let current = try url("https://foo.test/")
    #expect(keepsField(named: Array(name.utf8), from: current, to: try url("https://bar.test/")))
  }
}
