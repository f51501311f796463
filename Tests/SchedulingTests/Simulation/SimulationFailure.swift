/// What must hold in every story, by name: the names that the mutation tests ask for.
enum Invariant: String, CaseIterable {
  /// At the end the recorded set is the input set.
  case everyRowIsRecorded
  case eachRowIsRecordedOnce
  /// Submitted is queued and leased and deferred and recorded, at every step.
  case booksBalance
  case creditIsKept
  /// The sum of an origin's shares over sessions that are not over is within its limit.
  case sharesAreWithinTheLimit
  /// So are the connections that are really open, at agents that are not over their lease.
  case connectionsAreWithinTheLimit
  /// Nothing starts under a lease that the coordinator has given up.
  case holderStopsFirst
  case unsafeRowsStartOnce
  /// A row is given out a second time only if it is idempotent, once, and its holder is suspect.
  case onlySuspectRowsAreDoubled
  /// Nothing is sent to an origin before the pause that it asked for is over.
  case pausesAreKept
  /// `agent_lost` stands only for unsafe rows that had left, `origin_down` only for origins that did not answer.
  case lossesAreTrue
  /// What is acknowledged is on the disk.
  case acknowledgedIsDurable
  /// When all is done and gone, no table holds anything.
  case nothingIsKept
  /// An agent that keeps to the protocol is never refused.
  case honestAgentsAreBelieved
  /// The job ends within a bound once faults have stopped.
  case theJobEnds
}

/// What a simulation found to be wrong.
struct SimulationFailure: Error, CustomStringConvertible {
  let invariant: Invariant
  let text: String

  init(_ invariant: Invariant, _ text: String) {
    self.invariant = invariant
    self.text = text
  }

  var description: String { "\(invariant.rawValue): \(text)" }
}

/// Ways to break the cluster around the scheduler, each of which one invariant has to notice.
enum Mutation: CaseIterable {
  /// The shell forgets rows that were to be sent.
  case losesDispatchedRows
  /// The writer writes a block twice.
  case writesTwice
  /// The shell keeps the lines that the scheduler refused.
  case keepsRefusedLines
  /// Counts that are off by one.
  case miscounts
  /// Rows are sent without regard to credit.
  case ignoresCredit
  /// Shares are told larger than they are.
  case inflatesShares
  /// An agent opens more connections than its share.
  case ignoresShares
  /// An agent starts requests without regard to its lease.
  case ignoresLease
  /// The coordinator gives a session up before its agent does.
  case expiresEarly
  /// After a restart shares are given out at once.
  case skipsQuarantine
  /// The log of unsafe rows is empty after a restart.
  case losesUnsafeLog
  /// Unsafe rows that wait for their log are lost with their session.
  case forgetsToHoldBack
  /// A row is sent to two agents for no reason.
  case doublesAtWill
  /// What origins ask for is kept from the scheduler.
  case hidesPauses
  /// Blocks are acknowledged before they are durable.
  case acknowledgesEarly
  /// Rows are recorded as lost that were never given out.
  case inventsLosses
  /// The scheduler takes an agent's results for somebody else's.
  case mixesUpSessions
  /// An agent never sends its results.
  case holdsResultsBack
  /// Records that the coordinator makes itself are not written.
  case losesOwnRecords
  /// An origin is asked for that has no row.
  case leaksOrigins

  /// What has to notice it; more than one may.
  var noticed: [Invariant] {
    switch self {
    case .losesDispatchedRows, .holdsResultsBack: [.theJobEnds]
    case .acknowledgesEarly: [.acknowledgedIsDurable]
    case .losesOwnRecords: [.everyRowIsRecorded]
    case .leaksOrigins: [.nothingIsKept]
    case .writesTwice, .keepsRefusedLines: [.eachRowIsRecordedOnce]
    case .miscounts: [.booksBalance]
    case .ignoresCredit: [.creditIsKept]
    case .inflatesShares: [.sharesAreWithinTheLimit]
    case .ignoresShares: [.connectionsAreWithinTheLimit]
    case .ignoresLease, .expiresEarly: [.holderStopsFirst]
    case .skipsQuarantine: [.connectionsAreWithinTheLimit, .sharesAreWithinTheLimit]
    case .losesUnsafeLog: [.unsafeRowsStartOnce]
    case .doublesAtWill: [.onlySuspectRowsAreDoubled]
    case .hidesPauses: [.pausesAreKept]
    case .inventsLosses, .forgetsToHoldBack: [.lossesAreTrue]
    case .mixesUpSessions: [.honestAgentsAreBelieved]
    }
  }
}
