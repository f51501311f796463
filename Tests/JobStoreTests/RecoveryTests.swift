import FetchModel
import JobStore
import Testing

@Suite struct `Recovery` {
  private let blocks = [Rows(0..<5), Rows(5..<9), Rows([12, 10, 11])]
  private var lines: [UInt8] { blocks.flatMap(\.lines) }
  private var counters: RecordCounters {
    var counters = RecordCounters()
    for block in blocks { counters.merge(block.counters) }
    return counters
  }

  /// The files of a pass with three blocks, some of them changed.
  private func files(_ change: (inout [String: [UInt8]]) -> Void) throws -> MemoryFiles {
    var contents = try makePass(blocks, journal: [.joined(instance: [1], isLocal: true)]).contents
    change(&contents)
    return MemoryFiles(contents)
  }

  /// Recovers, and again, which must change nothing; goes on to the end, which must be sound.
  private func recoverAndFinish(_ files: MemoryFiles) throws -> RecoveredPass {
    let recovered = try recover(.main, in: files)
    let contents = files.contents
    let again = try recover(.main, in: files)
    #expect(files.contents == contents)
    #expect(again.cut == RecoveredPass.Cut())
    #expect(again.journalWasLost == recovered.journalWasLost)
    #expect(again.recorded == recovered.recorded && again.counters == recovered.counters)
    var writer =
      recovered.hasBegun
      ? try PassWriter(continuing: recovered, in: files)
      : try PassWriter(creating: .main, identifier: passName, in: files)
    let rest = Rows((0..<14).filter { !recovered.recorded.contains($0) })
    try writer.append(lines: rest.lines, columns: rest.columns)
    try writer.journal([.ended(rows: 14)])
    try writer.syncJournal()
    let report = try verify(in: files)
    #expect(report.verdict == .sound, "\(report.lines)")
    return recovered
  }

  @Test func `of nothing says that nothing began`() throws {
    let recovered = try recoverAndFinish(MemoryFiles())
    #expect(!recovered.hasBegun)
  }

  @Test(arguments: ["results.jsonl", "results.idx", "journal"])
  func `clears away files that were being made`(missing: String) throws {
    var contents = try makePass([]).contents
    contents[missing] = nil
    let recovered = try recoverAndFinish(MemoryFiles(contents))
    // The journal says that it has begun, and the record file is empty in any case.
    #expect(recovered.hasBegun == (missing == "results.idx"))
  }

  @Test func `keeps whole lines behind the index`() throws {
    let more = Rows([9, 13])
    let recovered = try recoverAndFinish(try files { $0["results.jsonl", default: []] += more.lines })
    #expect(recovered.recorded.count == 14)
    #expect(recovered.cut == RecoveredPass.Cut())
  }

  @Test func `cuts a torn line at each of its bytes`() throws {
    let more = Rows([9, 13])
    let first = Rows([9]).lines.count
    for length in 0...more.lines.count {
      let recovered = try recoverAndFinish(try files { $0["results.jsonl", default: []] += more.lines[..<length] })
      let whole = length == more.lines.count ? 2 : length >= first ? 1 : 0
      #expect(recovered.recorded.count == 12 + UInt64(whole), "\(length)")
      #expect(recovered.cut.results == UInt64(length - [0, first, more.lines.count][whole]), "\(length)")
    }
  }

  @Test func `makes an index anew from the lines wherever it was cut`() throws {
    let size = try files { _ in }.bytes("results.idx").count
    for length in 0...size {
      let recovered = try recoverAndFinish(try files { $0["results.idx"]?.removeLast(size - length) })
      #expect(recovered.counters == counters, "\(length)")
      #expect(recovered.cut.results == 0)
    }
    let recovered = try recoverAndFinish(try files { $0["results.idx"] = nil })
    #expect(recovered.counters == counters)
  }

  @Test func `makes an index anew from the lines whatever byte of it is damaged`() throws {
    let size = try files { _ in }.bytes("results.idx").count
    for index in 0..<size {
      let recovered = try recoverAndFinish(try files { $0["results.idx"]?[index] ^= 0x41 })
      #expect(recovered.counters == counters, "\(index)")
    }
  }

  @Test func `does not believe blocks that do not follow each other`() throws {
    let header = IndexHeader.byteCount
    let first = try makePass([blocks[0]]).bytes("results.idx").count
    let index = try files { _ in }.bytes("results.idx")
    let doubled = index[..<first] + index[header...]
    let lacking = index[..<header] + index[first...]
    for changed in [doubled, lacking] {
      let files = try files { $0["results.idx"] = Array(changed) }
      #expect(try verify(in: files).verdict == .notFinished)
      #expect(try recoverAndFinish(files).counters == counters)
    }
  }

  @Test func `does not believe the index of another pass`() throws {
    let foreign = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: [UInt8](repeating: 9, count: 16), in: foreign)
    let other = Rows([1])
    try writer.append(lines: other.lines, columns: other.columns)
    try writer.commit()
    let recovered = try recoverAndFinish(try files { $0["results.idx"] = foreign.bytes("results.idx") })
    #expect(recovered.counters == counters)
  }

  @Test func `goes back to the last block whose lines are there`() throws {
    let ends = blocks.indices.map { blocks[...$0].reduce(0) { $0 + $1.lines.count } }
    for length in 0...ends[2] {
      let recovered = try recoverAndFinish(try files { $0["results.jsonl"]?.removeLast(ends[2] - length) })
      var whole = 0
      var offset = 0
      for column in blocks.flatMap(\.columns) {
        offset += Int(column.lineLength)
        if offset <= length { whole += 1 }
      }
      #expect(recovered.recorded.count == UInt64(whole), "\(length)")
    }
  }

  @Test func `cuts nothing that was acknowledged`() throws {
    let start = blocks[0].lines.count + blocks[1].lines.count
    let damaged = try files { contents in
      for index in start..<lines.count { contents["results.jsonl"]?[index] = 0 }
    }
    let before = damaged.bytes("results.jsonl")
    let error = #expect(throws: JobStoreError.self) { _ = try recover(.main, in: damaged) }
    #expect(error?.description.contains("row 12 at byte \(start)") == true)
    #expect(damaged.bytes("results.jsonl") == before)
    // As the message says.
    let cut = try files { $0["results.jsonl"]?.removeLast(lines.count - start) }
    #expect(try recoverAndFinish(cut).recorded.count == 9)
  }

  @Test func `cuts nothing of a pass that has ended`() throws {
    for change in [{ $0 + [0] }, { $0.dropLast() }, { $0.dropLast(1) + [0] }] as [([UInt8]) -> [UInt8]] {
      let files = try files({ contents in
        contents["results.jsonl"] = change(contents["results.jsonl"] ?? [])
        if let journal = contents["journal"] {
          var entry: [UInt8] = []
          JournalEntry.ended(rows: 12).append(to: &entry)
          contents["journal"] = journal + entry
        }
      })
      let before = files.bytes("results.jsonl")
      #expect(throws: JobStoreError.self) { _ = try recover(.main, in: files) }
      #expect(files.bytes("results.jsonl") == before)
    }
  }

  @Test func `cuts a journal where it is torn`() throws {
    let size = try files { _ in }.bytes("journal").count
    for length in 0...size {
      let recovered = try recoverAndFinish(try files { $0["journal"]?.removeLast(size - length) })
      #expect(recovered.counters == counters)
      #expect(recovered.identifier == passName)
      #expect(recovered.agents.count == (length == size ? 1 : 0))
    }
  }

  @Test func `knows who unsafe rows left to last, unless they came back unsent`() throws {
    let files = try makePass(
      blocks,
      journal: [
        .unsafeRowsLeft(to: [1], seqs: [1, 20, 21, 22]), .unsafeRowsReturned(seqs: [20, 21]),
        .unsafeRowsLeft(to: [2], seqs: [21]), .inputCut(bytes: 9),
      ]
    )
    let recovered = try recover(.main, in: files)
    // Row 1 is recorded.
    #expect(recovered.unsafe == [21: [2], 22: [1]])
    #expect(recovered.inputWasCut && recovered.inputBytes == 9)
  }

  @Test func `says that a journal is lost for ever`() throws {
    let files = try files { $0["journal"] = [1, 2, 3] }
    #expect(try recover(.main, in: files).journalWasLost)
    let recovered = try recoverAndFinish(files)
    #expect(recovered.journalWasLost)
    // Whoever went on knew, but not whoever comes next.
    #expect(try recover(.main, in: files).journalWasLost)
  }

  @Test func `cuts no records behind a damaged one when the index is lost or damaged`() throws {
    let middle = blocks[0].lines.count + 20
    let whole = try files { $0["results.jsonl"]?[middle] = 0 }
    // The index says that they count.
    #expect(try recover(.main, in: whole).recorded.count == 12)
    let header = IndexHeader.byteCount
    let first = try makePass([blocks[0]]).bytes("results.idx").count
    let changes: [([UInt8]) -> [UInt8]?] = [
      { _ in nil }, { [$0[0] ^ 1] + $0.dropFirst() }, { $0[..<header] + [0] + $0[(header + 1)...] },
      { $0[..<first] + [0] + $0[(first + 1)...] }, { Array($0[..<(first + 9)]) },
    ]
    for change in changes {
      let damaged = try files {
        $0["results.jsonl"]?[middle] = 0
        $0["results.idx"] = $0["results.idx"].flatMap(change)
      }
      let before = damaged.contents.filter { !$0.value.isEmpty }
      // However often it is tried.
      for _ in 0..<3 {
        let error = #expect(throws: JobStoreError.self) { _ = try recover(.main, in: damaged) }
        #expect(error?.description.contains("no whole record at byte \(blocks[0].lines.count)") == true)
        #expect(damaged.contents.filter { !$0.value.isEmpty } == before)
      }
    }
    #expect(throws: JobStoreError.self) { try rebuildIndex(of: .main, in: whole) }
    #expect(try recover(.main, in: whole).recorded.count == 12)
  }

  @Test func `without a record file is refused`() throws {
    let files = try files { $0["results.jsonl"] = nil }
    let error = #expect(throws: JobStoreError.self) { _ = try recover(.main, in: files) }
    #expect(error?.description.contains("job/results.jsonl is missing") == true)
  }

  @Test func `of a row that is recorded twice points to verify`() throws {
    let again = Rows([3])
    let files = try files { $0["results.jsonl", default: []] += again.lines }
    let error = #expect(throws: JobStoreError.self) { _ = try recover(.main, in: files) }
    #expect(
      error?.description
        == "row 3 is recorded twice in results.jsonl; take one of its lines out, then: coordinator verify --rebuild"
    )
    #expect(try verify(in: files).verdict == .notSound)
  }

  @Test(arguments: ["results.idx", "results.jsonl", "journal"])
  func `survives any bytes`(name: String) throws {
    var random = SeededGenerator(seed: 5)
    for _ in 0..<700 {
      let kind = Int.random(in: 0..<3, using: &random)
      let files = try files { contents in
        let old = contents[name] ?? []
        var new = old
        switch kind {
        // Nothing but garbage; with a record file of it, that is what the index speaks of.
        case 0 where name != "results.jsonl":
          new = (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        // Garbage behind what is whole.
        case 1, 0:
          new += (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        // What is whole, torn, then a piece of itself.
        default:
          let from = Int.random(in: 0..<old.count, using: &random)
          let piece = old[from..<Int.random(in: from...old.count, using: &random)]
          new = name == "results.jsonl" ? old + piece.dropLast() : old.prefix(from) + [0x7B] + piece
        }
        contents[name] = new
      }
      do throws(JobStoreError) {
        let recovered = try recover(.main, in: files)
        #expect(recovered.recorded.count == 12)
        let contents = files.contents
        _ = try recover(.main, in: files)
        #expect(files.contents == contents)
      } catch {
        // A piece of the record file may hold whole lines again.
        #expect(name == "results.jsonl" && error.description.contains("recorded twice"))
      }
    }
  }
}
