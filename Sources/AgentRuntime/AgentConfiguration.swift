package import FetchClient
package import Keys
package import Resolver

/// What an agent was told on its command line, validated; immutable.
package struct AgentConfiguration: Sendable {
  /// ZeroMQ endpoint to dial.
  package var coordinator: String
  package var threads: Int
  /// Connections over all origins and threads.
  package var connections: Int
  /// End after the first job.
  package var once = false
  /// For how long finished rows are kept for a coordinator that is away.
  package var hold = Duration.seconds(3600)
  /// Nothing is encrypted without.
  package var keys: AgentKeys?
  package var dialing = DialingPolicy()
  package var resolver = ResolverSettings()
  /// Bytes that all decoders of bodies may take together.
  package var decoderBytes = 256 * 1024 * 1024
  /// A pipe whose end means that whoever started this process is gone.
  package var lifeline: Int32?

  package init(coordinator: String, threads: Int, connections: Int) {
    self.coordinator = coordinator
    self.threads = threads
    self.connections = connections
  }

  /// Rows that may wait here: enough to bridge a round trip at full speed.
  var creditRows: Int { min(16_384, max(1024, connections * 16)) }
  var creditBytes: Int { 32 * 1024 * 1024 }
}
