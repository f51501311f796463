package import FetchModel
package import PosixIO

/// What became of a look-up.
package enum Resolution: Equatable, Sendable {
  /// At least one address, in the order to be tried; ports are 0.
  case addresses([SocketAddress])
  /// The name does not exist.
  case notFound
  /// The name exists and has no address of the family asked for.
  case noAddress
  /// The name server failed; with what it said.
  case failed(String)
  /// No answer in time about this name, from servers that answer other questions.
  case timedOut(String)
  /// No server answers anything at all, or the resolver itself cannot work: local trouble, not the name's.
  case unavailable(String)

  /// Empty for everything but addresses.
  package var addresses: [SocketAddress] {
    if case .addresses(let addresses) = self { return addresses }
    return []
  }
}

/// One answer to an asker.
package struct ResolverAnswer: Equatable, Sendable {
  package let resolution: Resolution
  /// Until when the asker may use it without asking again.
  package let expiresAt: Instant
  /// Whether this is the last answer. If not, it has the addresses of one family, and exactly one more answer follows:
  /// the addresses of both, sorted anew.
  package let isFinal: Bool

  package init(resolution: Resolution, expiresAt: Instant, isFinal: Bool) {
    self.resolution = resolution
    self.expiresAt = expiresAt
    self.isFinal = isFinal
  }
}

/// Where to ask, and for how long.
package struct ResolverSettings: Equatable, Sendable {
  /// Name servers like "1.1.1.1,1.1.1.1:5353,::1,[::1],[::1]:5353"; nil for the system's.
  package var servers: String?
  package var hostsPath = "/etc/hosts"
  /// Where the system's name servers and search domains stand, resolv.conf(5).
  package var resolvPath = "/etc/resolv.conf"
  /// For the whole look-up of a name: all tries, all servers.
  package var lookupTimeout: Duration = .seconds(5)

  package init(servers: String? = nil) { self.servers = servers }

  /// What is wrong with a list of servers; nil if it is fine.
  static package func problem(ofServers text: String) -> String? { ServerList.problem(of: text) }
}

/// What the resolver has done since it began.
package struct ResolverCounters: Equatable, Sendable {
  /// Questions that went to servers, one for a name and family however often it was repeated.
  package var queries: UInt64 = 0
  /// Asks answered from the cache or the hosts file, or that joined a running look-up.
  package var hits: UInt64 = 0
  /// Look-ups that ended without an address.
  package var failures: UInt64 = 0
  /// Those of them for which nothing came in time.
  package var timeouts: UInt64 = 0

  package init(queries: UInt64 = 0, hits: UInt64 = 0, failures: UInt64 = 0, timeouts: UInt64 = 0) {
    self.queries = queries
    self.hits = hits
    self.failures = failures
    self.timeouts = timeouts
  }
}
