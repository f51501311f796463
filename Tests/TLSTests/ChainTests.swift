import FetchModel
import OriginServer
import TLS
import Testing

/// Every certificate that the origin can show by name, the ones of badssl.com among them.
@Suite struct `A chain of certificates` {
  static let outcomes: [String: String] = [
    "expired": "certificate 10 at depth 0",
    "expired-intermediate": "certificate 10 at depth 1",
    "not-yet-valid": "certificate 9 at depth 0",
    "revoked": "complete",
    "pinning-test": "complete",
    "no-sct": "complete",
    "extended-validation": "complete",
    // Chains: in which order they come does not matter, nor what comes besides; what is missing does.
    "intermediate": "complete",
    "reversed-chain": "complete",
    "shuffled-chain": "complete",
    "anchor-in-chain": "complete",
    "cross-signed-by-expired": "complete",
    "incomplete-chain": "certificate 20 at depth 0",
    "self-signed": "certificate 18 at depth 0",
    "untrusted-root": "certificate 19 at depth 1",
    "untrusted-root-not-sent": "certificate 20 at depth 0",
    "intermediate-no-authority": "certificate 79 at depth 1",
    "intermediate-signs-no-certificates": "certificate 79 at depth 1",
    "path-too-long": "certificate 25 at depth 2",
    "name-not-permitted": "certificate 47 at depth 0",
    "name-excluded": "certificate 48 at depth 0",
    "name-permitted": "complete",
    "bad-signature": "certificate 7 at depth 0",
    // Names.
    "wrong.host": "certificate 62 at depth 0",
    "no-common-name": "complete",
    "no-subject": "complete",
    "no-san": "certificate 62 at depth 0",
    "1000-sans": "complete",
    "10000-sans": "error: excessive message size",
    "xn--n1aae7f7o": "complete",
    "wildcard": "complete",
    "partial-wildcard": "certificate 62 at depth 0",
    "name-in-capitals": "complete",
    "dot-at-end": "certificate 62 at depth 0",
    "nul-in-name": "certificate 62 at depth 0",
    "nul-at-end": "certificate 62 at depth 0",
    "latin-in-name": "certificate 62 at depth 0",
    "address-as-name": "certificate 62 at depth 0",
    "address": "certificate 62 at depth 0",
    // Strengths, at security level 2.
    "sha1": "certificate 68 at depth 0",
    "sha1-intermediate": "certificate 68 at depth 1",
    "md5": "certificate 68 at depth 0",
    "sha256": "complete",
    "sha384": "complete",
    "sha512": "complete",
    "rsa512": "certificate 66 at depth 0",
    "rsa1024": "certificate 66 at depth 0",
    "rsa1024-intermediate": "certificate 67 at depth 1",
    "rsa2048": "complete",
    "rsa4096": "complete",
    "rsa8192": "complete",
    "ecc256": "complete",
    "ecc384": "complete",
    // Uses.
    "wrong-usage": "certificate 26 at depth 0",
    "no-usage-given": "complete",
    "unknown-extension": "certificate 34 at depth 0",
  ]

  @Test func `is listed here under each name`() {
    #expect(Self.outcomes.keys.sorted() == CertificateCase.allNames)
  }

  @Test(arguments: outcomes.keys.sorted())
  func `is taken or refused for what it is`(_ name: String) throws {
    let wanted = try #require(CertificateCase.named(name))
    let server = try Certificates.server(showing: wanted)
    let ends = try Conversation(Certificates.client(), server, .name("\(name).cases.test")).handshake()
    #expect(ends.client.gist == Self.outcomes[name])
  }

  @Test func `is taken from anybody without verification, but for its size`() throws {
    var policy = TLSPolicy()
    policy.verifies = false
    let context = try TLSContext(policy)
    for name in ["expired", "self-signed", "untrusted-root", "incomplete-chain", "wrong.host", "sha1", "rsa1024"] {
      let server = try Certificates.server(showing: try #require(CertificateCase.named(name)))
      #expect(try Conversation(context, server, .name("\(name).cases.test")).handshake().client == .complete)
    }
    let server = try Certificates.server(showing: try #require(CertificateCase.named("10000-sans")))
    let ends = try Conversation(context, server, .name("10000-sans.cases.test")).handshake()
    #expect(ends.client.gist == "error: excessive message size")
  }

  @Test(arguments: ["self-signed", "ecc256"])
  func `of one certificate is trusted if that very one is given`(_ name: String) throws {
    let own = try Certificates.authority().issue(try #require(CertificateCase.named(name)))
    var policy = TLSPolicy()
    policy.authoritiesPEM = try own.certificatePEM()
    let server = try ServerContext(own, .weak)
    let named = try Conversation(TLSContext(policy), server, .name("\(name).cases.test"))
    #expect(named.handshake().client == .complete)
    // Which makes it right for no other name.
    #expect(try Conversation(TLSContext(policy), server).handshake().client.gist == "certificate 62 at depth 0")
  }

  @Test func `is not helped by an intermediate that another server sent`() throws {
    // What one connection brings along is gone with it.
    let whole = try #require(CertificateCase.named("intermediate"))
    let issued = try Certificates.authority().issue(whole)
    for (sent, outcome) in [(issued, "complete"), (issued.sending([]), "certificate 20 at depth 0")] {
      let server = try ServerContext(sent, .weak)
      let ends = try Conversation(Certificates.client(), server, .name("intermediate.cases.test")).handshake()
      #expect(ends.client.gist == outcome)
    }
  }
}
