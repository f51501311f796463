import FetchModel
import Foundation
import JobStore
import PosixIO
import Scheduling

/// When `status.json` is written next.
struct StatusProgress {
  var due: Instant
  /// One at a time: a stalled disk must not pile them up.
  var isBeingWritten = false
}

/// How a job stands, written down every second.
extension Coordinator {
  private static let statusInterval: UInt64 = 1_000_000_000

  func writeStatus() {
    guard now >= statusFile.due else { return }
    noteLeaves()
    statusFile.due = now.adding(nanoseconds: Self.statusInterval)
    guard files.directory != nil, !statusFile.isBeingWritten else { return }
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Numbers and text, so it cannot fail.
    guard let data = try? encoder.encode(standing) else { return }
    statusFile.isBeingWritten = true
    mailboxes.committer.send(.status(Array(data) + [0x0A]))
  }

  /// Rows read so far that this pass is about.
  var chosenRowsRead: UInt64 { scheduler.counts.submitted - min(scheduler.counts.submitted, plan.unchosenRows) }

  private var standing: JobStatus {
    let counts = scheduler.counts
    let seconds = Double(now.nanoseconds(since: startedAt)) / 1e9
    let earlier = plan.recovered?.counters.rows ?? 0
    return JobStatus(
      job: hexadecimal(files.identifier),
      results: files.pass.resultsName,
      pid: PosixIO.Process.identifier,
      updatedAt: Date().formatted(.iso8601),
      seconds: seconds,
      inputRows: chosenRowsRead,
      inputHasEnded: input.hasEnded,
      rows: records.rows,
      failedRows: records.failedRows,
      queued: counts.queued,
      leased: counts.leased,
      deferred: counts.deferred,
      rowsPerSecond: seconds > 0 ? Double(records.rows - earlier) / seconds : 0,
      agents: peers.values.map(\.name).sorted(),
      parkedOrigins: scheduler.parkedOriginCount,
      status: JobReport.statuses(of: records),
      errors: JobReport.errors(of: records)
    )
  }
}
