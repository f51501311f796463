import Resolver
import Testing

@Suite struct ServerListTests {
  @Test(arguments: ["1.1.1.1", "1.1.1.1,8.8.8.8", "[::1]:5353", "::1", "[2001:db8::1]", "127.0.0.1:53,[::1]:5353"])
  func `a list of numeric addresses with or without ports is fine`(_ text: String) {
    #expect(ResolverSettings.problem(ofServers: text) == nil)
  }

  @Test(arguments: [
    "", ",", "1.1.1.1,", "dns.example", "1.1.1.1:0", "1.1.1.1:65536", "1.1.1.1:+53", "1.1.1.1:", "[::1", "[::1]53",
    "[::1]:",
    "1.1.1.1 8.8.8.8", "1.1.1",
  ])
  func `what is no name server is called so`(_ text: String) {
    #expect(ResolverSettings.problem(ofServers: text) != nil)
  }

  @Test(arguments: [("[127.0.0.1]", "be 127.0.0.1"), ("1.1.1.1,[127.0.0.1]:5353", "be 127.0.0.1:5353")])
  func `brackets are for IPv6`(_ text: String, _ right: String) {
    #expect(ResolverSettings.problem(ofServers: text)?.hasSuffix(right) ?? false)
  }

  @Test func `no more servers are taken than a question can remember`() {
    let servers = (1...65).map { "192.0.2.\($0)" }
    #expect(ResolverSettings.problem(ofServers: servers.prefix(64).joined(separator: ",")) == nil)
    #expect(ResolverSettings.problem(ofServers: servers.joined(separator: ",")) != nil)
  }
}
