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
    (ProxyRefusal.Reason.status(403), FailureCode.connectRefused),
    (.status(301), .connectRefused), (.status(404), .connectRefused),
    (.status(408), .connectRefused), (.status(429), .connectRefused),
    (.status(500), .connectUnreachable), (.status(501), .connectUnreachable),
    (.status(502), .connectUnreachable), (.status(503), .connectUnreachable),
    (.status(504), .connectTimeout),
    (.socks(.generalFailure), .connectUnreachable), (.socks(.notAllowed), .connectRefused),
    (.socks(.networkUnreachable), .connectUnreachable), (.socks(.hostUnreachable), .connectUnreachable),
    (.socks(.connectionRefused), .connectRefused), (.socks(.timeToLiveExpired), .connectTimeout),
    (.socks(.commandNotSupported), .connectRefused), (.socks(.addressTypeNotSupported), .connectRefused),
    (.socks(.unassigned(77)), .connectRefused),
    (.credentialsWanted, .connectRefused), (.credentialsRefused, .connectRefused),
    (.credentialsUnwanted, .connectRefused), (.notSOCKS, .connectRefused),
    (.malformedAnswer("no HTTP/1.x status line"), .connectRefused),
    (.bytesBehindAnswer, .connectRefused), (.closed, .connectRefused),
  ])
  func `each reason has its code and a message without secrets`(
    reason: ProxyRefusal.Reason,
    code: FailureCode
  ) {
    let refusal = refusal(reason)
    #expect(refusal.code == code)
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
