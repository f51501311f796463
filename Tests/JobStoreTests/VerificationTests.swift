import FetchModel
import JobStore
import Testing

@Suite struct `Verification` {
  /// An ended job of 9 rows with a pass over 2 of them, its files changed.
  private func files(_ change: (inout [String: [UInt8]]) -> Void = { _ in }) throws -> MemoryFiles {
    let files = try makePass([Rows(0..<5), Rows(5..<9)], journal: [.ended(rows: 9)])
    var contents = try makePass([Rows([3, 6])], .retry(1), journal: [.ended(rows: 2)], in: files).contents
    contents["summary.json"] = Array(#"{"job":"a","latency":{"rows":1},"rows":9}"#.utf8)
    change(&contents)
    return MemoryFiles(contents)
  }

  /// What is found, without the line that sums up; the job must not be sound.
  private func findings(_ files: MemoryFiles, _ verdict: VerifyReport.Verdict = .notSound) throws -> [String] {
    let before = files.contents
    let report = try verify(in: files)
    #expect(report.verdict == verdict)
    #expect(files.contents == before)
    return report.lines.dropLast()
  }

  @Test func `of a job that has ended says so`() throws {
    let report = try verify(in: files())
    #expect(report.verdict == .sound)
    #expect(
      report.lines == ["sound: 9 rows, each recorded once; 2 more records of rows tried again in 1 pass"]
    )
  }

  @Test func `groups large numbers`() throws {
    let files = try makePass([Rows(0..<1234)], journal: [.ended(rows: 1234)])
    #expect(try verify(in: files).lines == ["sound: 1,234 rows, each recorded once"])
  }

  @Test func `of a job under way says how far it is`() throws {
    let report = try verify(in: makePass([Rows(0..<5)]))
    #expect(report.verdict == .notFinished)
    #expect(report.lines == ["not finished: 5 rows recorded; go on with: coordinator resume job"])
    #expect(try verify(in: MemoryFiles()).verdict == .notFinished)
  }

  @Test func `takes torn ends of a job under way for what they are`() throws {
    var contents = try makePass([Rows(0..<5)]).contents
    contents["results.jsonl", default: []] += Rows([7]).lines + Array(#"{"seq":9"#.utf8)
    contents["results.idx", default: []] += [0, 0]
    contents["journal", default: []] += [0]
    let found = try findings(MemoryFiles(contents), .notFinished)
    #expect(found.count == 3 && found.allSatisfy { $0.contains("resume cuts what follows") })
  }

  @Test func `finds each damaged byte of the records`() throws {
    let size = try files().bytes("results.jsonl").count
    for index in stride(from: 0, to: size, by: 3) {
      // Nothing that a person would not see is asked for: texts are not in the index.
      let changed = try files { $0["results.jsonl"]?[index] = 0 }
      #expect(try !findings(changed).isEmpty)
    }
  }

  @Test(arguments: ["results.idx", "journal", "results.retry-1.idx", "journal.retry-1"])
  func `finds each damaged byte`(name: String) throws {
    let size = try files().bytes(name).count
    for index in 0..<size {
      let report = try verify(in: files { $0[name]?[index] ^= 4 })
      // An end that cannot be read is none.
      let isFound = report.verdict == .notSound || (name.hasPrefix("journal") && report.verdict == .notFinished)
      #expect(isFound, "byte \(index)")
    }
  }

  @Test func `finds rows that are missing, doubled or strange`() throws {
    let missing = try makePass([Rows([0, 1, 2, 4, 5, 8])], journal: [.ended(rows: 9)])
    #expect(try findings(missing) == [3, 6, 7].map { "results.jsonl: row \($0) has no record" })

    let doubled = try makePass([Rows([0, 1, 2]), Rows([1])], journal: [.ended(rows: 3)])
    let offset = Rows([0, 1, 2]).lines.count
    #expect(try findings(doubled) == ["results.jsonl: row 1 again at byte \(offset)"])

    let strange = try makePass([Rows([0, 1, 2])], journal: [.ended(rows: 2)])
    #expect(try findings(strange) == ["results.jsonl: 1 rows at or above 2, where the input ended"])

    let elsewhere = try makePass([Rows([0, 1])], journal: [.ended(rows: 2)])
    _ = try makePass([Rows([5])], .retry(1), journal: [.ended(rows: 1)], in: elsewhere)
    #expect(try findings(elsewhere) == ["results.retry-1.jsonl: row 5 at byte 0 is no row of the job"])
  }

  @Test func `lists twenty of a kind and counts the others`() throws {
    let files = try makePass([Rows([50])], journal: [.ended(rows: 1000)])
    let found = try findings(files)
    #expect(found.count == 21)
    #expect(found.last == "and 979 more rows without a record")
    #expect(try verify(in: files).lines.last == "not sound: 999 faults, 1 rows recorded")
  }

  @Test func `finds a summary that says something else`() throws {
    let wrong = try files { $0["summary.json"] = Array(#"{"rows":8}"#.utf8) }
    #expect(try findings(wrong) == ["summary.json: 8 rows, but 9 are recorded"])
    let none = try files { $0["summary.json"] = Array("{".utf8) }
    #expect(try findings(none) == ["summary.json: is no summary"])
  }

  @Test func `names the row of a damaged line and what to do`() throws {
    let offset = Rows(0..<3).lines.count
    let ended = try files { $0["results.jsonl"]?[offset + 2] = 0 }
    let text =
      "results.jsonl: no whole record at byte \(offset); the index has row 3 there: put the file back from a copy"
    #expect(try findings(ended).first == text)

    var contents = try makePass([Rows(0..<5), Rows(5..<9)]).contents
    contents["results.jsonl"]?[offset + 2] = 0
    let underWay = MemoryFiles(contents)
    let remedy =
      ", or cut that line out, then coordinator verify job --rebuild, and coordinator resume job fetches the row again"
    #expect(try findings(underWay) == [text + remedy])
    // As it says.
    contents["results.jsonl"]?.removeSubrange(offset..<offset + Rows([3]).lines.count)
    let mended = MemoryFiles(contents)
    try rebuildIndex(of: .main, in: mended)
    #expect(try verify(in: mended).verdict == .notFinished)
    let recovered = try recover(.main, in: mended)
    #expect(recovered.recorded.count == 8 && !recovered.recorded.contains(3) && recovered.cut.results == 0)
  }

  @Test func `does not promise to cut what resume refuses to cut`() throws {
    var contents = try makePass([Rows(0..<5), Rows(5..<9)]).contents
    contents["results.jsonl"]?[2] = 0
    contents["results.idx"]?[IndexHeader.byteCount] ^= 1
    let damaged = MemoryFiles(contents)
    #expect(throws: JobStoreError.self) { try recover(.main, in: damaged) }
    #expect(try findings(damaged).contains { $0.contains("no whole record at byte 0; put the file back") })
  }

  @Test func `finds files that are missing`() throws {
    for name in try files().contents.keys.sorted() where name != "summary.json" {
      let report = try verify(in: files { $0[name] = nil })
      #expect(report.verdict == .notSound, "\(name)")
    }
  }

  @Test func `is sound again after the index was made anew`() throws {
    for index in stride(from: 0, to: try files().bytes("results.idx").count, by: 5) {
      let files = try files { $0["results.idx"]?[index] ^= 4 }
      try rebuildIndex(of: .main, in: files)
      #expect(try verify(in: files).verdict == .sound)
      #expect(try recover(.main, in: files).cut == RecoveredPass.Cut())
    }
  }
}

@Suite struct `Current records` {
  @Test func `are those of the last pass in the order of rows`() throws {
    let files = try makePass([Rows([4, 2, 0]), Rows([1, 3, 700])], journal: [.ended(rows: 6)])
    var changed = Rows([3, 0])
    let text = String(decoding: changed.lines, as: UTF8.self)
    changed.lines = Array(text.replacing("example.org", with: "example.com").utf8)
    var contents = try makePass([changed], .retry(1), journal: [.ended(rows: 2)], in: files).contents
    // Whole lines behind the index count, a torn one does not.
    contents["results.jsonl", default: []] += Rows([9]).lines + Rows([8]).lines.dropLast()
    let current = try CurrentRecords(in: MemoryFiles(contents))
    for window: UInt64 in [1, 2, 3, 1000] {
      var lines: [UInt8] = []
      try current.forEachCurrentLine(window: window) { line in
        for index in 0..<line.count { lines.append(line[index]) }
        return true
      }
      let expected = [0, 1, 2, 3, 4, 9, 700].flatMap { (seq: UInt64) -> [UInt8] in
        let line = String(decoding: Rows([seq]).lines, as: UTF8.self)
        return Array((seq == 0 || seq == 3 ? line.replacing("example.org", with: "example.com") : line).utf8)
      }
      #expect(String(decoding: lines, as: UTF8.self) == String(decoding: expected, as: UTF8.self))
    }
    var seqs: [UInt64] = []
    try current.forEachCurrentColumn { seqs.append($0.seq) }
    #expect(seqs.sorted() == [0, 1, 2, 3, 4, 9, 700])
  }

  @Test func `end when enough was read`() throws {
    var count = 0
    try CurrentRecords(in: makePass([Rows(0..<9)])).forEachCurrentLine { _ in
      count += 1
      return count < 4
    }
    #expect(count == 4)
  }
}
