import FetchModel
import JobStore

/// What is to be done, whether the job is new, goes on, or is gone over again.
struct JobPlan: Sendable {
  var configuration: CoordinatorConfiguration
  var files: JobFiles
  /// What an earlier run of this pass has left.
  var recovered: RecoveredPass?
  var settled = SettledRows()
  /// Rows that the pass is not about, for its counts.
  var unchosenRows: UInt64 = 0
  /// Unsafe rows may leave again in this run, but not in a later one.
  var logsRepeatedRows = false
  var input: InputPlace
  var inputName: String
  /// nil for standard output.
  var writer: PassHandover?

  /// An earlier run has found that the list was cut off, and not ended the pass.
  var isGoingOnWithCutInput: Bool { recovered?.inputWasCut == true }

  /// What came through a pipe is in the folder, and nowhere else.
  var isSpooled: Bool {
    switch input {
    case .file: false
    case .pipe, .spool: true
    }
  }
}

extension JobPlan {
  /// Makes it a pass over some rows.
  mutating func choose(_ choice: RowChoice, _ selection: RowSelection) {
    settled.settled = choice.others
    unchosenRows = choice.rows - choice.chosen.count
    if selection.includesUnclear {
      configuration.job.retry.includesUnsafe = true
    } else {
      settled.unclear = choice.unclear
    }
  }
}
