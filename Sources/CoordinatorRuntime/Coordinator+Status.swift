import FetchModel
import Foundation
import JobStore
import PosixIO
import Scheduling

/// `status.json`: how a job stands, replaced every second while it runs.
struct JobStatus: Codable {
  var version = 1
  var job: String
  /// The file that records go to.
  var results: String
  var pid: Int32
  var updatedAt: String
  /// Since this run began.
  var seconds: Double
  /// Rows read so far, and whether these are all.
  var inputRows: UInt64
  var inputHasEnded: Bool
  var rows: UInt64
  var failedRows: UInt64
  var queued, leased, deferred: UInt64
  var rowsPerSecond: Double
  var agents: [String]
  var parkedOrigins: Int
  var status, errors: [String: UInt64]
}

extension Coordinator {
  private static let statusInterval: UInt64 = 1_000_000_000

  /// One at a time: a stalled disk must not pile them up.
  func writeStatus() {
    guard now >= nextStatus else { return }
    noteLeaves()
    nextStatus = now.adding(nanoseconds: Self.statusInterval)
    guard files.directory != nil, !isWritingStatus else { return }
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    // Numbers and text, so it cannot fail.
    guard let data = try? encoder.encode(standing) else { return }
    isWritingStatus = true
    mailboxes.committer.send(.status(Array(data) + [0x0A]))
  }

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
      inputRows: counts.submitted - min(counts.submitted, plan.unchosenRows),
      inputHasEnded: inputHasEnded,
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
