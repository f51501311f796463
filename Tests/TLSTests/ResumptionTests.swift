import FetchModel
import OriginServer
import TLS
import Testing

/// Sessions: what comes of them, and what must not.
@Suite struct `A session` {
  private func server(_ version: TLSVersion, tickets: Int? = nil) throws -> ServerContext {
    try Certificates.server {
      $0 = ServerPolicy(highest: version)
      $0.tickets = tickets
    }
  }

  /// A connection that has read what came after its handshake.
  private func settled(
    _ server: ServerContext,
    resuming session: TLSSession? = nil,
    _ context: TLSContext? = nil,
    _ identity: TLSConnection.Identity = .origin
  ) throws -> Conversation {
    let conversation = try Conversation(context ?? Certificates.client(), server, identity, resuming: session)
    try conversation.begin()
    #expect(conversation.received() == (bytes: [], last: .wantsRead))
    return conversation
  }

  /// What a connection leaves behind that ends as it should.
  private func sessions(of conversation: Conversation) -> [TLSSession] {
    conversation.client.sendCloseNotify()
    return conversation.client.takeSessions()
  }

  private func session(
    from server: ServerContext,
    _ context: TLSContext? = nil,
    _ identity: TLSConnection.Identity = .origin
  ) throws -> TLSSession {
    try #require(sessions(of: settled(server, context, identity)).last)
  }

  @Test(arguments: [(0, 0), (1, 1), (2, 2), (4, 4), (9, 4)])
  func `comes with each ticket, up to as many as are of use`(_ tickets: Int, _ kept: Int) throws {
    let conversation = try settled(server(.tls13, tickets: tickets))
    #expect(conversation.client.hasSessions == (kept > 0))
    #expect(conversation.client.takeSessions().count == kept)
    #expect(!conversation.client.hasSessions && conversation.client.takeSessions().isEmpty)
  }

  @Test func `of TLS 1_3 is for one connection, and no ticket is shown twice`() throws {
    let server = try server(.tls13)
    var kept = try sessions(of: settled(server))
    var shown: [[UInt8]] = []
    for _ in 0..<8 {
      let newest = kept.popLast()
      let session = try #require(newest)
      #expect(session.isSingleUse)
      let conversation = try settled(server, resuming: session)
      #expect(conversation.client.wasResumed && conversation.server.wasResumed)
      shown.append(try #require(conversation.server.hello?.resumptionOffer))
      kept += sessions(of: conversation)
    }
    #expect(Set(shown).count == shown.count)
  }

  @Test func `of TLS 1_2 is for several connections`() throws {
    let server = try server(.tls12)
    let session = try session(from: server)
    #expect(!session.isSingleUse)
    for _ in 0..<3 {
      let conversation = try settled(server, resuming: session)
      #expect(conversation.client.wasResumed && conversation.server.wasResumed)
      #expect(conversation.client.version.description == "1.2")
      conversation.client.sendCloseNotify()
    }
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `that the server does not take leads to a whole handshake`(_ version: TLSVersion) throws {
    let session = try session(from: server(version))
    // Another server, with ticket keys of its own.
    let conversation = try settled(server(version), resuming: session)
    #expect(conversation.server.hello?.resumptionOffer != nil)
    #expect(!conversation.client.wasResumed && !conversation.server.wasResumed)
    #expect(!conversation.client.takeSessions().isEmpty)
  }

  @Test(arguments: ["expired", "self-signed", "untrusted-root"], [TLSVersion.tls12, .tls13])
  func `that the server does not take spares it no verification`(_ name: String, _ version: TLSVersion) throws {
    let session = try session(from: server(version))
    var policy = ServerPolicy.weak
    policy.highest = version
    var wanted = try #require(CertificateCase.named(name))
    wanted.leaf.names = CertificateProfile.goodNames
    let other = try ServerContext(Certificates.authority().issue(wanted), policy)
    let ends = try Conversation(Certificates.client(), other, resuming: session).handshake()
    guard case .failed(.certificate) = ends.client else {
      Issue.record("\(ends)")
      return
    }
  }

  /// OpenSSL's doing (SSL_free of a connection that said no goodbye): nothing is wrong with asking, and what comes is
  /// a whole handshake.
  @Test func `of a connection that was cut is not resumed`() throws {
    let server = try server(.tls13)
    var cut: Conversation? = try settled(server)
    let newest = try #require(cut?.client.takeSessions().last)
    cut = nil
    let conversation = try settled(server, resuming: newest)
    #expect(!conversation.client.wasResumed)
  }

  @Test func `does not outlive the version that it is of`() throws {
    let server = try server(.tls12)
    let session = try session(from: server)
    var policy = try Certificates.policy()
    policy.minimumVersion = .tls13
    let conversation = try Conversation(TLSContext(policy), server, resuming: session)
    #expect(conversation.handshake().client != .complete)
  }

  // Whoever resumes is not verified again (RFC 8446 section 2.2): a session stands for the name and the trust that it
  // was made with, and a connection with others makes a whole handshake.

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `of one host says nothing about another`(_ version: TLSVersion) throws {
    let server = try server(version)
    let gists = try [TLSConnection.Identity.name("elsewhere.test"), .address("192.0.2.1")].map {
      try Conversation(Certificates.client(), server, $0, resuming: session(from: server)).handshake().client.gist
    }
    #expect(gists == ["certificate 62 at depth 0", "certificate 64 at depth 0"])
  }

  @Test(arguments: [TLSVersion.tls12, .tls13])
  func `without verification says nothing to who verifies`(_ version: TLSVersion) throws {
    var policy = ServerPolicy.weak
    policy.highest = version
    let wanted = try #require(CertificateCase.named("self-signed"))
    let server = try ServerContext(Certificates.authority().issue(wanted), policy)
    var trusting = TLSPolicy()
    trusting.verifies = false
    let identity = TLSConnection.Identity.name("self-signed.cases.test")
    let session = try session(from: server, TLSContext(trusting), identity)
    let gist = try Conversation(Certificates.client(), server, identity, resuming: session).handshake().client.gist
    #expect(gist == "certificate 18 at depth 0")
  }
}
