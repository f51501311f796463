import FetchModel
import Glibc
import JobStore
import Testing

@Suite struct `A writer of a pass` {
  @Test func `leaves files that recover as they are`() throws {
    let rows = [Rows([0, 2, 1]), Rows(3..<9000), Rows([9001, 9000])]
    let entries: [JournalEntry] = [
      .joined(instance: [1], isLocal: true), .joined(instance: [2], isLocal: false), .left(instance: [1]),
      .unsafeRowsLeft(to: [2], seqs: [5, 20_000, 30_000]), .unsafeRowsLeft(to: [3], seqs: [20_000]),
      .inputRead(hashes: [7, 8]), .inputRead(hashes: [9]), .inputEnded(bytes: 77), .ended(rows: 9002),
    ]
    let files = try makePass(rows, journal: entries)
    let before = files.contents
    let recovered = try recover(.main, in: files)
    #expect(files.contents == before)
    #expect(recovered.hasBegun && !recovered.journalWasLost)
    #expect(recovered.identifier == passName)
    #expect(recovered.recorded.count == 9002 && recovered.recorded.firstMissing() == 9002)
    var counters = RecordCounters()
    for block in rows { counters.merge(block.counters) }
    #expect(recovered.counters == counters)
    #expect(recovered.unsafe == [20_000: [3], 30_000: [2]])
    #expect(recovered.agents.map(\.instance) == [[2]])
    #expect(recovered.inputHashes == [7, 8, 9])
    #expect(recovered.inputBytes == 77)
    #expect(recovered.endedRows == 9002)
    #expect(recovered.cut == RecoveredPass.Cut())
  }

  @Test func `makes lines durable before the index speaks of them`() throws {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    let rows = Rows(0..<4)
    try writer.append(lines: rows.lines, columns: rows.columns)
    files.fail("synchronize", EIO)
    #expect(throws: JobStoreError.self) { try writer.commit() }
    #expect(files.bytes("results.idx").count == IndexHeader.byteCount)
    #expect(throws: JobStoreError.self) { try writer.commit() }
    #expect(throws: JobStoreError.self) { try writer.journal([.ended(rows: 4)]) }
  }

  @Test func `cuts a block that the disk took in part`() throws {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    let rows = Rows(0..<4)
    try writer.append(lines: rows.lines, columns: rows.columns)
    let more = Rows(4..<8)
    files.fail("append", ENOSPC, taking: 100)
    let error = #expect(throws: JobStoreError.self) { try writer.append(lines: more.lines, columns: more.columns) }
    #expect(files.bytes("results.jsonl") == rows.lines)
    #expect(
      error?.description
        == "cannot write records to job/results.jsonl: No space left on device; make space there, "
        + "then go on with: coordinator resume job"
    )
    #expect(throws: JobStoreError.self) { try writer.commit() }
  }

  @Test func `writes the end only behind durable records`() throws {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    let rows = Rows(0..<4)
    try writer.append(lines: rows.lines, columns: rows.columns)
    let before = files.bytes("journal")
    files.fail("synchronize", EIO)
    #expect(throws: JobStoreError.self) { try writer.journal([.ended(rows: 4)]) }
    #expect(files.bytes("journal") == before)
  }

  @Test(arguments: ["results.jsonl", "results.idx", "journal"])
  func `notices that a file was removed`(name: String) throws {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    files.unlink(name)
    let error = #expect(throws: JobStoreError.self) { try writer.replaceStatus([1]) }
    #expect(error?.description.contains("job/\(name) was removed") == true)
  }

  @Test func `replaces the status`() throws {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    try writer.replaceStatus([1])
    try writer.replaceStatus([2])
    #expect(files.bytes("status.json") == [2])
  }

  @Test func `does not take over files that are there`() throws {
    let files = try makePass([Rows(0..<4)])
    #expect(throws: JobStoreError.self) { _ = try PassWriter(creating: .main, identifier: passName, in: files) }
    #expect(try recover(.main, in: files).recorded.count == 4)
  }
}
