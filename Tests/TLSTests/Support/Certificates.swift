import FetchModel
import OriginServer
import TLS

/// The authority that all tests share, and what is made with it.
enum Certificates {
  private static let made = Result { try TestAuthority(name: "Trawl test authority") }
  private static let trusting = Result { try TLSContext(policy()) }
  private static let usual = Result { try ServerContext(authority().issue(.leaf), ServerPolicy()) }

  static func authority() throws -> TestAuthority { try made.get() }

  /// Trust in the authority and nothing else.
  static func policy() throws -> TLSPolicy {
    var policy = TLSPolicy()
    policy.authoritiesPEM = try authority().certificatePEM()
    return policy
  }

  static func client() throws -> TLSContext { try trusting.get() }

  /// A server that does everything right.
  static func server() throws -> ServerContext { try usual.get() }

  static func server(_ change: (inout ServerPolicy) -> Void) throws -> ServerContext {
    var policy = ServerPolicy()
    change(&policy)
    return try ServerContext(authority().issue(.leaf), policy)
  }

  static func server(showing profile: CertificateProfile) throws -> ServerContext {
    try ServerContext(authority().issue(profile), .weak)
  }

  static func server(showing wanted: CertificateCase) throws -> ServerContext {
    var policy = ServerPolicy.weak
    policy.highest = wanted.highestVersion
    return try ServerContext(authority().issue(wanted), policy)
  }
}

extension ServerPolicy {
  /// Shows any certificate.
  static var weak: ServerPolicy {
    var policy = ServerPolicy()
    policy.isWeak = true
    return policy
  }

  /// No higher than a version, with a choice of ciphers, however bad.
  static func ciphers(_ list: String, _ group: Group? = nil, highest: TLSVersion = .tls12) -> ServerPolicy {
    var policy = ServerPolicy(highest: highest)
    policy.ciphers = list
    policy.group = group
    policy.isWeak = true
    return policy
  }
}
