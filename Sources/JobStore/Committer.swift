import FetchModel
import Glibc
package import PosixIO

// Theory of operation
//
// One thread owns the record file, so that a slow disk delays neither beats nor work. Blocks are appended as they come
// and made durable together: every 200 ms, or at once when asked, because nobody has work or somebody's credit runs
// out. Only what is durable is reported, and only that is acknowledged to agents. A failed write or sync ends the
// job: after it nobody knows what the disk holds (fsync(2)).

/// Where records go.
package enum RecordSink: ~Copyable {
  /// Appended and made durable.
  case file(Descriptor)
  /// Another program reads them; taken as delivered once written.
  case standardOutput
}

/// Lines to be appended, and whom to tell when they are durable.
package struct CommitRequest: Sendable {
  package let lines: [UInt8]
  /// 0: nobody waits for it.
  package let session: UInt64
  package let block: UInt64

  package init(lines: [UInt8], session: UInt64, block: UInt64) {
    self.lines = lines
    self.session = session
    self.block = block
  }
}

package enum CommitterCommand: Sendable {
  case append(CommitRequest)
  /// Do not wait for the interval.
  case hurry
  /// The same, and say when it is done.
  case flush
  /// Flush and end.
  case stop
}

package enum CommitterReport: Sendable {
  /// All blocks of the session up to this one.
  case durable(session: UInt64, block: UInt64)
  /// Everything appended so far is durable; answers `flush` and `stop`.
  case idle
  case failed(String)
}

/// The body of the writer thread.
package struct Committer: ~Copyable {
  private static let interval: UInt64 = 200_000_000

  private let sink: RecordSink
  private let inbox: Mailbox<CommitterCommand>
  private let report: @Sendable (CommitterReport) -> Void
  /// Highest block of each session since the last sync.
  private var waiting: [(session: UInt64, block: UInt64)] = []
  private var oldest: Instant?
  /// Of the file, in whole blocks.
  private var length = 0

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
    do throws(SystemError) {
      while true {
        inbox.signal.wait(milliseconds: patience())
        var isUrgent = false
        var isAsked = false
        var isOver = false
        for command in inbox.drain() {
          switch command {
          case .append(let request): try append(request)
          case .hurry: isUrgent = true
          case .flush: isAsked = true
          case .stop: isOver = true
          }
        }
        if isUrgent || isAsked || isOver || patience() == 0 { try sync() }
        if isAsked || isOver { report(.idle) }
        if isOver { return }
      }
    } catch {
      report(.failed(error.description))
    }
  }

  /// Milliseconds until the next sync is due; nil if nothing waits for one.
  private func patience() -> Int32? {
    guard let oldest else { return nil }
    let age = Clock.now().nanoseconds(since: oldest)
    return age >= Self.interval ? 0 : Int32((Self.interval - age) / 1_000_000) + 1
  }

  private mutating func append(_ request: CommitRequest) throws(SystemError) {
    switch sink {
    case .file(let descriptor):
      do throws(SystemError) {
        try writeAll(request.lines, to: descriptor.rawValue)
      } catch {
        // A full disk takes a part of a block, and would leave a torn line.
        _ = ftruncate(descriptor.rawValue, length)
        throw error
      }
      length += request.lines.count
    case .standardOutput: try writeAll(request.lines, to: STDOUT_FILENO)
    }
    if let index = waiting.firstIndex(where: { $0.session == request.session }) {
      waiting[index].block = request.block
    } else {
      waiting.append((request.session, request.block))
    }
    if oldest == nil { oldest = Clock.now() }
  }

  private mutating func sync() throws(SystemError) {
    guard oldest != nil else { return }
    switch sink {
    case .file(let descriptor):
      guard fdatasync(descriptor.rawValue) == 0 else { throw SystemError("fdatasync") }
    case .standardOutput: break
    }
    for entry in waiting where entry.session != 0 { report(.durable(session: entry.session, block: entry.block)) }
    waiting.removeAll(keepingCapacity: true)
    oldest = nil
  }
}
