package import FetchModel

extension WireEffort {
  package init(_ effort: EffortCounters) {
    self.init()
    attempts = effort.attempts
    connectionsOpened = effort.connectionsOpened
    requestsOnReusedConnections = effort.requestsOnReusedConnections
    handshakesFull = effort.handshakesFull
    handshakesResumed = effort.handshakesResumed
    wireBytesSent = effort.wireBytesSent
    wireBytesReceived = effort.wireBytesReceived
    resolverQueries = effort.resolverQueries
    resolverHits = effort.resolverHits
    resolverFailures = effort.resolverFailures
    resolverTimeouts = effort.resolverTimeouts
    deferred = effort.deferred
    staleRetries = effort.staleRetries
  }
}

extension EffortCounters {
  package init(_ wire: WireEffort) {
    self.init()
    attempts = wire.attempts
    connectionsOpened = wire.connectionsOpened
    requestsOnReusedConnections = wire.requestsOnReusedConnections
    handshakesFull = wire.handshakesFull
    handshakesResumed = wire.handshakesResumed
    wireBytesSent = wire.wireBytesSent
    wireBytesReceived = wire.wireBytesReceived
    resolverQueries = wire.resolverQueries
    resolverHits = wire.resolverHits
    resolverFailures = wire.resolverFailures
    resolverTimeouts = wire.resolverTimeouts
    deferred = wire.deferred
    staleRetries = wire.staleRetries
  }
}
