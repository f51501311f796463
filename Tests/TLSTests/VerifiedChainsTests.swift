import FetchModel
import OriginServer
import TLS
import Testing

/// A context that trusts nobody here stands for the wish to verify anew: it takes only what is known already.
@Suite struct `A chain that was verified` {
  private static let unknown = "certificate 20 at depth 0"

  private func stranger() throws -> TLSContext {
    var policy = TLSPolicy()
    policy.authoritiesPEM = try TestAuthority(name: "another authority").certificatePEM()
    return try TLSContext(policy)
  }

  private func gist(
    _ context: TLSContext,
    _ server: ServerContext,
    _ identity: TLSConnection.Identity = .origin,
    _ chains: VerifiedChains
  ) throws -> String {
    try Conversation(context, server, identity, chains: chains).handshake().client.gist
  }

  @Test func `is known for ten minutes`() throws {
    var seconds = 1_000
    let chains = VerifiedChains { seconds }
    let server = try Certificates.server()
    let stranger = try stranger()
    #expect(try gist(stranger, server, .origin, chains) == Self.unknown)
    #expect(try gist(Certificates.client(), server, .origin, chains) == "complete")
    seconds += VerifiedChains.lifetimeSeconds - 1
    #expect(try gist(stranger, server, .origin, chains) == "complete")
    seconds += 1
    #expect(try gist(stranger, server, .origin, chains) == Self.unknown)
  }

  @Test func `is known no longer than it is valid`() throws {
    var seconds = 1_000
    let chains = VerifiedChains { seconds }
    var profile = CertificateProfile.leaf
    profile.notAfter = 300
    let server = try Certificates.server(showing: profile)
    let stranger = try stranger()
    #expect(try gist(Certificates.client(), server, .origin, chains) == "complete")
    #expect(try gist(stranger, server, .origin, chains) == "complete")
    seconds += 301
    #expect(try gist(stranger, server, .origin, chains) == Self.unknown)
  }

  @Test func `is known for its own name only`() throws {
    let chains = VerifiedChains()
    let server = try Certificates.server()
    #expect(try gist(Certificates.client(), server, .origin, chains) == "complete")
    #expect(try gist(Certificates.client(), server, .name("other.test"), chains) == "certificate 62 at depth 0")
    #expect(try gist(Certificates.client(), server, .address("192.0.2.7", indication: nil), chains) != "complete")
  }

  @Test func `says nothing about another one for the same name`() throws {
    let chains = VerifiedChains()
    #expect(try gist(Certificates.client(), Certificates.server(), .origin, chains) == "complete")
    let other = try Certificates.server(showing: .leaf)
    #expect(try gist(stranger(), other, .origin, chains) == Self.unknown)
  }

  @Test func `is verified anew if a session was to be resumed`() throws {
    let chains = VerifiedChains()
    let server = try Certificates.server()
    let conversation = try Conversation(Certificates.client(), server, chains: chains)
    try conversation.begin()
    _ = conversation.received()
    let session = try #require(conversation.client.takeSessions().last)
    #expect(try gist(stranger(), server, .origin, chains) == "complete")
    let ends = try Conversation(stranger(), server, resuming: session, chains: chains).handshake()
    #expect(ends.client.gist == Self.unknown)
  }

  @Test func `ends with a clock that is set back`() throws {
    var seconds = 1_000
    let chains = VerifiedChains { seconds }
    let server = try Certificates.server()
    #expect(try gist(Certificates.client(), server, .origin, chains) == "complete")
    seconds -= 1
    #expect(try gist(stranger(), server, .origin, chains) == Self.unknown)
  }

  @Test func `and refused is verified anew`() throws {
    let chains = VerifiedChains()
    let server = try Certificates.server()
    for _ in 0..<3 { #expect(try gist(stranger(), server, .origin, chains) == Self.unknown) }
    #expect(try gist(Certificates.client(), server, .origin, chains) == "complete")
  }
}
