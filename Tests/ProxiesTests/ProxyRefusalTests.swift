import FetchModel
import Proxies
import Testing

@Suite struct ProxyRefusalTests {
  private func refusal(_ reason: ProxyRefusal.Reason, host: String = "proxy.test") -> ProxyRefusal {
    let account = ProxyServer.Credentials(user: octets("me"), password: octets("secret"))
    let server = ProxyServer(.http, host: octets(host), port: 3128, credentials: account)
    let target = TunnelTarget(host: octets("example.org"), .name, port: 443)
    return ProxyTunnel(server, to: target, userAgent: nil).refusal(reason)
  }

  @Test(arguments: [
    (ProxyRefusal.Reason.status(403), FailureCode.connectRefused, false),
    (.status(301), .connectRefused, false), (.status(404), .connectRefused, false),
    (.status(408), .connectRefused, true), (.status(429), .connectRefused, true),
    (.status(500), .connectUnreachable, true), (.status(501), .connectUnreachable, false),
    (.status(502), .connectUnreachable, true), (.status(503), .connectUnreachable, true),
    (.status(504), .connectTimeout, true),
    (.socks(.generalFailure), .connectUnreachable, true), (.socks(.notAllowed), .connectRefused, false),
    (.socks(.networkUnreachable), .connectUnreachable, true), (.socks(.hostUnreachable), .connectUnreachable, true),
    (.socks(.connectionRefused), .connectRefused, true), (.socks(.timeToLiveExpired), .connectTimeout, true),
    (.socks(.commandNotSupported), .connectRefused, false), (.socks(.addressTypeNotSupported), .connectRefused, false),
    (.socks(.unassigned(77)), .connectRefused, false),
    (.credentialsWanted, .connectRefused, false), (.credentialsRefused, .connectRefused, false),
    (.credentialsUnwanted, .connectRefused, false), (.notSOCKS, .connectRefused, false),
    (.malformedAnswer("no HTTP/1.x status line"), .connectRefused, false),
    (.bytesBehindAnswer, .connectRefused, false), (.closed, .connectRefused, true),
  ])
  func `each reason has its code, a sense of whether it may pass, and a message without secrets`(
    reason: ProxyRefusal.Reason,
    code: FailureCode,
    mayPass: Bool
  ) {
    let refusal = refusal(reason)
    #expect(refusal.code == code)
    #expect(refusal.mayPass == mayPass)
    #expect(!refusal.code.mayComeAfterSending)
    let failure = refusal.failure
    #expect(failure.code == code && failure.phase == .connect)
    #expect(failure.message.contains("proxy.test:3128") && failure.message.contains("example.org:443"))
    #expect(!failure.message.contains("secret"))
  }

  @Test func `messages say what the proxy said`() {
    #expect(refusal(.status(403)).failure.message.hasSuffix("answered 403 to CONNECT"))
    #expect(refusal(.socks(.notAllowed)).failure.message.hasSuffix("connection not allowed by ruleset"))
    #expect(refusal(.socks(.unassigned(77))).failure.message.hasSuffix("SOCKS reply 77"))
    #expect(refusal(.credentialsWanted).failure.message.contains("--proxy-user"))
    #expect(refusal(.malformedAnswer("no HTTP/1.x status line")).failure.message.hasSuffix("no HTTP/1.x status line"))
    #expect(refusal(.closed, host: "::1").failure.message.hasPrefix("proxy [::1]:3128, asked for example.org:443:"))
  }
}
