import FetchModel
import OriginServer
import TLS
import Testing

/// What is offered to a server, and what a server cannot talk the client into.
@Suite struct `The protocol` {
  private func hello(_ change: (inout TLSPolicy) -> Void = { _ in }) throws -> ClientHello {
    var policy = try Certificates.policy()
    change(&policy)
    let conversation = try Conversation(TLSContext(policy), Certificates.server())
    conversation.handshake()
    return try #require(conversation.server.hello)
  }

  @Test func `is offered from TLS 1_2 up, and nothing with it that is weak or early`() throws {
    let hello = try hello()
    #expect(hello.versions == [0x0304, 0x0303])
    #expect(hello.compressionMethods == [0])
    #expect(hello[.applicationProtocols] == [0, 9, 8] + Array("http/1.1".utf8))
    #expect(hello[.earlyData] == nil && hello[.postHandshakeAuthentication] == nil)
    #expect(hello.resumptionOffer == nil)
  }

  @Test func `is offered in TLS 1_3 only if that is the least`() throws {
    let hello = try hello { $0.minimumVersion = .tls13 }
    #expect(hello.versions == [0x0304])
    // And the signal for secure renegotiation, which is no suite.
    #expect(Set(hello.cipherSuites).subtracting([0x1301, 0x1302, 0x1303]) == [0x00FF])
    let server = try Certificates.server { $0 = ServerPolicy(highest: .tls12) }
    var policy = try Certificates.policy()
    policy.minimumVersion = .tls13
    #expect(try Conversation(TLSContext(policy), server).handshake().client.gist == "alert 70")
  }

  @Test func `has no suite without secrecy, of anonymous servers or with broken ciphers`() throws {
    // By the register of suites (RFC 8447): NULL, export, RC4, DES and 3DES, anonymous.
    let bad: Set<UInt16> = Set(0x0000...0x001B).union(0x0060...0x0066).union([
      0x0034, 0x003A, 0x003B, 0x006C, 0x006D, 0x0089, 0x009B, 0x00A6, 0x00A7, 0xC001, 0xC002, 0xC003, 0xC006, 0xC007,
      0xC008, 0xC00B, 0xC00C, 0xC00D, 0xC010, 0xC011, 0xC012, 0xC015, 0xC016, 0xC017, 0xC018, 0xC019,
    ])
    let suites = try hello().cipherSuites
    #expect(!suites.isEmpty && bad.isDisjoint(with: suites))
  }

  struct Answer: CustomTestStringConvertible, Sendable {
    var testDescription: String
    var bytes: [UInt8]
    var outcome: String

    init(_ what: String, _ bytes: [UInt8], _ outcome: String) {
      (testDescription, self.bytes, self.outcome) = (what, bytes, outcome)
    }
  }

  @Test(arguments: [
    Answer("TLS 1.1", Forged.serverHello(version: 0x0302), "error: unsupported protocol"),
    Answer("TLS 1.0", Forged.serverHello(version: 0x0301), "error: unsupported protocol"),
    Answer("TLS 1.3 where 1.2 was said", Forged.serverHello(version: 0x0304), "error: invalid session id"),
    Answer("compression", Forged.serverHello(compression: 1), "error: compression disabled"),
    Answer("RC4", Forged.serverHello(suite: 0xC007), "error: unknown cipher returned"),
    Answer("a suite of TLS 1.3 in 1.2", Forged.serverHello(suite: 0x1301), "error: wrong cipher returned"),
    Answer("a suite that exists nowhere", Forged.serverHello(suite: 0xFAFA), "error: unknown cipher returned"),
    // A server that knows TLS 1.3 says so where an attacker takes it away (RFC 8446 section 4.1.3).
    Answer("taken to 1.2", Forged.serverHello(randomEnd: Forged.downgrade + [1]), "error: inappropriate fallback"),
    Answer("taken to 1.1", Forged.serverHello(randomEnd: Forged.downgrade + [0]), "error: inappropriate fallback"),
    Answer("handshake_failure", Forged.alert(40), "alert 40"),
    Answer("unrecognized_name", Forged.alert(112), "alert 112"),
    Answer("SSH", Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), "error: wrong version number"),
    Answer(
      "a record too long",
      [22, 3, 3, 0xFF, 0xFF] + [UInt8](repeating: 0, count: 64),
      "error: packet length too long"
    ),
    Answer("empty records", Forged.emptyRecords(40), "error: record too small"),
    Answer("data", [23, 3, 3, 0, 1, 0], "error: unexpected message"),
  ])
  func `does not bend to an answer that is none`(_ answer: Answer) throws {
    let gist = try Forged.gist(answer: answer.bytes)
    #expect(gist == answer.outcome)
  }

  @Test func `of the application is HTTP 1_1 or not spoken of`() throws {
    let silent = try Conversation(Certificates.client(), Certificates.server { $0.applicationProtocol = .ignored })
    #expect(silent.handshake().client == .complete)
    for highest in [TLSVersion.tls12, .tls13] {
      let other = try Certificates.server {
        $0 = ServerPolicy(highest: highest)
        $0.applicationProtocol = .other
      }
      let conversation = try Conversation(Certificates.client(), other)
      let gist = conversation.handshake().client.gist
      #expect(gist.hasPrefix("error: "))
      #expect(conversation.receivedByServer().bytes.isEmpty)
    }
  }

  @Test func `is not negotiated anew, and nothing is lost by the server's asking`() throws {
    let server = try Certificates.server { $0 = ServerPolicy(highest: .tls12) }
    let conversation = try Conversation(Certificates.client(), server)
    try conversation.begin()
    #expect(conversation.server.askForRenegotiation() == .done)
    #expect(conversation.server.write(Array("still here".utf8)[...]) == .bytes(10))
    let received = conversation.received()
    #expect(received.bytes == Array("still here".utf8) && received.last == .wantsRead)
    // OpenSSL's server takes the warning no_renegotiation for the end.
    #expect(conversation.receivedByServer().last == .failed(.other("no renegotiation")))
  }

  @Test func `is not compressed`() throws {
    for highest in [TLSVersion.tls12, .tls13] {
      let conversation = try Conversation(
        Certificates.client(),
        Certificates.server { $0 = ServerPolicy(highest: highest) }
      )
      try conversation.begin()
      #expect(!conversation.server.compresses)
    }
  }

  @Test func `is not tried again in an older version`() throws {
    // One ClientHello, one alert, and silence.
    let sockets = try SocketPair()
    let made = TLSConnection(try Certificates.client(), socket: sockets.client, identity: .origin, resuming: nil)
    let client = try #require(made)
    try #require(client.handshake() == .wantsRead)
    let sent = sockets.waitingForServer
    try sockets.sendByServer(Forged.alert(70))
    #expect(client.handshake().gist == "alert 70")
    #expect(sockets.waitingForServer == sent)
  }
}
