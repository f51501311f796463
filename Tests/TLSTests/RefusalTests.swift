import FetchModel
import OriginServer
import TLS
import Testing

/// What a refused server gets to hear, and what it does not.
@Suite struct `A server that is refused` {
  /// Alerts: bad_certificate 42, certificate_expired 45, certificate_unknown 46, decrypt_error 51, unknown_ca 48,
  /// illegal_parameter 47, unsupported_certificate 43 (RFC 8446 section 6.2).
  @Test(
    arguments: [
      ("expired", 45), ("not-yet-valid", 42), ("self-signed", 48), ("untrusted-root", 48), ("incomplete-chain", 48),
      ("wrong.host", 42), ("sha1", 42), ("rsa1024", 42), ("bad-signature", 51), ("wrong-usage", 43),
    ],
    [TLSVersion.tls12, .tls13]
  )
  func `hears a fatal alert and not a byte of the request`(_ wanted: (name: String, alert: Int), _ version: TLSVersion)
    throws
  {
    let shown = try #require(CertificateCase.named(wanted.name))
    var policy = ServerPolicy.weak
    policy.highest = version
    let server = try ServerContext(Certificates.authority().issue(shown), policy)
    let conversation = try Conversation(Certificates.client(), server, .name("\(wanted.name).cases.test"))
    let ends = conversation.handshake()
    guard case .failed(.certificate) = ends.client else {
      Issue.record("\(ends)")
      return
    }
    #expect(ends.server == .failed(.alert(wanted.alert)))
    // Whatever a caller tries after that.
    let bytesSent = conversation.client.wireBytes.sent
    for _ in 0..<3 {
      let written = conversation.client.write("GET / HTTP/1.1\r\n\r\n")
      guard case .failed = written else {
        Issue.record("\(written)")
        return
      }
    }
    conversation.client.sendCloseNotify()
    #expect(conversation.client.wireBytes.sent == bytesSent)
    #expect(conversation.receivedByServer().bytes.isEmpty)
    #expect(conversation.sockets.waitingForServer == 0)
  }

  @Test func `hears nothing before it has proved itself, even if the caller hurries`() throws {
    let shown = try #require(CertificateCase.named("self-signed"))
    let conversation = try Conversation(
      Certificates.client(),
      Certificates.server(showing: shown),
      .name("self-signed.cases.test")
    )
    // A write does the handshake first (SSL_write(3)).
    var written = TLSConnection.Write.wantsRead
    for _ in 0..<100 {
      written = conversation.client.write("GET / HTTP/1.1\r\n\r\n")
      guard written == .wantsRead || written == .wantsWrite else { break }
      _ = conversation.server.handshake()
    }
    guard case .failed = written else {
      Issue.record("\(written)")
      return
    }
    #expect(conversation.server.handshake() == .failed(.alert(48)))
    #expect(conversation.receivedByServer().bytes.isEmpty)
  }

  @Test func `leaves no session behind`() throws {
    for version in [TLSVersion.tls12, .tls13] {
      let shown = try #require(CertificateCase.named("expired"))
      var policy = ServerPolicy.weak
      policy.highest = version
      let server = try ServerContext(Certificates.authority().issue(shown), policy)
      let conversation = try Conversation(Certificates.client(), server, .name("expired.cases.test"))
      conversation.handshake()
      #expect(!conversation.client.hasSessions)
    }
  }
}
