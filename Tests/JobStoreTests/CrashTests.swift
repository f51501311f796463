import FetchModel
import Glibc
import JobStore
import Testing

/// A job that is stopped after each call in turn, in both ways in which that happens, goes on from what is left.
@Suite struct `A job that is stopped anywhere` {
  /// What the job was told is durable.
  private struct Acknowledged {
    var rows: [Pass: Set<UInt64>] = [:]
    var entries: [Pass: [JournalEntry]] = [:]
    /// Passes whose constructor returned.
    var begun: Set<Pass> = []
  }

  private static let rowCount: UInt64 = 16
  private static let failed: [UInt64] = [3, 9, 15]

  /// Runs until the end or until the files stop; begins where the files are.
  private func run(_ files: MemoryFiles, _ told: inout Acknowledged) throws(JobStoreError) {
    try runPass(.main, Array(0..<Self.rowCount), files, &told)
    try runPass(.retry(1), Self.failed, files, &told)
  }

  private func runPass(
    _ pass: Pass,
    _ rows: [UInt64],
    _ files: MemoryFiles,
    _ told: inout Acknowledged
  ) throws(JobStoreError) {
    let recovered = try recover(pass, in: files)
    var writer: PassWriter
    if recovered.hasBegun {
      if let count = recovered.endedRows {
        told.entries[pass, default: []].append(.ended(rows: count))
        return
      }
      writer = try PassWriter(continuing: recovered, in: files)
    } else {
      writer = try PassWriter(creating: pass, identifier: passName, selection: [7], in: files)
    }
    told.begun.insert(pass)
    // What was found is acted upon, so it may not be lost later.
    told.rows[pass, default: []].formUnion(rows.filter { recovered.recorded.contains($0) })
    // The highest first, so that rows are out of order.
    let left = rows.reversed().filter { !recovered.recorded.contains($0) }
    for start in stride(from: 0, to: left.count, by: 6) {
      let part = Array(left[start..<min(start + 6, left.count)])
      let entry = JournalEntry.unsafeRowsLeft(to: [UInt8(start)], seqs: part.filter { $0.isMultiple(of: 5) })
      try writer.journal([entry])
      try writer.syncJournal()
      told.entries[pass, default: []].append(entry)
      for half in [part.prefix(3), part.dropFirst(3)] {
        let block = Rows(half)
        try writer.append(lines: block.lines, columns: block.columns)
      }
      try writer.commit()
      told.rows[pass, default: []].formUnion(part)
    }
    try writer.journal([.ended(rows: UInt64(rows.count))])
    try writer.syncJournal()
    told.entries[pass, default: []].append(.ended(rows: UInt64(rows.count)))
  }

  private func check(_ files: MemoryFiles, _ told: Acknowledged, _ what: Comment) throws {
    for pass in [Pass.main, .retry(1)] {
      let recovered = try recover(pass, in: files)
      let once = files.contents
      let again = try recover(pass, in: files)
      #expect(files.contents == once, what)
      #expect(again.cut == RecoveredPass.Cut(), what)
      #expect(again.recorded == recovered.recorded && again.counters == recovered.counters, what)
      if told.begun.contains(pass) {
        #expect(recovered.hasBegun && recovered.selection == [7] && recovered.identifier == passName, what)
      }
      #expect(!recovered.journalWasLost, what)
      let rows = told.rows[pass] ?? []
      #expect(rows.allSatisfy(recovered.recorded.contains), what)
      #expect(recovered.recorded.count == recovered.counters.rows, what)
      for entry in told.entries[pass] ?? [] {
        switch entry {
        case .unsafeRowsLeft(_, let seqs):
          // To whom is not known here: it may have left again without that being told.
          for seq in seqs { #expect(recovered.recorded.contains(seq) != (recovered.unsafe[seq] != nil), what) }
        case .ended(let count):
          #expect(recovered.endedRows == count && recovered.recorded.count == count, what)
        case .began, .joined, .left, .unsafeRowsReturned, .inputRead, .inputEnded, .inputCut, .unsafeRowsUnknown: break
        }
      }
    }
  }

  @Test func `loses and doubles nothing and comes to its end`() throws {
    let whole = MemoryFiles()
    var told = Acknowledged()
    try run(whole, &told)
    #expect(try verify(in: whole).verdict == .sound)
    let calls = whole.calls
    #expect(calls > 50)
    for stop in 0...calls {
      for crash in MemoryFiles.Crash.allCases {
        for seed in 0..<(crash == .kill ? 7 : 4) as Range<UInt64> {
          var random = SeededGenerator(seed: seed << 32 | UInt64(stop))
          try story(stop, crash, &random, "stop \(stop), \(crash), seed \(seed)")
        }
      }
    }
  }

  /// Stopped, and stopped again while it recovers or goes on; then to the end.
  private func story(
    _ stop: Int,
    _ crash: MemoryFiles.Crash,
    _ random: inout SeededGenerator,
    _ what: Comment
  ) throws {
    var files = MemoryFiles()
    var told = Acknowledged()
    files.stop(after: stop)
    do throws(JobStoreError) { try run(files, &told) } catch {}
    files = files.after(crash, &random)
    files.stop(after: Int.random(in: 0...30, using: &random))
    do throws(JobStoreError) { try run(files, &told) } catch {}
    files = files.after(Bool.random(using: &random) ? .kill : .powerCut, &random)
    try check(files, told, what)
    try run(files, &told)
    try check(files, told, what)
    let report = try verify(in: files)
    #expect(report.verdict == .sound, "\(what): \(report.lines)")
    let main = try recover(.main, in: files)
    #expect(main.counters == Rows(0..<Self.rowCount).counters, what)
    let retried = try recover(.retry(1), in: files)
    #expect(retried.counters == Rows(Self.failed).counters, what)
  }
}

@Suite struct `A file that is replaced` {
  private let old: [UInt8] = [1, 2, 3]
  private let new: [UInt8] = [4, 5, 6, 7]

  @Test(arguments: 0...6)
  func `is the old one or the new one, wherever a crash comes, and the new one once that was said`(calls: Int) throws {
    var random = SeededGenerator(seed: UInt64(calls))
    let files = MemoryFiles(["a": old])
    files.stop(after: calls)
    var isSaid = true
    do throws(JobStoreError) { try files.replace("a", with: new, durably: true) } catch { isSaid = false }
    // remove, open, append, sync, rename, sync of the names.
    #expect(isSaid == (calls >= 6))
    for round in 0..<40 {
      let left = files.after(MemoryFiles.Crash.allCases[round % 2], &random)
      let found = left.bytes("a")
      #expect(found == new || (found == old && !isSaid))
      // What a crash left lying about is in nobody's way.
      try left.replace("a", with: new + new, durably: true)
      #expect(left.contents == ["a": new + new])
    }
  }

  @Test func `not durably costs no sync, and is whole all the same`() throws {
    let files = MemoryFiles(["a": old])
    files.fail("synchronize", EIO)
    try files.replace("a", with: new, durably: false)
    #expect(files.contents == ["a": new])
  }
}
