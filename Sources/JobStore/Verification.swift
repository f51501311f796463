import FetchModel
import Records

// Theory of operation
//
// Each pass is read once, front to back: its journal first, which says whether it has ended and with how many rows,
// then its lines beside its index. What a crash may leave at the end of the files of a pass that has not ended is no
// fault, because `recover` puts it right; everything else is. Memory is a bit for each row of two passes.

/// Looks at all files of a job; changes nothing unless the index is to be made anew from the lines.
package func verify(_ path: String, rebuilding: Bool = false) throws(JobStoreError) -> VerifyReport {
  let directory = try JobDirectory(opening: path)
  if let process = try directory.runningCoordinator() { throw JobStoreError.coordinatorRuns(process, path) }
  guard rebuilding else { return try verify(in: directory.files) }
  switch try directory.lock() {
  case .coordinatorRuns(let process): throw JobStoreError.coordinatorRuns(process, path)
  case .agentsLinger:
    throw JobStoreError("agents of the job in \(path) are still ending; try again in some seconds")
  case .taken(let lock, let own):
    for pass in try directory.passes() { try rebuildIndex(of: pass, in: directory.files) }
    let report = try verify(in: directory.files)
    _ = consume lock
    _ = consume own
    return report
  }
}

/// The same for a folder that nobody works on.
package func verify(in files: any FileLayer) throws(JobStoreError) -> VerifyReport {
  var verification = Verification(files)
  for pass in try Pass.all(in: files) { try verification.check(pass) }
  return verification.report()
}

private struct Verification {
  /// What the journal of a pass says.
  private struct History {
    var identifier: [UInt8]?
    var endedRows: UInt64?
    var entries = 0
  }

  private let files: any FileLayer
  private var findings = Findings()
  private var mainRows = RowSet()
  private var unfinished = 0
  private var retried: UInt64 = 0
  private var retryPasses = 0

  init(_ files: any FileLayer) { self.files = files }

  mutating func check(_ pass: Pass) throws(JobStoreError) {
    let history = try checkJournal(of: pass)
    if history.endedRows == nil { unfinished += 1 }
    guard let results = try OpenFile.openIfPresent(pass.resultsName, in: files) else {
      if history.entries > 1 { findings.add(.file, "\(pass.resultsName) is missing") }
      return
    }
    if history.identifier == nil, try results.size() > 0 {
      findings.add(.journal, "\(pass.journalName) is missing or damaged at its beginning")
    }
    let (rows, below) = try checkLines(results, of: pass, history)
    if let count = history.endedRows {
      checkRows(rows, of: pass, count, below)
      try checkSummary(of: pass, rows.count)
    }
    switch pass {
    case .main: mainRows = rows
    case .retry:
      retried += rows.count
      retryPasses += 1
    }
  }

  func report() -> VerifyReport {
    let rows = grouped(mainRows.count)
    if findings.total > 0 {
      let faults = findings.total == 1 ? "1 fault" : "\(grouped(findings.total)) faults"
      return VerifyReport(verdict: .notSound, lines: findings.lines + ["not sound: \(faults), \(rows) rows recorded"])
    }
    if unfinished > 0 {
      let sum = "not finished: \(rows) rows recorded; go on with: coordinator resume \(files.path)"
      return VerifyReport(verdict: .notFinished, lines: findings.lines + [sum])
    }
    var sum = "sound: \(rows) rows, each recorded once"
    if retryPasses > 0 {
      let passes = retryPasses == 1 ? "1 pass" : "\(retryPasses) passes"
      sum += "; \(grouped(retried)) more records of rows tried again in \(passes)"
    }
    return VerifyReport(verdict: .sound, lines: findings.lines + [sum])
  }

  // MARK: Journal

  private mutating func checkJournal(of pass: Pass) throws(JobStoreError) -> History {
    var history = History()
    guard let file = try OpenFile.openIfPresent(pass.journalName, in: files) else { return history }
    var journal = try JournalReader(file)
    var damage: UInt64?
    while let entry = try journal.next() {
      history.entries += 1
      damage = journal.takeDamage() ?? damage
      switch entry {
      case .began(let name, _): history.identifier = name
      case .ended(let rows): history.endedRows = rows
      case .unsafeRowsUnknown:
        // Somebody was told of the loss and went on.
        findings.note("\(pass.journalName): a part was lost, so rows that must not be sent twice may have been")
        damage = nil
      case .joined, .left, .unsafeRowsLeft, .unsafeRowsReturned, .inputRead, .inputEnded, .inputCut: break
      }
    }
    if let damage {
      findings.add(.journal, "\(pass.journalName): damaged at byte \(damage), with whole entries behind it")
    }
    let rest = try file.size() - journal.offset
    if rest > 0 {
      let text = "\(pass.journalName): no whole entry at byte \(journal.offset)"
      if history.endedRows == nil { note(text, rest) } else { findings.add(.journal, text) }
    }
    return history
  }

  /// A torn end of a pass that has not ended.
  private mutating func note(_ text: String, _ rest: UInt64) {
    findings.note("\(text); resume cuts what follows (\(grouped(rest)) bytes, which nobody was told of)")
  }

  // MARK: Lines and index

  /// Returns the rows, and how many of them are below the number with which the pass ended.
  private mutating func checkLines(
    _ results: OpenFile,
    of pass: Pass,
    _ history: History
  ) throws(JobStoreError) -> (rows: RowSet, below: UInt64) {
    let size = try results.size()
    let file = try OpenFile.openIfPresent(pass.indexName, in: files)
    var index = try IndexFollower(file, within: size)
    var records = RecordReader(results, from: 0, to: size)
    var rows = RowSet()
    var below: UInt64 = 0
    var firstUncovered: UInt64?
    reading: while true {
      let offset = records.offset
      let step = try records.next()
      if step == .end { break }
      let known = try index.column(at: offset)
      if known == .notCovered { firstUncovered = firstUncovered ?? offset }
      switch step {
      case .end: break reading
      case .invalid:
        let text = "\(pass.resultsName): no whole record at byte \(offset)"
        if known == .notCovered, history.endedRows == nil, try !refuses(index, file, results, from: offset) {
          note(text, size - offset)
          break reading
        }
        let remedy = remedy(known, hasEnded: history.endedRows != nil)
        findings.add(.line, text + remedy)
      case .record(let record):
        check(record, at: offset, known, of: pass)
        if rows.insert(record.column.seq) {
          if record.column.seq < history.endedRows ?? 0 { below += 1 }
        } else {
          findings.add(.doubledRow, "\(pass.resultsName): row \(record.column.seq) again at byte \(offset)")
        }
      }
    }
    try checkIndex(index, file, of: pass, history, firstUncovered)
    return (rows, below)
  }

  /// Whether `recover` would not cut from `offset` on, because a part of the index is to go and records follow.
  private func refuses(
    _ index: borrowing IndexFollower,
    _ file: OpenFile?,
    _ results: OpenFile,
    from offset: UInt64
  ) throws(JobStoreError) -> Bool {
    let indexSize = try file?.size() ?? 0
    guard index.identifier == nil || indexSize > index.offset else { return false }
    var records = RecordReader(results, from: offset, to: try results.size())
    while true {
      switch try records.next() {
      case .record: return true
      case .invalid: continue
      case .end: return false
      }
    }
  }

  /// What can be done about a line that is no record.
  private func remedy(_ known: IndexFollower.Answer, hasEnded: Bool) -> String {
    switch known {
    case .column(let column) where hasEnded:
      "; the index has row \(column.seq) there: put the file back from a copy"
    case .column(let column):
      "; the index has row \(column.seq) there: put the file back from a copy, or cut that line out, then "
        + "coordinator verify \(files.path) --rebuild, and coordinator resume \(files.path) fetches the row again"
    case .noLine: "; put the file back from a copy"
    case .notCovered: "; put the file back from a copy, with its index"
    }
  }

  private mutating func check(
    _ record: RecordLine,
    at offset: UInt64,
    _ known: IndexFollower.Answer,
    of pass: Pass
  ) {
    let seq = record.column.seq
    switch known {
    case .column(let column) where record.column == column: break
    case .column, .noLine:
      findings.add(.index, "\(pass.indexName): differs from the line of row \(seq) at byte \(offset)")
    case .notCovered: break
    }
    if case .retry = pass, !mainRows.contains(seq) {
      findings.add(.strangeRow, "\(pass.resultsName): row \(seq) at byte \(offset) is no row of the job")
    }
  }

  private mutating func checkIndex(
    _ index: borrowing IndexFollower,
    _ file: OpenFile?,
    of pass: Pass,
    _ history: History,
    _ firstUncovered: UInt64?
  ) throws(JobStoreError) {
    if let name = index.identifier, let known = history.identifier, name != known {
      findings.add(.index, "\(pass.indexName): belongs to another job or pass")
    }
    let remedy = "make it anew with: coordinator verify \(files.path) --rebuild"
    let rest = try (file?.size() ?? 0) - index.offset
    if history.endedRows == nil {
      if rest > 0 { note("\(pass.indexName): no whole block at byte \(index.offset)", rest) }
    } else if index.identifier == nil {
      findings.add(.index, "\(pass.indexName): missing, or damaged at its beginning; \(remedy)")
    } else if rest > 0 {
      findings.add(.index, "\(pass.indexName): no block that has its lines at byte \(index.offset); \(remedy)")
    } else if let firstUncovered {
      findings.add(.index, "\(pass.indexName): lacks the lines from byte \(firstUncovered) on; \(remedy)")
    }
  }

  // MARK: Rows and summary

  private mutating func checkRows(_ rows: RowSet, of pass: Pass, _ count: UInt64, _ found: UInt64) {
    if case .retry = pass {
      if rows.count != count {
        findings.add(.missingRow, "\(pass.resultsName): \(rows.count) rows, but the pass ended with \(count)")
      }
      return
    }
    var listed: UInt64 = 0
    var next = rows.firstMissing()
    while next < count, listed < Findings.limit {
      findings.add(.missingRow, "\(pass.resultsName): row \(next) has no record")
      listed += 1
      next = rows.firstMissing(from: next + 1)
    }
    findings.add(.missingRow, uncounted: count - found - listed)
    let strange = rows.count - found
    if strange > 0 {
      findings.add(.strangeRow, "\(pass.resultsName): \(strange) rows at or above \(count), where the input ended")
    }
  }

  private mutating func checkSummary(of pass: Pass, _ count: UInt64) throws(JobStoreError) {
    guard let file = try OpenFile.openIfPresent(pass.summaryName, in: files) else { return }
    var bytes: [UInt8] = []
    while bytes.count < 1024 * 1024, try file.read(at: UInt64(bytes.count), 64 * 1024, into: &bytes) > 0 {}
    guard let rows = summaryRows(bytes.span) else {
      findings.add(.summary, "\(pass.summaryName): is no summary")
      return
    }
    if rows != count { findings.add(.summary, "\(pass.summaryName): \(rows) rows, but \(count) are recorded") }
  }
}

/// The number `rows` of a summary; nil if there is none.
private func summaryRows(_ bytes: Span<UInt8>) -> UInt64? {
  var scanner = JSONScanner()
  var rows: UInt64?
  do throws(JSONProblem) {
    guard try scanner.next(bytes) == .beginObject else { return nil }
    while case .key(let name) = try scanner.next(bytes) {
      if bytes.array(name.range) == Array("rows".utf8), case .number(let range) = try scanner.next(bytes) {
        rows = UInt64(String(decoding: bytes.array(range), as: UTF8.self))
      } else {
        try scanner.skipValue(bytes)
      }
    }
  } catch {
    return nil
  }
  return rows
}
