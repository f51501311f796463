import FetchModel
import JobStore
import Testing

@Suite struct `A journal that is damaged in its middle` {
  private static let entries: [JournalEntry] = [
    .inputRead(hashes: [7, 8]), .unsafeRowsLeft(to: [1], seqs: [5, 10]), .joined(instance: [1], isLocal: true),
    .unsafeRowsLeft(to: [1], seqs: [15]), .inputRead(hashes: [9]), .inputEnded(bytes: 77),
  ]

  /// Where each entry begins, the one that the writer makes included, and where the last one ends.
  private var bounds: [Int] {
    get throws {
      var bounds = [0, try makePass([]).bytes("journal").count]
      for entry in Self.entries {
        var bytes: [UInt8] = []
        entry.append(to: &bytes)
        bounds.append(bounds[bounds.count - 1] + bytes.count)
      }
      return bounds
    }
  }

  /// A pass with some records, one byte of whose journal is changed.
  private func files(_ rows: [UInt64], damagedAt index: Int) throws -> MemoryFiles {
    var contents = try makePass([Rows(rows)], journal: Self.entries).contents
    contents["journal"]?[index] ^= 0x41
    return MemoryFiles(contents)
  }

  @Test func `is lost, keeps its whole entries, and is so for every recovery`() throws {
    let bounds = try bounds
    for index in 0..<bounds[bounds.count - 2] {
      let files = try files([1, 2], damagedAt: index)
      let damaged = files.bytes("journal")
      for _ in 0..<2 {
        let recovered = try recover(.main, in: files)
        #expect(recovered.hasBegun && recovered.journalWasLost, "byte \(index)")
        #expect(recovered.identifier == passName && recovered.recorded.count == 2)
        #expect(recovered.cut == RecoveredPass.Cut() && files.bytes("journal") == damaged)
        // What can be read of the rows is known; of the hashes those before the damage.
        #expect(recovered.unsafe.keys.contains(5) == !(bounds[2]..<bounds[3]).contains(index))
        #expect(recovered.unsafe.keys.contains(15) == !(bounds[4]..<bounds[5]).contains(index))
        #expect(recovered.inputHashes == (index < bounds[2] ? [] : [7, 8]))
        #expect(recovered.inputBytes == 77)
      }
    }
  }

  @Test func `is one of a job that has begun even if nothing is recorded`() throws {
    let files = try files([], damagedAt: 3)
    let recovered = try recover(.main, in: files)
    #expect(recovered.hasBegun && recovered.journalWasLost && recovered.unsafe.count == 3)
  }

  @Test func `is a fault at its place`() throws {
    let bounds = try bounds
    let files = try files([1, 2], damagedAt: bounds[3] + 2)
    let report = try verify(in: files)
    #expect(report.verdict == .notSound)
    let finding = "journal: damaged at byte \(bounds[3]), with whole entries behind it"
    #expect(report.lines.first?.hasPrefix(finding) == true)
  }

  @Test func `has its torn end cut all the same`() throws {
    let bounds = try bounds
    let files = try files([1, 2], damagedAt: bounds[3] + 2)
    let whole = files.bytes("journal")
    for tail in [[0], [UInt8](repeating: 0, count: 5_000), Array(whole[bounds[3]..<bounds[4]])] {
      let torn = MemoryFiles(files.contents.merging(["journal": whole + tail]) { $1 })
      let recovered = try recover(.main, in: torn)
      #expect(recovered.journalWasLost && recovered.cut.journal == UInt64(tail.count))
      #expect(torn.bytes("journal") == whole)
    }
  }

  /// Goes on with all that is found, once more than it must.
  private func goOn(_ files: MemoryFiles, reading hashes: [UInt64]) throws {
    var writer = try PassWriter(continuing: try recover(.main, in: files), in: files)
    try writer.journal([.inputRead(hashes: hashes)])
    try writer.syncJournal()
  }

  @Test func `stays lost after somebody went on, with the hashes that were read since`() throws {
    let bounds = try bounds
    for index in [0, 3, bounds[2], bounds[3] + 2] {
      let files = try files([1, 2], damagedAt: index)
      let known = try recover(.main, in: files).inputHashes
      try goOn(files, reading: [20])
      let length = files.bytes("journal").count
      try goOn(files, reading: [])
      // It is said once.
      var entry: [UInt8] = []
      JournalEntry.inputRead(hashes: []).append(to: &entry)
      #expect(files.bytes("journal").count == length + entry.count)
      let recovered = try recover(.main, in: files)
      #expect(recovered.journalWasLost && recovered.identifier == passName)
      #expect(recovered.inputHashes == known + [20])
      #expect(try verify(in: files).verdict == .notFinished)
      // Damage since is a fault again, and is said again.
      let again = MemoryFiles(files.contents.merging(["journal": files.bytes("journal") + [0] + entry]) { $1 })
      #expect(try verify(in: again).verdict == .notSound)
      try goOn(again, reading: [30])
      #expect(try recover(.main, in: again).inputHashes == known + [20, 30])
    }
  }

  @Test func `stays lost wherever going on was stopped`() throws {
    for journal in [[1, 2, 3], []] as [[UInt8]] {
      let lost = MemoryFiles(try makePass([Rows([1])]).contents.merging(["journal": journal]) { $1 })
      try goOn(lost, reading: [])
      let whole = lost.bytes("journal")
      for length in 0...whole.count {
        let torn = MemoryFiles(lost.contents.merging(["journal": Array(whole[..<length])]) { $1 })
        #expect(try recover(.main, in: torn).journalWasLost)
        try goOn(torn, reading: [4])
        let recovered = try recover(.main, in: torn)
        #expect(recovered.journalWasLost && recovered.identifier == passName && recovered.inputHashes == [4])
      }
    }
  }
}
