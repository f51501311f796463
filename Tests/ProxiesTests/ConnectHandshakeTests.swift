import FetchModel
import Proxies
import Testing

@Suite struct ConnectHandshakeTests {
  private let name = TunnelTarget(host: octets("example.org"), .name, port: 443)

  private func tunnel(
    _ target: TunnelTarget? = nil,
    account: (String, String)? = nil,
    userAgent: String? = nil
  ) -> ProxyTunnel {
    var server = ProxyServer(.http, host: octets("proxy.test"), port: 3128)
    server.credentials = account.map { ProxyServer.Credentials(user: octets($0.0), password: octets($0.1)) }
    return ProxyTunnel(server, to: target ?? name, userAgent: userAgent.map(octets))
  }

  private func request(_ tunnel: ProxyTunnel) -> String {
    var tunnel = tunnel
    return text(tunnel.takeOutput())
  }

  private func progress(_ answer: String, account: (String, String)? = nil, pieceBytes: Int = .max) -> TunnelProgress {
    let tunnel = tunnel(account: account)
    let turn = Turn(octets(request(tunnel)), octets(answer))
    return converse(tunnel, [turn], pieceBytes: min(pieceBytes, answer.utf8.count)).progress
  }

  @Test func `CONNECT names the target in its line and in Host, always with the port`() {
    #expect(request(tunnel()) == "CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n")
    let cases = [
      (TunnelTarget(host: octets("example.org."), .name, port: 80), "example.org.:80"),
      (TunnelTarget(host: octets("192.0.2.7"), .ipv4, port: 80), "192.0.2.7:80"),
      (TunnelTarget(address: [192, 0, 2, 7], port: 8443), "192.0.2.7:8443"),
      (TunnelTarget(host: octets("2001:db8::7"), .ipv6, port: 443), "[2001:db8::7]:443"),
      (TunnelTarget(address: [UInt8](repeating: 0, count: 15) + [1], port: 1), "[::1]:1"),
    ]
    for (target, authority) in cases {
      #expect(request(tunnel(target)) == "CONNECT \(authority) HTTP/1.1\r\nHost: \(authority)\r\n\r\n")
    }
  }

  @Test func `credentials and User-Agent are told if there are any`() {
    let expected = """
      CONNECT example.org:443 HTTP/1.1\r
      Host: example.org:443\r
      Proxy-Authorization: Basic bWU6c2VjcmV0\r
      User-Agent: trawl/0.1\r
      \r\n
      """
    #expect(request(tunnel(account: ("me", "secret"), userAgent: "trawl/0.1")) == expected)
  }

  @Test func `output is to be sent once`() {
    var tunnel = tunnel()
    #expect(!tunnel.takeOutput().isEmpty)
    #expect(tunnel.takeOutput().isEmpty)
  }

  @Test(arguments: [
    "HTTP/1.1 200 Connection established\r\n\r\n", "HTTP/1.0 200 OK\r\nProxy-Agent: x\r\n\r\n",
    // A 2xx to CONNECT has no body, whatever its fields say (RFC 9112 section 6.3).
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 299 \r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: x\r\nConnection: close\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  ])
  func `2xx opens the tunnel, in whatever pieces it comes, and a byte behind it is a fault`(answer: String) {
    for pieceBytes in 1...answer.utf8.count { #expect(progress(answer, pieceBytes: pieceBytes) == .open) }
    #expect(progress(answer + "x") == .refused(.bytesBehindAnswer))
    var late = tunnel()
    #expect(late.receive(octets(answer)) == .open)
    #expect(late.receive(octets("x")) == .refused(.bytesBehindAnswer))
    // Without its last byte it is not whole.
    var early = tunnel()
    #expect(early.receive(octets(answer).dropLast()) == .needsMore)
  }

  @Test(arguments: [301, 400, 403, 404, 405, 500, 502, 503, 504])
  func `any other status refuses, with a body or without`(status: Int) {
    let head = "HTTP/1.1 \(status) No\r\nContent-Length: 5\r\n\r\n"
    for pieceBytes in [1, 7, .max] { #expect(progress(head, pieceBytes: pieceBytes) == .refused(.status(status))) }
    #expect(progress(head + "hello") == .refused(.status(status)))
  }

  @Test func `407 says whether credentials are missing or wrong`() {
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"x\"\r\n\r\n"
    #expect(progress(answer) == .refused(.credentialsWanted))
    #expect(progress(answer, account: ("me", "wrong")) == .refused(.credentialsRefused))
  }

  @Test(arguments: [
    "SSH-2.0-OpenSSH\r\n", "\u{5}\u{0}", "HTTP/2 200\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 20 x\r\n\r\n", "HTTP/1.1 500 x\r\nContent-Length: x\r\n\r\n",
  ])
  func `garbage ends at once`(answer: String) throws {
    guard case .refused(.malformedAnswer(let phrase)) = progress(answer) else {
      Issue.record("\(progress(answer))")
      return
    }
    #expect(!phrase.isEmpty)
  }

  @Test func `an endless answer is cut off`() {
    for line in ["X: y\r\n", "x", "HTTP/1.1 100 Continue\r\n\r\n"] {
      var tunnel = tunnel()
      if line != "HTTP/1.1 100 Continue\r\n\r\n" { _ = tunnel.receive(octets("HTTP/1.1 200 OK\r\n")) }
      var rounds = 0
      while tunnel.receive(octets(line)) == .needsMore, rounds < 1_000_000 { rounds += 1 }
      #expect(rounds < 200_000)
    }
  }
}
