import FetchModel
import Glibc
import OriginServer
import TLS
import Testing

/// The ways a connection ends, which a response without a length depends on.
@Suite struct `The end of a connection` {
  static let versions: [TLSVersion] = [.tls12, .tls13]

  private func begun(_ version: TLSVersion, _ family: SocketPair.Family = .local) throws -> Conversation {
    let server = try Certificates.server { $0 = ServerPolicy(highest: version) }
    let conversation = try Conversation(Certificates.client(), server, over: SocketPair(family))
    try conversation.begin()
    return conversation
  }

  @Test(arguments: versions)
  func `is clean after close_notify, and stays so`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    #expect(conversation.server.write(Array("last".utf8)[...]) == .bytes(4))
    conversation.server.sendCloseNotify()
    conversation.sockets.closeServer()
    let received = conversation.received()
    #expect(received.bytes == Array("last".utf8) && received.last == .closed)
    #expect(conversation.received().last == .closed)
  }

  @Test(arguments: versions)
  func `is a cut without close_notify`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    #expect(conversation.server.write(Array("last".utf8)[...]) == .bytes(4))
    conversation.sockets.closeServer()
    let received = conversation.received()
    #expect(received.bytes == Array("last".utf8) && received.last == .failed(.unexpectedEnd))
  }

  @Test(arguments: versions)
  func `is a cut in the middle of a record`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    _ = conversation.received()
    try conversation.sockets.sendByServer([23, 3, 3, 0, 100, 1, 2, 3])
    conversation.sockets.closeServer()
    let received = conversation.received()
    #expect(received.bytes.isEmpty && received.last == .failed(.unexpectedEnd))
  }

  @Test(arguments: versions)
  func `is a reset as the system calls it`(_ version: TLSVersion) throws {
    let conversation = try begun(version, .loopback)
    conversation.sockets.resetByServer()
    #expect(conversation.received().last == .failed(.system(errno: ECONNRESET)))
  }

  @Test(arguments: versions)
  func `is an alert with its number`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    _ = conversation.received()
    // A record that the server cannot open: bad_record_mac.
    let record: [UInt8] = [23, 3, 3, 0, 40] + [UInt8](repeating: 9, count: 40)
    try #require(write(conversation.sockets.client, record, record.count) == record.count)
    guard case .failed = conversation.receivedByServer().last else {
      Issue.record("the server took a forged record")
      return
    }
    guard case .failed(let failure) = conversation.received().last else {
      Issue.record("no alert came")
      return
    }
    #expect(failure.gist == "alert 20")
  }

  @Test(arguments: versions)
  func `is a broken record if it is one`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    _ = conversation.received()
    try conversation.sockets.sendByServer([23, 3, 3, 0, 40] + [UInt8](repeating: 9, count: 40))
    let received = conversation.received()
    #expect(received.bytes.isEmpty)
    guard case .failed(.protocolError) = received.last else {
      Issue.record("\(received)")
      return
    }
  }

  @Test func `in the middle of the handshake is no end of a response`() throws {
    let conversation = try Conversation(Certificates.client(), Certificates.server())
    #expect(conversation.client.handshake() == .wantsRead)
    conversation.sockets.closeServer()
    let end = conversation.client.handshake()
    // The ClientHello that nobody read makes it a reset on local sockets.
    #expect(end == .failed(.unexpectedEnd) || end == .failed(.system(errno: ECONNRESET)))
  }

  // MARK: Ours

  @Test(arguments: versions)
  func `is said to the server, whose answer is not waited for`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    #expect(conversation.client.write("last") == .bytes(4))
    conversation.client.sendCloseNotify()
    let received = conversation.receivedByServer()
    #expect(received.bytes == Array("last".utf8) && received.last == .closed)
  }

  @Test(arguments: versions)
  func `is said by nothing after a failure`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    _ = conversation.received()
    try conversation.sockets.sendByServer([23, 3, 3, 0, 40] + [UInt8](repeating: 9, count: 40))
    _ = conversation.received()
    let sent = conversation.client.wireBytes.sent
    conversation.client.sendCloseNotify()
    #expect(conversation.client.wireBytes.sent == sent)
  }

  @Test func `is said by nothing before there is a connection`() throws {
    let conversation = try Conversation(Certificates.client(), Certificates.server())
    conversation.client.sendCloseNotify()
    #expect(conversation.sockets.waitingForServer == 0)
    #expect(conversation.client.handshake() == .wantsRead)
    let sent = conversation.client.wireBytes.sent
    conversation.client.sendCloseNotify()
    #expect(conversation.client.wireBytes.sent == sent)
  }

  // MARK: Certificates of clients

  private func demanding(_ version: TLSVersion) throws -> ServerContext {
    try Certificates.server {
      $0 = ServerPolicy(highest: version)
      $0.demandsCertificate = true
    }
  }

  @Test func `for want of a certificate is in the handshake of TLS 1_2`() throws {
    let conversation = try Conversation(Certificates.client(), demanding(.tls12))
    #expect(conversation.handshake().client.gist == "alert 40")
  }

  @Test func `for want of a certificate is the first thing read in TLS 1_3`() throws {
    let conversation = try Conversation(Certificates.client(), demanding(.tls13))
    let ends = conversation.handshake()
    #expect(ends.client == .complete && ends.server != .done)
    let received = conversation.received()
    guard case .failed(let failure) = received.last else {
      Issue.record("\(received)")
      return
    }
    #expect(received.bytes.isEmpty && failure.gist == "alert 116")
  }

  @Test(arguments: versions)
  func `does not come if there is a certificate, though one that the server has no trust in hears so`(
    _ version: TLSVersion
  ) throws {
    let own = try Certificates.authority().issue(.leaf)
    var policy = try Certificates.policy()
    policy.certificatePEM = try own.certificatePEM()
    policy.privateKeyPEM = try own.keyPEM()
    let conversation = try Conversation(TLSContext(policy), demanding(version))
    let ends = conversation.handshake()
    // The origin trusts nobody: unknown_ca.
    var found = ends.client.gist
    if ends.client == .complete, case .failed(let failure) = conversation.received().last { found = failure.gist }
    #expect(found == "alert 48")
  }
}
