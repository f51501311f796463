import FetchModel
import Glibc
import JobStore
import PosixIO
import Testing

@Suite struct `A committer` {
  /// Runs one on this thread over commands that end with `stop`, and gives what it reported.
  private func reports(of commands: [CommitterCommand], _ files: MemoryFiles) throws -> [CommitterReport] {
    let inbox = try Mailbox<CommitterCommand>()
    let outbox = try Mailbox<CommitterReport>()
    for command in commands { inbox.send(command) }
    let writer = try PassWriter(creating: .main, identifier: passName, in: files)
    var committer = Committer(.pass(writer), inbox: inbox) { outbox.send($0) }
    committer.run()
    return outbox.drain()
  }

  private func append(_ rows: Rows, _ session: UInt64, _ block: UInt64) -> CommitterCommand {
    .append(CommitRequest(lines: rows.lines, columns: rows.columns, session: session, block: block))
  }

  @Test func `reports the last block of each session once it is durable`() throws {
    let files = MemoryFiles()
    let reports = try reports(
      of: [append(Rows([0]), 1, 1), append(Rows([1]), 0, 0), append(Rows([2]), 2, 1), append(Rows([3]), 1, 2), .stop],
      files
    )
    let bytes = (UInt64(0)..<4).reduce(0) { $0 + Rows([$1]).lines.count }
    #expect(
      reports == [
        .durable(session: 1, block: 2), .durable(session: 2, block: 1), .committed(bytes: bytes), .idle,
      ]
    )
    #expect(try recover(.main, in: files).recorded.count == 4)
  }

  @Test func `answers the journal entries of one drain with one sync of the journal`() throws {
    let files = MemoryFiles()
    let entry = JournalEntry.left(instance: [1])
    let before = try makePass([]).calls
    let reports = try reports(
      of: [
        .journal(entries: [entry], ticket: 4), .journal(entries: [entry, entry], ticket: 5),
        .journal(entries: [entry], ticket: nil), .stop,
      ],
      files
    )
    #expect(reports == [.journaled(ticket: 5), .idle])
    // Three appends and one sync.
    #expect(files.calls == before + 4)
  }

  @Test func `makes entries that nobody waits for durable with the records`() throws {
    let files = MemoryFiles()
    _ = try reports(of: [.journal(entries: [.inputEnded(bytes: 3)], ticket: nil), .flush, .stop], files)
    var random = SeededGenerator(seed: 1)
    for _ in 0..<20 { #expect(try recover(.main, in: files.after(.powerCut, &random)).inputBytes == 3) }
  }

  @Test func `does not let the journal wait for the interval`() throws {
    let files = MemoryFiles()
    let inbox = try Mailbox<CommitterCommand>()
    let outbox = try Mailbox<CommitterReport>()
    let handover = PassHandover(try PassWriter(creating: .main, identifier: passName, in: files))
    // Both are there before it looks.
    inbox.send(append(Rows([0]), 1, 1))
    inbox.send(.journal(entries: [.left(instance: [1])], ticket: 1))
    var threads = ThreadGroup()
    try threads.spawn(name: "writer") {
      var committer = Committer(.pass(handover.take()), inbox: inbox) { outbox.send($0) }
      committer.run()
    }
    // The records follow without being asked for.
    var reports: [CommitterReport] = []
    while reports.count < 2 {
      outbox.signal.wait()
      reports += outbox.drain()
    }
    #expect(reports.prefix(2) == [.journaled(ticket: 1), .durable(session: 1, block: 1)])
    inbox.send(.stop)
    threads.join()
  }

  @Test func `replaces the status`() throws {
    let files = MemoryFiles()
    #expect(try reports(of: [.status([1]), .status([2]), .stop], files) == [.statusWritten, .idle])
    #expect(files.bytes("status.json") == [2])
  }

  @Test(
    arguments: [
      (ENOSPC, "No space left on device; make space there, then"),
      (
        EFBIG,
        "File too large; the limit on the size of files (ulimit -f) or that of the file system is reached: raise it, "
          + "then"
      ),
    ]
  )
  func `says what failed and ends`(number: Int32, reason: String) throws {
    let files = MemoryFiles()
    files.fail("append", number, after: 2)
    let reports = try reports(of: [append(Rows([0]), 1, 1), .stop], files)
    #expect(
      reports == [
        .failed(
          .failed(
            "cannot write records to job/results.jsonl: \(reason) go on with: coordinator resume job"
          )
        )
      ]
    )
  }

  @Test func `acknowledges nothing after a failed sync`() throws {
    let files = MemoryFiles()
    // Three syncs are of the making.
    files.fail("synchronize", EIO, after: 3)
    let reports = try reports(of: [append(Rows([0]), 1, 1), .journal(entries: [], ticket: 1), .stop], files)
    guard reports.count == 2, case .failed(.failed(let message)) = reports[1] else {
      Issue.record("\(reports)")
      return
    }
    #expect(reports[0] == .journaled(ticket: 1))
    #expect(message.hasPrefix("cannot write records to job/results.jsonl: Input/output error"))
  }
}
