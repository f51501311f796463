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

/// Rows of an origin to give back if they were not started; they come as deferrals.
package struct Recall: Equatable, Sendable {
  package let origin: UInt32
  package let seqs: [UInt64]
}

/// What a session is to be told. Shares come into force before the rows.
package struct Dispatch: Equatable, Sendable {
  package let session: UInt64
  package var shares: [ShareGrant] = []
  package var rows: [UInt64] = []
  package var recalls: [Recall] = []

  var isEmpty: Bool { shares.isEmpty && rows.isEmpty && recalls.isEmpty }
}

/// What an agent has in hand when it says hello: rows under way and connections if the coordinator was started again,
/// and in any case, without an origin, rows that are finished and not acknowledged.
package struct Holding: Equatable, Sendable {
  /// The origin's number in the agent's old epoch; 0 for none.
  package let origin: UInt32
  package let key: [UInt8]
  package let connections: Int
  package let rows: [UInt64]

  package init(origin: UInt32, key: [UInt8], connections: Int, rows: [UInt64]) {
    self.origin = origin
    self.key = key
    self.connections = connections
    self.rows = rows
  }
}

/// The answer to a hello.
package struct Reception: Equatable, Sendable {
  package let session: UInt64
  /// The earlier session of the same instance, which is over.
  package var fenced: SessionEnd?
  /// The numbers in this epoch of the origins that the agent holds.
  package var renumbered: [(held: UInt32, origin: UInt32)] = []

  package static func == (left: Reception, right: Reception) -> Bool {
    left.session == right.session && left.fenced == right.fenced
      && left.renumbered.map(\.held) == right.renumbered.map(\.held)
      && left.renumbered.map(\.origin) == right.renumbered.map(\.origin)
  }
}

/// What the end of a session did to its rows.
package struct SessionEnd: Equatable, Sendable {
  package let session: UInt64
  package let agent: String
  /// Given out again.
  package let requeued: Int
  /// Unsafe rows whose fate is unknown: to be recorded as `agent_lost`. They count as recorded already.
  package let lost: [EndedRow]
}

/// A row that ends without a result; it counts as recorded already.
package struct EndedRow: Equatable, Sendable {
  package let seq: UInt64
  package let location: UInt64
  package let attempts: UInt16
}

/// Rows of an origin that was given up: to be recorded as `origin_down`.
package struct GivenUpOrigin: Equatable, Sendable {
  package let key: [UInt8]
  package let failures: Int
  package let lastFailure: FailureCode?
  package let rows: [EndedRow]
}

/// What time has brought.
package struct Passing: Equatable, Sendable {
  package var ends: [SessionEnd] = []
  package var givenUp: [GivenUpOrigin] = []
  /// Unsafe rows of an earlier epoch whose fate nobody knows: to be recorded as `agent_lost`.
  package var lost: [EndedRow] = []
}

/// What became of a block of results.
package struct Acceptance: Equatable, Sendable {
  /// Where the lines of the rows were that are recorded now.
  package var freed: [UInt64] = []
  /// Positions in the block of rows whose results do not count, in order: recorded already, or tried again.
  package var refused: [Int] = []

  package init() {}
}

/// What became of a row that was read.
package enum Intake: Equatable, Sendable {
  /// It waits, or an agent has it already.
  case taken(seq: UInt64)
  /// It was recorded before it was read: an agent brought its result from before the coordinator's start.
  case recorded(seq: UInt64)
  /// An unsafe row of an earlier epoch whose fate nobody knows: to be recorded as `agent_lost`.
  case lost(EndedRow)
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
