import FetchModel
import Proxies
import Testing

@Suite struct ProxyURLTests {
  private func server(_ text: String) throws -> ProxyServer { try ProxyURL(Array(text.utf8)).server }

  @Test(arguments: [
    ("proxy.test", ProxyServer.Kind.http, "proxy.test", 1080 as UInt16),
    ("proxy.test:3128", .http, "proxy.test", 3128),
    ("http://proxy.test", .http, "proxy.test", 1080),
    ("HTTP://Proxy.Test:8080/", .http, "proxy.test", 8080),
    ("socks5://127.0.0.1:9050", .socks5, "127.0.0.1", 9050),
    ("socks5h://proxy.test", .socks5h, "proxy.test", 1080),
    ("SOCKS5H://proxy.test:", .socks5h, "proxy.test", 1080),
    ("[::1]:3128", .http, "::1", 3128),
    ("socks5://[2001:DB8:0::7]", .socks5, "2001:db8::7", 1080),
    ("http://bücher.test:80", .http, "xn--bcher-kva.test", 80),
    ("http://0x7f.1:80", .http, "127.0.0.1", 80),
    ("http://proxy.test:3128/path?query#fragment", .http, "proxy.test", 3128),
    ("proxy.test:3128?query", .http, "proxy.test", 3128),
  ])
  func `a proxy is read as curl reads it`(text: String, kind: ProxyServer.Kind, host: String, port: UInt16) throws {
    #expect(try server(text) == ProxyServer(kind, host: Array(host.utf8), port: port))
  }

  @Test(arguments: [
    ("http://me:secret@proxy.test", "me", "secret"),
    ("me:secret@proxy.test:3128", "me", "secret"),
    ("http://me@proxy.test", "me", ""),
    ("http://me:@proxy.test", "me", ""),
    ("http://me:a:b@proxy.test", "me", "a:b"),
    ("socks5://m%65:%40%3a%2F@proxy.test", "me", "@:/"),
    ("socks5://a%3Ab:c@proxy.test", "a:b", "c"),
    ("http://me:a@b@proxy.test", "me", "a@b"),
    ("http://me:50%@proxy.test", "me", "50%"),
    ("http://me:%zz%4@proxy.test", "me", "%zz%4"),
  ])
  func `user and password are percent-decoded`(text: String, user: String, password: String) throws {
    let server = try server(text)
    #expect(server.credentials == ProxyServer.Credentials(user: Array(user.utf8), password: Array(password.utf8)))
    #expect(server.host == Array("proxy.test".utf8))
  }

  @Test(arguments: [
    ("https://proxy.test", ProxyURLProblem.unsupportedScheme),
    ("socks://proxy.test", .unsupportedScheme),
    ("socks4://proxy.test", .unsupportedScheme),
    ("socks4a://proxy.test", .unsupportedScheme),
    ("://proxy.test", .unsupportedScheme),
    ("", .host(.emptyHost)),
    ("http://", .host(.emptyHost)),
    ("http://me:secret@", .host(.emptyHost)),
    ("http://:3128", .host(.emptyHost)),
    ("http:/proxy.test", .port),
    ("proxy.test:0", .port),
    ("proxy.test:65536", .port),
    ("proxy.test:99999999999999999999", .port),
    ("proxy.test:3128x", .port),
    ("proxy.test:-1", .port),
    ("::1", .addressWithoutBrackets),
    ("[::1", .host(.invalidIPv6)),
    ("[::1]3128", .host(.invalidHost)),
    ("[::x]:3128", .host(.invalidIPv6)),
    ("proxy test", .forbiddenCharacter),
    ("proxy.test\r\nX: y", .forbiddenCharacter),
    ("http://me:secret@proxy.test\\@x", .forbiddenCharacter),
    ("http://me:%0d%0a@proxy.test", .controlInCredentials),
    ("socks5://me:%00@proxy.test", .controlInCredentials),
    ("http://a%3Ab:secret@proxy.test", .colonInUser),
    ("socks5://:secret@proxy.test", .credentialsLength),
    ("pro*xy.test", .host(.invalidHost)),
    ("256.1.1.1", .host(.invalidIPv4)),
  ])
  func `what is no proxy is refused, with a message that shows nothing of it`(
    text: String,
    problem: ProxyURLProblem
  ) {
    #expect(throws: problem) { try server(text) }
    #expect(!"\(problem)".contains("secret"))
  }

  @Test func `the message about a scheme says which ones there are`() {
    let message = "\(ProxyURLProblem.unsupportedScheme)"
    #expect(message.contains("http://") && message.contains("socks5://") && message.contains("socks5h://"))
  }

  @Test func `SOCKS carries 255 bytes of a user and of a password, and no more`() throws {
    let long = String(repeating: "x", count: 255)
    #expect(try server("socks5://\(long):\(long)@proxy.test").credentials?.password.count == 255)
    #expect(throws: ProxyURLProblem.credentialsLength) { try server("socks5h://\(long)x:y@proxy.test") }
    #expect(throws: ProxyURLProblem.credentialsLength) { try server("socks5h://x:\(long)y@proxy.test") }
    #expect(try server("http://\(long)x:\(long)y@proxy.test").credentials?.user.count == 256)
  }

  @Test(arguments: [
    ("me:secret", "bWU6c2VjcmV0"), ("me:", "bWU6"), ("m:", "bTo="), ("ab:", "YWI6"), ("abc:d", "YWJjOmQ="),
    ("abc:", "YWJjOg=="), ("Aladdin:open sesame", "QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), (":", "Og=="),
    ("%ff%fe:%fd", "//46/Q=="),
  ])
  func `Basic credentials are the base64 of user, colon and password`(text: String, encoded: String) throws {
    var server = ProxyServer(.http, host: Array("proxy.test".utf8), port: 80)
    server.credentials = try ProxyServer.Credentials(escaped: Array(text.utf8)[...], for: .http)
    #expect(server.authorizationLine == Array("Proxy-Authorization: Basic \(encoded)\r\n".utf8))
  }

  @Test func `no line of credentials is there without them, and none for SOCKS`() throws {
    #expect(try server("proxy.test").authorizationLine.isEmpty)
    #expect(try server("socks5://me:secret@proxy.test").authorizationLine.isEmpty)
  }

  @Test(arguments: [
    ("http://example.org/a?b", "http://example.org"), ("http://example.org:80/", "http://example.org"),
    ("http://example.org:8080/", "http://example.org:8080"), ("http://me:secret@[::1]:81/x", "http://[::1]:81"),
  ])
  func `the prefix of an absolute form holds scheme and host as in Host`(text: String, prefix: String) throws {
    var url = HTTPURL()
    try url.parse(octets(text).span)
    #expect(url.absoluteFormPrefix == Array(prefix.utf8))
  }
}
