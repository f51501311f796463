import FetchModel
import Scheduling

/// A session as the shell keeps it.
struct SimulatedPeer {
  let session: UInt64
  let instance: [UInt8]
  let agent: Int
  let connection: Int
  var incoming = MessageOrder()
  var outgoing = MessageOrder()
  var lastBlock: UInt64 = 0
  /// Blocks that wait for the disk; a deferral block has nothing to wait for.
  var unsettled: [Unsettled] = []

  struct Unsettled {
    let block: UInt64
    /// Rows whose records it holds.
    let seqs: [UInt64]
    var isDurable = false
  }
}

/// What is on the disk, and on its way there.
struct SimulatedDisk {
  struct Commit {
    let seqs: [UInt64]
    let session: UInt64
    let block: UInt64
    let due: Instant
  }

  /// How often each row stands in the results.
  var records: [Int]
  var queue: [Commit] = []
  /// The instance that each unsafe row left to last.
  var unsafeLog: [[UInt8]?]
  /// Instances that hold a lease.
  var instances: [[UInt8]] = []
  var stalledUntil = Instant.zero

  init(rows: Int) {
    records = Array(repeating: 0, count: rows)
    unsafeLog = Array(repeating: nil, count: rows)
  }
}

/// A line of the input.
struct PlannedRow {
  /// Number of the row's own origin; nil for a line that is no request.
  let home: Int?
  let length: Int
  let isUnsafe: Bool
}
