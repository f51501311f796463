/// What an agent instance did, cumulative since its start.
///
/// The latest report of an instance replaces the one before; reports of several instances are added up. Sums
/// stay at the largest number instead of overflowing, because the numbers come from a peer.
package struct EffortCounters: Equatable, Sendable {
  /// Requests begun, repeated ones and hops of redirects included.
  package var attempts: UInt64 = 0
  /// TCP connections established.
  package var connectionsOpened: UInt64 = 0
  /// Requests sent on a connection that had carried one before.
  package var requestsOnReusedConnections: UInt64 = 0
  /// TLS handshakes with certificates.
  package var handshakesFull: UInt64 = 0
  /// TLS handshakes that resumed a session.
  package var handshakesResumed: UInt64 = 0
  /// Bytes given to the kernel, TLS included.
  package var wireBytesSent: UInt64 = 0
  /// Bytes taken from the kernel, TLS included.
  package var wireBytesReceived: UInt64 = 0
  /// Questions that went to name servers, one a name and address family.
  package var resolverQueries: UInt64 = 0
  /// Names answered from a cache, the hosts file or a look-up that was running already.
  package var resolverHits: UInt64 = 0
  /// Look-ups that gave no address.
  package var resolverFailures: UInt64 = 0
  /// Of these: look-ups that no server answered in time.
  package var resolverTimeouts: UInt64 = 0
  /// Rows handed back to the scheduler.
  package var deferred: UInt64 = 0
  /// Immediate repeats after a kept-alive connection turned out closed.
  package var staleRetries: UInt64 = 0

  package init() {}

  /// Adds the work of another instance.
  package mutating func add(_ other: EffortCounters) {
    attempts.addSaturating(other.attempts)
    connectionsOpened.addSaturating(other.connectionsOpened)
    requestsOnReusedConnections.addSaturating(other.requestsOnReusedConnections)
    handshakesFull.addSaturating(other.handshakesFull)
    handshakesResumed.addSaturating(other.handshakesResumed)
    wireBytesSent.addSaturating(other.wireBytesSent)
    wireBytesReceived.addSaturating(other.wireBytesReceived)
    resolverQueries.addSaturating(other.resolverQueries)
    resolverHits.addSaturating(other.resolverHits)
    resolverFailures.addSaturating(other.resolverFailures)
    resolverTimeouts.addSaturating(other.resolverTimeouts)
    deferred.addSaturating(other.deferred)
    staleRetries.addSaturating(other.staleRetries)
  }

  /// The work of two instances together.
  package static func + (left: EffortCounters, right: EffortCounters) -> EffortCounters {
    var sum = left
    sum.add(right)
    return sum
  }
}
