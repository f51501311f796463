package import FetchModel

/// What has to be given up of a job that is not served.
package struct DroppedResults: Equatable, Sendable {
  package enum Cause: Equatable, Sendable {
    /// Nobody has come for it in time.
    case unclaimed
    /// More is kept than there is room for.
    case noRoom
  }

  package let job: [UInt8]
  /// That were finished and have to be done again.
  package let rows: Int
  package let cause: Cause

  package init(job: [UInt8], rows: Int, cause: Cause) {
    self.job = job
    self.rows = rows
    self.cause = cause
  }
}

/// What an agent keeps of jobs whose coordinators are gone while it works for another: by job, the blocks that were
/// not acknowledged. Pure.
///
/// All of it is named in each hello, so that the coordinator of such a job, when it is back, gives its rows to nobody
/// else. Bounded in time, bytes, jobs and rows; the job that was served longest ago goes first.
package struct Shelves<Payload: OutboxPayload>: Sendable {
  package struct Limits: Equatable, Sendable {
    /// For how long a job is kept that is not served.
    package var hold: Duration
    package var bytes: Int
    package var jobs: Int
    package var rows: Int

    package init(hold: Duration, bytes: Int, jobs: Int, rows: Int) {
      self.hold = hold
      self.bytes = bytes
      self.jobs = jobs
      self.rows = rows
    }
  }

  /// What is kept of one job.
  private struct Shelf: Sendable {
    let job: [UInt8]
    let outbox: Outbox<Payload>
    /// Its rows, ascending.
    let rows: [UInt64]
    /// When its coordinator was heard last.
    let servedAt: Instant
  }

  private let limits: Limits
  /// In the order in which they were put here, which is that of their last service: an agent serves one job at a time.
  private var shelves: [Shelf] = []

  package init(_ limits: Limits) { self.limits = limits }

  package var isEmpty: Bool { shelves.isEmpty }

  /// What a hello names: by job the rows, ascending.
  package var contents: [(job: [UInt8], rows: [UInt64])] { shelves.map { ($0.job, $0.rows) } }

  /// Rows that would have to be done again if all of it were lost.
  package var finishedRows: Int { shelves.reduce(0) { $0 + $1.outbox.finishedRows } }

  /// Another job begins: what is kept of it comes off its shelf and is to be sent in this session, and what is left of
  /// the one before goes to its own. Returns what there was no room for.
  package mutating func exchange(
    _ outbox: inout Outbox<Payload>,
    of job: [UInt8],
    servedAt: Instant,
    for next: [UInt8]
  ) -> [DroppedResults] {
    precondition(job != next, "a job cannot follow itself")
    let left = outbox
    outbox = shelves.first { $0.job == next }?.outbox ?? Outbox()
    shelves.removeAll { $0.job == next }
    outbox.beginSession()
    return left.isEmpty ? [] : put(left, of: job, servedAt: servedAt)
  }

  private mutating func put(_ outbox: Outbox<Payload>, of job: [UInt8], servedAt: Instant) -> [DroppedResults] {
    precondition(!shelves.contains { $0.job == job }, "a job has one shelf")
    let shelf = Shelf(job: job, outbox: outbox, rows: Set(outbox.seqs).sorted(), servedAt: servedAt)
    // Others would go in vain.
    guard fits([shelf]) else { return [Self.dropped(shelf, .noRoom)] }
    shelves.append(shelf)
    var dropped: [DroppedResults] = []
    while !fits(shelves) { dropped.append(Self.dropped(shelves.removeFirst(), .noRoom)) }
    return dropped
  }

  private func fits(_ shelves: [Shelf]) -> Bool {
    shelves.count <= limits.jobs && shelves.reduce(0) { $0 + $1.outbox.bytes } <= limits.bytes
      && shelves.reduce(0) { $0 + $1.rows.count } <= limits.rows
  }

  /// Drops what was kept for its time.
  package mutating func expire(now: Instant) -> [DroppedResults] {
    let over = shelves.filter { now >= $0.servedAt + limits.hold }
    if !over.isEmpty { shelves.removeAll { now >= $0.servedAt + limits.hold } }
    return over.map { Self.dropped($0, .unclaimed) }
  }

  private static func dropped(_ shelf: Shelf, _ cause: DroppedResults.Cause) -> DroppedResults {
    DroppedResults(job: shelf.job, rows: shelf.outbox.finishedRows, cause: cause)
  }
}
