import FetchModel
import Proxies
import Testing

@Suite struct SOCKSHandshakeTests {
  private let name = TunnelTarget(host: octets("example.org"), .name, port: 443)
  private let credentials = ProxyServer.Credentials(user: octets("me"), password: octets("secret"))
  private let nameRequest = [5, 1, 0, 3, 11] + octets("example.org") + [1, 187]
  private let granted: [UInt8] = [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]

  private func tunnel(_ target: TunnelTarget, _ credentials: ProxyServer.Credentials? = nil) -> ProxyTunnel {
    let server = ProxyServer(.socks5h, host: octets("proxy.test"), port: 1080, credentials: credentials)
    return ProxyTunnel(server, to: target, userAgent: octets("nobody asks"))
  }

  @Test(arguments: [1, 2, 3, 7, 400])
  func `without credentials none are offered`(pieceBytes: Int) {
    let turns = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, granted)]
    #expect(converse(tunnel(name), turns, pieceBytes: pieceBytes) == (.open, true))
  }

  @Test(arguments: [1, 2, 3, 7, 400])
  func `credentials are sent if the proxy asks for them`(pieceBytes: Int) {
    let account = [1, 2] + octets("me") + [6] + octets("secret")
    let turns = [Turn([5, 2, 0, 2], [5, 2]), Turn(account, [1, 0]), Turn(nameRequest, granted)]
    #expect(converse(tunnel(name, credentials), turns, pieceBytes: pieceBytes) == (.open, true))
  }

  @Test func `credentials are not sent to a proxy that does not ask`() {
    let turns = [Turn([5, 2, 0, 2], [5, 0]), Turn(nameRequest, granted)]
    #expect(converse(tunnel(name, credentials), turns, pieceBytes: 1) == (.open, true))
  }

  @Test func `the version of SOCKS in place of the sub-negotiation's is let pass`() {
    let account = [1, 2] + octets("me") + [6] + octets("secret")
    let turns = [Turn([5, 2, 0, 2], [5, 2]), Turn(account, [5, 0]), Turn(nameRequest, granted)]
    #expect(converse(tunnel(name, credentials), turns, pieceBytes: 1) == (.open, true))
  }

  @Test func `addresses are sent as such, also those that a URL names`() throws {
    let ipv4 = [5, 1, 0, 1, 192, 0, 2, 7, 31, 144] as [UInt8]
    let ipv6 = [5, 1, 0, 4, 0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [7, 0, 80]
    let cases = [
      (TunnelTarget(address: [192, 0, 2, 7], port: 8080), ipv4),
      (TunnelTarget(host: octets("192.0.2.7"), .ipv4, port: 8080), ipv4),
      (TunnelTarget(host: octets("2001:db8::7"), .ipv6, port: 80), ipv6),
      (TunnelTarget(address: Array(ipv6[4..<20]), port: 80), ipv6),
    ]
    for (target, request) in cases {
      #expect(
        converse(tunnel(target), [Turn([5, 1, 0], [5, 0]), Turn(request, granted)], pieceBytes: 2) == (.open, true)
      )
    }
  }

  @Test func `a name of 255 bytes fits`() {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: 255)
    let target = TunnelTarget(host: long, .name, port: 1)
    let turns = [Turn([5, 1, 0], [5, 0]), Turn([5, 1, 0, 3, 255] + long + [0, 1], granted)]
    #expect(converse(tunnel(target), turns, pieceBytes: 400) == (.open, true))
  }

  @Test(arguments: [
    [5, 0, 0, 1, 127, 0, 0, 1, 4, 0], [5, 0, 0, 4] + [UInt8](repeating: 9, count: 18), [5, 0, 0, 3, 2, 97, 98, 0, 80],
    [5, 0, 0, 3, 0, 0, 80], [5, 0, 7, 1, 0, 0, 0, 0, 0, 0],
    [5, 0, 0, 3, 255] + [UInt8](repeating: 97, count: 255) + [0, 80],
  ])
  func `the address that a proxy is bound to may have any form, and a byte behind it is a fault`(reply: [UInt8]) {
    for pieceBytes in [1, 3, 400] {
      let turns = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, reply)]
      #expect(converse(tunnel(name), turns, pieceBytes: pieceBytes) == (.open, true))
    }
    let surplus = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, reply + [0])]
    #expect(converse(tunnel(name), surplus, pieceBytes: 400).progress == .refused(.bytesBehindAnswer))
    // Every cut but the last one leaves the reply incomplete.
    for end in 0..<reply.count {
      var tunnel = tunnel(name)
      _ = tunnel.receive([5, 0])
      #expect(tunnel.receive(reply[..<end]) == .needsMore)
      #expect(tunnel.receive(reply[end...]) == .open)
      #expect(tunnel.receive([1]) == .refused(.bytesBehindAnswer))
    }
  }

  @Test func `bytes out of turn are a fault`() {
    var early = tunnel(name)
    #expect(early.receive([5, 0, 5]) == .refused(.bytesBehindAnswer))
    var afterAccount = tunnel(name, credentials)
    #expect(afterAccount.receive([5, 2]) == .needsMore)
    #expect(afterAccount.receive([1, 0, 5]) == .refused(.bytesBehindAnswer))
    #expect(afterAccount.receive([5]) == .refused(.bytesBehindAnswer))
  }

  @Test(arguments: [
    ([4], nil as ProxyServer.Credentials?), ([0], nil), (octets("H"), nil), ([5, 2], nil), ([5, 1], nil),
    ([5, 0x80], nil),
    ([5, 1], ProxyServer.Credentials(user: [1], password: [])),
  ])
  func `what is no SOCKS 5, or chooses what was not offered, ends at once`(
    answer: [UInt8],
    credentials: ProxyServer.Credentials?
  ) {
    var tunnel = tunnel(name, credentials)
    #expect(tunnel.receive(answer) == .refused(.notSOCKS))
  }

  @Test func `garbage in later turns ends at once, too`() {
    let account = [1, 2] + octets("me") + [6] + octets("secret")
    for answer in [[0], [4], octets("HTTP/1.1")] {
      let inAccount = [Turn([5, 2, 0, 2], [5, 2]), Turn(account, answer)]
      #expect(converse(tunnel(name, credentials), inAccount, pieceBytes: 99) == (.refused(.notSOCKS), true))
      let inReply = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, answer)]
      #expect(converse(tunnel(name), inReply, pieceBytes: 99) == (.refused(.notSOCKS), true))
    }
    let addressType = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, [5, 0, 0, 2])]
    #expect(converse(tunnel(name), addressType, pieceBytes: 99) == (.refused(.notSOCKS), true))
  }

  @Test func `a proxy without a method in common refuses, for want of credentials or in spite of them`() {
    var without = tunnel(name)
    #expect(without.receive([5, 0xFF]) == .refused(.credentialsWanted))
    var with = tunnel(name, credentials)
    #expect(with.receive([5, 0xFF]) == .refused(.credentialsUnwanted))
  }

  @Test(arguments: [1, 2, 0xFF] as [UInt8])
  func `any status but 0 refuses the credentials`(status: UInt8) {
    var tunnel = tunnel(name, credentials)
    #expect(tunnel.receive([5, 2]) == .needsMore)
    #expect(tunnel.receive([1, status]) == .refused(.credentialsRefused))
  }

  @Test func `credentials that no proxy can be given are refused without being sent`() {
    let long = ProxyServer.Credentials(user: [UInt8](repeating: 97, count: 256), password: [])
    #expect(
      converse(tunnel(name, long), [Turn([5, 2, 0, 2], [5, 2])], pieceBytes: 2).progress
        == .refused(.credentialsRefused)
    )
  }

  @Test(
    arguments: [
      (1, SOCKSReply.generalFailure), (2, .notAllowed), (3, .networkUnreachable), (4, .hostUnreachable),
      (5, .connectionRefused), (6, .timeToLiveExpired), (7, .commandNotSupported), (8, .addressTypeNotSupported),
      (9, .unassigned(9)), (255, .unassigned(255)),
    ] as [(UInt8, SOCKSReply)]
  )
  func `a refusal is known by its second byte`(octet: UInt8, reply: SOCKSReply) {
    for rest in [[], [0, 1, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
      let turns = [Turn([5, 1, 0], [5, 0]), Turn(nameRequest, [5, octet] + rest)]
      #expect(converse(tunnel(name), turns, pieceBytes: 99) == (.refused(.socks(reply)), true))
    }
  }

  @Test func `any bytes in any pieces end within the longest conversation`() {
    // Mostly what could be right, so that later turns are reached.
    let likely: [UInt8] = [5, 0, 0, 1, 2, 3]
    var state: UInt64 = 1
    func random() -> UInt8 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 56)
    }
    for round in 0..<2000 {
      var tunnel = tunnel(name, round % 2 == 0 ? credentials : nil)
      var taken = 0
      var progress = TunnelProgress.needsMore
      while progress == .needsMore, taken < 1000 {
        let byte = random()
        progress = tunnel.receive([byte < 64 ? byte : likely[Int(byte) % likely.count]])
        taken += 1
      }
      #expect(progress != .needsMore)
      #expect(taken <= 2 + 2 + 262)
    }
  }
}
