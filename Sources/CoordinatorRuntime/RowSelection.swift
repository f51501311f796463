import FetchModel
import Foundation
import JobStore

/// Which rows of a job that has ended are to be fetched again.
package struct RowSelection: Codable, Equatable, Sendable {
  /// Those that failed, whatever the status.
  package var failed: Bool
  /// Those with such a status, first to last of each range.
  package var statuses: [ClosedRange<UInt16>]
  /// Unsafe requests that may have been carried out, too.
  package var includesUnclear: Bool

  package init(failed: Bool, statuses: [ClosedRange<UInt16>], includesUnclear: Bool) {
    self.failed = failed
    self.statuses = statuses
    self.includesUnclear = includesUnclear
  }

  func chooses(_ column: ResultColumn) -> Bool {
    failed && column.failure != nil || column.status > 0 && statuses.contains { $0.contains(column.status) }
  }

  /// As the journal of a pass keeps it.
  var encoded: [UInt8] {
    get throws { Array(try JSONEncoder().encode(self)) }
  }

  /// From there; nil if it is damaged.
  init?(decoding bytes: [UInt8]) {
    guard let selection = try? JSONDecoder().decode(RowSelection.self, from: Data(bytes)) else { return nil }
    self = selection
  }
}

/// The rows of a job that are to be fetched again.
struct RowChoice {
  private(set) var chosen = RowSet()
  /// Of these, requests that may have been carried out: not to be sent again if they must not be sent twice.
  private(set) var unclear = RowSet()
  /// All rows of the job.
  private(set) var rows: UInt64 = 0

  /// By what `passes` say of each row. `followsRedirects`: a failure may be that of a later request than the row's own.
  init(_ selection: RowSelection, in directory: JobDirectory, passes: [Pass], followsRedirects: Bool) throws {
    try CurrentRecords(of: passes, in: directory.files).forEachCurrentColumn { column in
      rows = max(rows, column.seq + 1)
      guard selection.chooses(column) else { return }
      chosen.insert(column.seq)
      if column.mayHaveBeenSent(followsRedirects: followsRedirects) { unclear.insert(column.seq) }
    }
  }

  var others: RowSet {
    var others = RowSet()
    for seq in 0..<rows where !chosen.contains(seq) { others.insert(seq) }
    return others
  }
}

extension ResultColumn {
  /// Whether the row's own request may have reached its server: of one that must not be sent twice, nobody knows then
  /// what a second one would do.
  package func mayHaveBeenSent(followsRedirects: Bool) -> Bool {
    // An answer came, whatever it said.
    guard let failure, status == 0 else { return true }
    switch failure {
    case .invalidURL, .invalidRequest, .invalidJSON, .lineTooLong: return false
    case .originDown: return attempts > 0
    default: return attempts > 1 || followsRedirects || failure.mayComeAfterSending
    }
  }
}
