import FetchModel
import Proxies
import Testing

@Suite struct ProxyRoutingTests {
  private let web = ProxyServer(.http, host: Array("web.test".utf8), port: 3128)
  private let socks = ProxyServer(.socks5, host: Array("socks.test".utf8), port: 1080)
  private let naming = ProxyServer(.socks5h, host: Array("naming.test".utf8), port: 1080)
  private let host = Array("example.org".utf8)

  private func routing(_ proxy: ProxyServer?, bypass: [String] = []) -> ProxyRouting {
    var policy = ProxyPolicy()
    policy.http = proxy
    policy.https = proxy
    policy.bypass = bypass
    return ProxyRouting(policy)
  }

  @Test func `without a proxy every way is direct`() {
    let routing = routing(nil)
    for checks in [false, true] {
      #expect(routing.route(for: .http, host, .name, isMoved: false, checksAddresses: checks) == .direct)
      #expect(routing.route(for: .https, host, .name, isMoved: false, checksAddresses: checks) == .direct)
    }
  }

  @Test func `each scheme has its own proxy`() {
    var policy = ProxyPolicy()
    policy.https = web
    #expect(ProxyRouting(policy).proxy(for: .http, host, .name) == nil)
    #expect(ProxyRouting(policy).proxy(for: .https, host, .name) == web)
    policy.http = socks
    #expect(ProxyRouting(policy).proxy(for: .http, host, .name) == socks)
    policy.https = nil
    #expect(ProxyRouting(policy).proxy(for: .https, host, .name) == nil)
  }

  @Test func `an HTTP proxy gets http in absolute form and https through a tunnel`() {
    #expect(routing(web).route(for: .http, host, .name, isMoved: false, checksAddresses: false) == .forward(web))
    #expect(routing(web).route(for: .https, host, .name, isMoved: false, checksAddresses: false) == .tunnelToName(web))
  }

  @Test func `socks5 is given addresses and socks5h names`() {
    for scheme in [Scheme.http, .https] {
      #expect(
        routing(socks).route(for: scheme, host, .name, isMoved: false, checksAddresses: false)
          == .tunnelToAddress(socks)
      )
      #expect(
        routing(naming).route(for: scheme, host, .name, isMoved: false, checksAddresses: false) == .tunnelToName(naming)
      )
    }
  }

  @Test func `where addresses are checked no proxy is given a name`() {
    for scheme in [Scheme.http, .https] {
      for proxy in [web, socks, naming] {
        let route = routing(proxy).route(for: scheme, host, .name, isMoved: false, checksAddresses: true)
        #expect(route == .tunnelToAddress(proxy))
        #expect(route.server == proxy)
      }
    }
  }

  @Test func `hosts of the bypass are reached directly, whatever is checked`() {
    let routing = routing(web, bypass: ["example.org"])
    #expect(routing.route(for: .http, host, .name, isMoved: false, checksAddresses: false) == .direct)
    #expect(routing.route(for: .https, host, .name, isMoved: false, checksAddresses: true) == .direct)
    #expect(routing.proxy(for: .https, Array("example.net".utf8), .name) == web)
  }

  // MARK: The bypass

  private func isBypassed(_ host: String, _ list: String) throws -> Bool {
    let (host, kind) = try canonicalHost(Array(host.utf8))
    return ProxyBypass(ProxyBypass.entries(of: list)).contains(host, kind)
  }

  @Test(arguments: [
    ("example.org", "example.org"), ("www.example.org", "example.org"), ("a.b.example.org", "example.org"),
    ("example.org", ".example.org"), ("www.example.org", ".example.org"), ("example.org", "example.org."),
    ("example.org", ".example.org."), ("example.org.", "example.org"), ("www.example.org.", "example.org."),
    ("EXAMPLE.org", "Example.ORG"), ("example.org", "org"), ("localhost", "localhost"),
    ("example.org", "a.test, b.test ,\texample.org\t"), ("example.org", ",,example.org,,"),
    ("example.org", "a.test b.test example.org"),
    ("bücher.test", "bücher.test"), ("www.bücher.test", "xn--bcher-kva.test"),
    ("example.org", "*"), ("127.0.0.1", " * "), ("[::1]", "*"),
    ("127.0.0.1", "127.0.0.1"), ("10.1.2.3", "10.0.0.0/8"), ("10.1.2.3", "10.9.9.9/8"),
    ("192.168.3.7", "192.168.2.0/23"),
    ("192.168.1.1", "192.168.1.1/32"), ("8.8.8.8", "0.0.0.0/0"), ("127.0.0.1", "localhost,127.0.0.1"),
    ("0x7f.1", "127.0.0.1"), ("[::1]", "::1"), ("[::1]", "[::1]"), ("[0:0::1]", "::1"), ("[fd12::1]", "fd00::/8"),
    ("[2001:db8:1::7]", "2001:db8::/33"), ("[2001:db8::7]", "2001:db8::7/128"), ("[fd12::1]", "[fd00::]/8"),
    ("[2001:db8::]", "::/0"),
  ])
  func `a host of the list is reached directly`(host: String, list: String) throws {
    #expect(try isBypassed(host, list))
  }

  @Test(arguments: [
    ("example.org", ""), ("example.org", ","), ("nonexample.org", "example.org"), ("example.org", "www.example.org"),
    ("example.org.test", "example.org"), ("example.org", "example.org:80"), ("example.org", "*.example.org"),
    ("example.org", "*,a.test"), ("example.org", "."),
    ("example.org", "xample.org"), ("127.0.0.1", "localhost"), ("localhost", "127.0.0.1"), ("127.0.0.1", "127.0.0.2"),
    ("127.0.0.1", "127.0.0.1:80"), ("11.0.0.1", "10.0.0.0/8"), ("192.168.4.1", "192.168.2.0/23"),
    ("192.168.1.1", "192.168.1.0/32"), ("10.0.0.1", "10.0.0.0/33"), ("10.0.0.1", "10.0.0.0/"),
    ("10.0.0.1", "10.0.0.0/x"),
    ("10.0.0.1", "/8"), ("10.0.0.1", "10"), ("[::1]", "127.0.0.1"), ("[::ffff:127.0.0.1]", "127.0.0.1"),
    ("[fe80::1]", "fd00::/8"), ("[2001:db8:8000::7]", "2001:db8::/33"), ("8.8.8.8", "::/0"), ("[::1]", "0.0.0.0/0"),
    ("[::1]", "::/129"), ("[::1]", "[::1]:80"), ("example.org", "example.org/8"),
  ])
  func `any other host is not`(host: String, list: String) throws {
    #expect(try !isBypassed(host, list))
  }

  @Test func `entries are parted by commas and white space`() {
    #expect(ProxyBypass.entries(of: " a.test ,b.test,,\t10.0.0.0/8 *") == ["a.test", "b.test", "10.0.0.0/8", "*"])
  }

  @Test(arguments: [
    ("example.org:80", ProxyBypassProblem.port), ("127.0.0.1:80", .port), ("[::1]:80", .port),
    ("10.0.0.0/33", .network), ("example.org/8", .network), ("10.0.0.0/", .network), ("fd00::/129", .network),
    ("*.example.org", .host), ("a b", .host), (".", .host), ("http://example.org", .network),
  ])
  func `an entry that can match nothing is told apart`(entry: String, problem: ProxyBypassProblem) {
    #expect(ProxyBypass.problem(of: entry, among: 1) == problem)
  }

  @Test func `an entry that can match something has no problem, and a star has one among others`() {
    for entry in ["example.org", ".example.org", "localhost", "10.0.0.0/8", "::1", "[::1]", "fd00::/8", "org", "*"] {
      #expect(ProxyBypass.problem(of: entry, among: 1) == nil)
    }
    #expect(ProxyBypass.problem(of: "*", among: 2) == .wildcardAmongOthers)
  }
}
