package import FetchModel
import Glibc
package import PosixIO

// Theory of operation
//
// One thread owns the files of a pass, so that a slow disk delays neither beats nor work. Blocks are appended as they
// come and made durable together: every 200 ms, or at once when asked, because nobody has work or somebody's credit
// runs out. Only what is durable is reported, and only that is acknowledged to agents. Journal entries that somebody
// waits for, because rows may not leave before, do not wait for the interval: all that came together are made durable
// by one sync of the journal alone. A failed write or sync ends the job: after it nobody knows what the disk holds
// (fsync(2)).

/// Where records go.
package enum RecordSink: ~Copyable {
  /// Appended and made durable.
  case pass(PassWriter)
  /// Another program reads them; taken as delivered once written. There is no journal and no status.
  case standardOutput
}

/// Lines to be appended, with the column of each, and whom to tell when they are durable.
package struct CommitRequest: Sendable {
  package let lines: [UInt8]
  package let columns: [ResultColumn]
  /// 0: nobody waits for it.
  package let session: UInt64
  package let block: UInt64

  package init(lines: [UInt8], columns: [ResultColumn], session: UInt64, block: UInt64) {
    self.lines = lines
    self.columns = columns
    self.session = session
    self.block = block
  }
}

package enum CommitterCommand: Sendable {
  case append(CommitRequest)
  /// With a ticket, durable at once and reported; without, durable with the next sync of any kind. Tickets grow.
  case journal(entries: [JournalEntry], ticket: UInt64?)
  /// Replaces `status.json`.
  case status([UInt8])
  /// Do not wait for the interval.
  case hurry
  /// The same, and say when it is done.
  case flush
  /// Flush and end.
  case stop
}

package enum CommitterReport: Equatable, Sendable {
  /// All blocks of the session up to this one.
  case durable(session: UInt64, block: UInt64)
  /// So many bytes of lines, all those that `durable` is about and those that nobody waits for.
  case committed(bytes: Int)
  /// All entries with tickets up to this one.
  case journaled(ticket: UInt64)
  case statusWritten
  /// Everything appended so far is durable; answers `flush` and `stop`.
  case idle
  /// The last report.
  case failed(CommitFailure)
}

/// Why nothing more is recorded.
package enum CommitFailure: Error, Equatable, Sendable {
  /// The reader of standard output has closed it: it wants no more, which is nobody's fault.
  case brokenPipe
  /// What failed and what to do, in one line.
  case failed(String)
}

/// The body of the writer thread.
package struct Committer: ~Copyable {
  private static let interval: UInt64 = 200_000_000

  private var sink: RecordSink
  private let inbox: Mailbox<CommitterCommand>
  private let report: @Sendable (CommitterReport) -> Void
  /// Highest block of each session since the last sync.
  private var waiting: [(session: UInt64, block: UInt64)] = []
  private var oldest: Instant?
  /// Appended since the last sync.
  private var openBytes = 0

  /// What was asked for by the commands of one drain.
  private struct Wishes {
    var isUrgent = false
    var isAsked = false
    var isOver = false
    var ticket: UInt64?
    var status: [UInt8]?
  }

  package init(
    _ sink: consuming RecordSink,
    inbox: Mailbox<CommitterCommand>,
    report: @escaping @Sendable (CommitterReport) -> Void
  ) {
    self.sink = sink
    self.inbox = inbox
    self.report = report
  }

  /// Runs until `stop` comes or the sink fails.
  package mutating func run() {
    do throws(CommitFailure) {
      while true {
        inbox.signal.wait(milliseconds: patience())
        var wishes = Wishes()
        for command in inbox.drain() { try take(command, &wishes) }
        if let ticket = wishes.ticket {
          try sink.syncJournal()
          report(.journaled(ticket: ticket))
        }
        if let status = wishes.status {
          try sink.replaceStatus(status)
          report(.statusWritten)
        }
        let isDue = wishes.isUrgent || patience() == 0
        if wishes.isAsked || wishes.isOver || (isDue && oldest != nil) { try commit() }
        if wishes.isAsked || wishes.isOver { report(.idle) }
        if wishes.isOver { return }
      }
    } catch {
      report(.failed(error))
    }
  }

  private mutating func take(_ command: CommitterCommand, _ wishes: inout Wishes) throws(CommitFailure) {
    switch command {
    case .append(let request): try append(request)
    case .journal(let entries, let ticket):
      try sink.journal(entries)
      wishes.ticket = ticket ?? wishes.ticket
    case .status(let bytes): wishes.status = bytes
    case .hurry: wishes.isUrgent = true
    case .flush: wishes.isAsked = true
    case .stop: wishes.isOver = true
    }
  }

  /// Milliseconds until the next sync is due; nil if nothing waits for one.
  private func patience() -> Int32? {
    guard let oldest else { return nil }
    if sink.isStandardOutput { return 0 }
    let age = Clock.now().nanoseconds(since: oldest)
    return age >= Self.interval ? 0 : Int32((Self.interval - age) / 1_000_000) + 1
  }

  private mutating func append(_ request: CommitRequest) throws(CommitFailure) {
    try sink.append(request)
    openBytes += request.lines.count
    if let index = waiting.firstIndex(where: { $0.session == request.session }) {
      waiting[index].block = request.block
    } else {
      waiting.append((request.session, request.block))
    }
    if oldest == nil { oldest = Clock.now() }
  }

  private mutating func commit() throws(CommitFailure) {
    try sink.commit()
    for entry in waiting where entry.session != 0 { report(.durable(session: entry.session, block: entry.block)) }
    if openBytes > 0 { report(.committed(bytes: openBytes)) }
    openBytes = 0
    waiting.removeAll(keepingCapacity: true)
    oldest = nil
  }
}

// MARK: - What each sink does

extension RecordSink {
  fileprivate var isStandardOutput: Bool {
    switch self {
    case .pass: false
    case .standardOutput: true
    }
  }

  fileprivate mutating func append(_ request: CommitRequest) throws(CommitFailure) {
    guard isStandardOutput else {
      return try write { (pass) throws(JobStoreError) in
        try pass.append(lines: request.lines, columns: request.columns)
      }
    }
    do throws(OutputFailure) {
      try StandardOutput.write(request.lines)
    } catch {
      switch error {
      case .brokenPipe: throw .brokenPipe
      case .failed(let error): throw .failed("cannot write records to standard output: \(error.reason)")
      }
    }
  }

  fileprivate mutating func journal(_ entries: [JournalEntry]) throws(CommitFailure) {
    try write { (pass) throws(JobStoreError) in try pass.journal(entries) }
  }

  fileprivate mutating func syncJournal() throws(CommitFailure) {
    try write { (pass) throws(JobStoreError) in try pass.syncJournal() }
  }

  fileprivate mutating func replaceStatus(_ bytes: [UInt8]) throws(CommitFailure) {
    try write { (pass) throws(JobStoreError) in try pass.replaceStatus(bytes) }
  }

  fileprivate mutating func commit() throws(CommitFailure) {
    try write { (pass) throws(JobStoreError) in try pass.commit() }
  }

  /// Does something to the files of the pass, if there is one.
  private mutating func write(_ body: (inout PassWriter) throws(JobStoreError) -> Void) throws(CommitFailure) {
    switch consume self {
    case .standardOutput: self = .standardOutput
    case .pass(var pass):
      do throws(JobStoreError) {
        try body(&pass)
        self = .pass(pass)
      } catch {
        self = .pass(pass)
        throw .failed(error.description)
      }
    }
  }
}
