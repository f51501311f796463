package import FetchModel

/// Connections to an origin, as they are told to a session.
package struct ShareGrant: Equatable, Sendable {
  package let origin: UInt32
  package let connections: Int

  package init(origin: UInt32, connections: Int) {
    self.origin = origin
    self.connections = connections
  }
}

/// One message's worth of work for a session. Shares come into force before the rows.
package struct Dispatch: Equatable, Sendable {
  package let session: UInt64
  package var shares: [ShareGrant] = []
  package var rows: [UInt64] = []
}

/// What the end of a session did to its rows.
package struct SessionEnd: Equatable, Sendable {
  package let session: UInt64
  package let agent: String
  /// Given out again.
  package let requeued: Int
  /// Unsafe rows whose fate is unknown: to be recorded as `agent_lost`. They count as recorded already.
  package let lost: [LostRow]
}

/// A row that ended with its session.
package struct LostRow: Equatable, Sendable {
  package let seq: UInt64
  package let location: UInt64
  package let attempts: UInt16
}

/// Why results or deferrals were not taken.
package enum Refusal: Error, Equatable, Sendable {
  /// No such session (any more): hello again.
  case unknownSession
  /// A row of the block is not this session's to report: the session is to be fenced.
  case notLeased(seq: UInt64)
}

/// Where the rows are. Submitted is the sum of the others.
package struct RowCounts: Equatable, Sendable {
  package var submitted: UInt64 = 0
  package var queued: UInt64 = 0
  package var leased: UInt64 = 0
  package var deferred: UInt64 = 0
  package var recorded: UInt64 = 0
}

/// What travels with a row besides its line.
package struct RowTicket: Equatable, Sendable {
  package let location: UInt64
  package let origin: UInt32
  package let elapsedMilliseconds: UInt32
  package let attempts: UInt16
  package let mustNotRepeat: Bool
  package let redirect: RedirectState?
}
