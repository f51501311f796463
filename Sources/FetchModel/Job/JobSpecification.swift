/// What one job asks of every row: validated once by the coordinator, carried to agents in the welcome,
/// immutable from then on. Bytes of files named in options are inside; no path is.
package struct JobSpecification: Equatable, Sendable {
  package var request = RequestDefaults()
  package var deadlines = Deadlines()
  package var redirects = RedirectPolicy()
  package var retry = RetryPolicy()
  package var tls = TLSPolicy()
  package var addressing = AddressingPolicy()
  package var proxies = ProxyPolicy()
  package var body = BodyPolicy()
  /// Connections to one origin over the whole cluster.
  package var connectionsPerOrigin = 8

  package init() {}
}

/// The parts of a request that a row does not give itself.
package struct RequestDefaults: Equatable, Sendable {
  package var method = RequestMethod.get
  /// In order; agents add none but Host and those of framing.
  package var headers: [HeaderField] = []
  /// Sent with every row that has no body of its own; nil for none.
  package var body: [UInt8]?

  package init() {}
}

/// The time limits of one attempt; nil is no limit.
package struct Deadlines: Equatable, Sendable {
  /// Name, TCP and TLS together, as curl counts it.
  package var connect: Duration = .seconds(10)
  /// From the moment the row takes a connection slot to the end of the body, redirects included.
  package var total: Duration = .seconds(60)
  /// From the last byte of the request to the first of the response.
  package var firstByte: Duration?
  /// Between two reads of a response.
  package var idle: Duration?
  /// Bytes a second under which a transfer is too slow, if it is so for `lowSpeedTime`; 0 is off.
  package var lowSpeedBytesPerSecond: UInt64 = 0
  package var lowSpeedTime: Duration = .seconds(30)

  package init() {}
}

package struct RedirectPolicy: Equatable, Sendable {
  package var follow = false
  package var maximumHops = 10
  /// Whether a hop may lead from a global address to one that is not: by default nobody out there sends an agent to its
  /// own network.
  package var mayLeadToPrivate = false

  package init() {}
}

/// How often and when failed rows are tried again; carried out by the scheduler alone.
package struct RetryPolicy: Equatable, Sendable {
  /// Attempts after the first.
  package var count = 2
  /// A fixed pause; nil doubles from 1 s.
  package var delay: Duration?
  /// No attempt begins once this much time has passed since the row's first attempt began; nil is no limit.
  package var maximumTime: Duration?
  /// An origin that has answered nothing for so long is down: its rows are recorded without a try.
  package var giveUpAfter: Duration = .seconds(30)
  /// Whether requests that are not idempotent are repeated too.
  package var includesUnsafe = false

  private static let longestPause: UInt64 = 600_000_000_000

  package init() {}

  /// Nanoseconds between attempt `attempts` (1 is the first) and the next: curl's one second, doubled each time, at
  /// most ten minutes, spread by a quarter so that rows which failed together do not come back together.
  package func pauses(afterAttempts attempts: Int) -> ClosedRange<UInt64> {
    if let delay { return delay.wholeNanoseconds...delay.wholeNanoseconds }
    let doublings = UInt64(min(max(attempts, 1) - 1, 20))
    let base = min(1_000_000_000 << doublings, Self.longestPause)
    return base - base / 8...base + base / 8 - 1
  }
}

package struct TLSPolicy: Hashable, Sendable {
  package enum Version: UInt8, Sendable { case tls12 = 12, tls13 = 13 }

  package var verifies = true
  /// Trust anchors in PEM that replace the system's; nil for the system's.
  package var authoritiesPEM: [UInt8]?
  /// Client certificate chain and key in PEM; both or neither.
  package var certificatePEM: [UInt8]?
  package var privateKeyPEM: [UInt8]?
  package var minimumVersion = Version.tls12
  /// nil for the newest there is.
  package var maximumVersion: Version?
  /// Cipher list for TLS 1.2, as OpenSSL spells it; nil for OpenSSL's own (openssl-ciphers(1)).
  package var cipherList: String?
  /// The same for the suites of TLS 1.3.
  package var cipherSuites: String?
  /// SHA-256 of public keys (SubjectPublicKeyInfo in DER), of which the server's has to be one, verified or not; none
  /// for any key.
  package var pinnedKeys: [[UInt8]] = []

  package init() {}

  /// The same for servers that the client certificate is not meant for.
  package var withoutIdentity: TLSPolicy {
    var policy = self
    policy.certificatePEM = nil
    policy.privateKeyPEM = nil
    return policy
  }
}

package struct AddressingPolicy: Equatable, Sendable {
  package enum Family: UInt8, Sendable { case any = 0, ipv4 = 4, ipv6 = 6 }

  package var family = Family.any
  package var resolveRules: [ResolveRule] = []
  package var connectToRules: [ConnectToRule] = []

  package init() {}
}

/// `--resolve HOST:PORT:ADDRESS[,ADDRESS]`: the addresses of a name, without asking DNS.
package struct ResolveRule: Hashable, Sendable {
  /// Lower case; nil is any host.
  package var host: [UInt8]?
  /// nil is any port.
  package var port: UInt16?
  /// Numeric IPv4 or IPv6 addresses without brackets, at least one.
  package var addresses: [String]

  package init(host: [UInt8]?, port: UInt16?, addresses: [String]) {
    self.host = host
    self.port = port
    self.addresses = addresses
  }
}

/// `--connect-to HOST1:PORT1:HOST2:PORT2`: connect to the second instead of the first; TLS and Host stay.
package struct ConnectToRule: Hashable, Sendable {
  /// nil is any.
  package var host: [UInt8]?
  package var port: UInt16?
  /// nil keeps the request's own.
  package var targetHost: [UInt8]?
  package var targetPort: UInt16?

  package init(host: [UInt8]?, port: UInt16?, targetHost: [UInt8]?, targetPort: UInt16?) {
    self.host = host
    self.port = port
    self.targetHost = targetHost
    self.targetPort = targetPort
  }
}

/// What is done with bodies.
package struct BodyPolicy: Equatable, Sendable {
  package enum Disposition: UInt8, Sendable { case discard = 0, hash = 1, inline = 2 }

  package var disposition = Disposition.hash
  /// Longest body put into a record.
  package var inlineMaximumBytes = 64 * 1024
  /// Longer bodies, as they come, are cut here and say so.
  package var maximumBytes: UInt64 = 64 * 1024 * 1024
  /// Whether content codings are asked for and undone; what is said of the body is said of the decoded one then.
  package var decodes = false
  /// Of decoded bodies: longer ones end as `decoded_too_large`.
  package var maximumDecodedBytes: UInt64 = 256 * 1024 * 1024
  /// Whether records carry the response's header fields.
  package var includesHeaders = false

  package init() {}
}
