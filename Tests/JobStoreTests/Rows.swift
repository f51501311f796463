import FetchModel
import JobStore
import Records

/// Lines with their columns, as agents send them.
struct Rows {
  var lines: [UInt8] = []
  var columns: [ResultColumn] = []

  init() {}

  /// One line for each row; what it says follows from its number.
  init(_ seqs: some Sequence<UInt64>) { for seq in seqs { add(seq) } }

  mutating func add(_ seq: UInt64) {
    var writer = RecordWriter(agent: Array("agent-1".utf8))
    var fields = RecordFields(seq: seq)
    fields.method = seq.isMultiple(of: 5) ? .post : .get
    fields.attempts = UInt32(seq % 4 + 1)
    fields.time.total = (seq % 1000) * 1_000_000 + 417_000
    if seq.isMultiple(of: 3) {
      fields.failure = FetchFailure(.connectRefused, in: .connect, "example.org: Connection refused")
    } else {
      fields.status = seq.isMultiple(of: 7) ? 503 : 200
      fields.bodyBytes = seq * 11 % 5000
    }
    let length = writer.append(fields, url: Array("https://example.org/\(seq)".utf8).span, to: &lines)
    columns.append(
      ResultColumn(
        seq: seq,
        bodyBytes: fields.bodyBytes ?? 0,
        totalMicroseconds: fields.time.totalMicroseconds,
        lineLength: UInt32(length),
        status: UInt16(fields.status ?? 0),
        failure: fields.failure?.code,
        attempts: UInt8(fields.attempts)
      )
    )
  }

  var counters: RecordCounters {
    var counters = RecordCounters()
    for column in columns { counters.add(column) }
    return counters
  }
}

let passName = [UInt8](1...16)

/// The files of a pass with these blocks, each in a commit of its own.
func makePass(
  _ blocks: [Rows],
  _ pass: Pass = .main,
  journal: [JournalEntry] = [],
  in files: MemoryFiles = MemoryFiles()
) throws -> MemoryFiles {
  var writer = try PassWriter(creating: pass, identifier: passName, in: files)
  for block in blocks {
    try writer.append(lines: block.lines, columns: block.columns)
    try writer.commit()
  }
  try writer.journal(journal)
  try writer.syncJournal()
  return files
}
