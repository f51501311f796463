import FetchModel
import Records

// Theory of operation
//
// What the index covers was durable before the index said so, and is never cut: if it is not there any more, something
// else than a crash has been at work, and a person has to decide. Behind it the record file may hold lines that are
// whole but that nobody was told of, then a torn one: the whole ones are kept and get blocks of their own, the rest is
// cut; of a pass that has ended nothing is. An index that is missing, of another pass, or damaged is cut to what holds,
// in the worst case to nothing, and then made from the lines. The journal ends behind its last whole entry; if damaged
// ones stand before that, it stays as it is, and every recovery says so.
//
// Everything is made durable before it counts: after a kill, what is read may be in memory only, and a second crash
// must not take back what was acted upon.

/// Reads what a pass has left, cuts torn ends, and brings the index up to its lines. May be interrupted anywhere and
/// called again. The caller holds the job's lock. The memory it needs is a bit for each row.
package func recover(_ pass: Pass, in files: any FileLayer) throws(JobStoreError) -> RecoveredPass {
  guard let (results, beginning) = try openBegun(pass, in: files) else {
    var recovered = RecoveredPass(pass)
    recovered.cut = try removeUnbegun(pass, in: files)
    return recovered
  }
  var recovered = RecoveredPass(pass)
  recovered.hasBegun = true
  if let beginning { recovered.apply(beginning) }
  let index = try OpenFile.open(pass.indexName, .appending, in: files)
  let journal = try OpenFile.open(pass.journalName, .appending, in: files)
  // The index is about to speak of these lines.
  try results.synchronize()
  let ended = try endedRows(journal)
  try recoverIndex(index, results, isNamed: beginning != nil, &recovered)
  try recoverTail(results, index, hasEnded: ended != nil, &recovered)
  if let ended, ended != recovered.counters.rows {
    throw JobStoreError(
      "\(results.path) holds \(recovered.counters.rows) records and had \(ended) when its job ended; put it back; "
        + "see: coordinator verify \(files.path)"
    )
  }
  try recoverJournal(journal, &recovered)
  try files.makeNamesDurable()
  return recovered
}

// MARK: - Whether there is anything

/// The record file of a pass that has begun, and the entry that says so, if it can be read.
private func openBegun(
  _ pass: Pass,
  in files: any FileLayer
) throws(JobStoreError) -> (results: OpenFile, beginning: JournalEntry?)? {
  var beginning: JournalEntry?
  var hasEntries = false
  if let file = try OpenFile.openIfPresent(pass.journalName, in: files) {
    var journal = try JournalReader(file)
    while beginning == nil || !hasEntries, let entry = try journal.next() {
      if beginning == nil, case .began = entry { beginning = entry } else { hasEntries = true }
    }
  }
  var hasBlocks = false
  if let file = try OpenFile.openIfPresent(pass.indexName, in: files) {
    var index = try IndexReader(file)
    var block = IndexBlock(offset: 0, columns: [])
    hasBlocks = try index.next(&block, within: .max)
  }
  guard try OpenFile.openIfPresent(pass.resultsName, in: files) != nil else {
    // The names of new files become durable together, and only then anything is written.
    guard hasEntries || hasBlocks else { return nil }
    throw JobStoreError("\(files.path)/\(pass.resultsName) is missing, but not what else belongs to it; put it back")
  }
  let results = try OpenFile.open(pass.resultsName, .appending, in: files)
  if beginning == nil, !hasBlocks, !hasEntries {
    var records = RecordReader(results, from: 0, to: try results.size())
    guard case .record = try records.next() else { return nil }
  }
  return (results, beginning)
}

/// Clears away what a crash left of files that were being made.
private func removeUnbegun(_ pass: Pass, in files: any FileLayer) throws(JobStoreError) -> RecoveredPass.Cut {
  var cut = RecoveredPass.Cut()
  cut.results = try OpenFile.openIfPresent(pass.resultsName, in: files)?.size() ?? 0
  cut.index = try OpenFile.openIfPresent(pass.indexName, in: files)?.size() ?? 0
  cut.journal = try OpenFile.openIfPresent(pass.journalName, in: files)?.size() ?? 0
  // The record file last: while it is there, a crash in between leads here again.
  for name in [pass.journalName, pass.indexName, pass.resultsName] { try files.removeIfPresent(name) }
  try files.makeNamesDurable()
  return cut
}

// MARK: - Index

/// Counts what the index covers and cuts what does not hold.
private func recoverIndex(
  _ file: OpenFile,
  _ results: OpenFile,
  isNamed: Bool,
  _ recovered: inout RecoveredPass
) throws(JobStoreError) {
  let size = try file.size()
  var index = try IndexReader(file)
  if let header = index.header, !isNamed { recovered.identifier = header.identifier }
  guard let header = index.header, header.identifier == recovered.identifier else {
    try refuseDamagedLines(results, from: 0)
    recovered.cut.index = size
    var bytes: [UInt8] = []
    IndexHeader(identifier: recovered.identifier).append(to: &bytes)
    if size > 0 { try file.truncate(to: 0) }
    try file.append(bytes)
    try file.synchronize()
    recovered.indexLength = UInt64(bytes.count)
    return
  }
  let last = try count(&index, within: try results.size(), &recovered)
  if let last { try check(last, of: file, to: index.offset, results) }
  recovered.indexLength = index.offset
  recovered.resultsLength = index.linesEnd
  recovered.cut.index = size - index.offset
  if index.offset < size {
    try refuseDamagedLines(results, from: index.linesEnd)
    try file.truncate(to: index.offset)
  }
  try file.synchronize()
}

/// No crash takes an index away whose header was durable before there was a line, and what a block speaks of was
/// durable before that was torn. Where a part of the index is to go, lines behind a damaged one may well have counted,
/// and must not be cut. Comes before anything is: the next recovery has to see the same.
func refuseDamagedLines(_ results: OpenFile, from offset: UInt64) throws(JobStoreError) {
  var records = RecordReader(results, from: offset, to: try results.size())
  var damaged: UInt64?
  while true {
    let offset = records.offset
    switch try records.next() {
    case .end: return
    case .invalid: damaged = damaged ?? offset
    case .record:
      guard let damaged else { continue }
      throw JobStoreError(
        "\(results.path) has no whole record at byte \(damaged) but records behind it, and no index that "
          + "covers them; put the index back, mend that line, or cut it out"
      )
    }
  }
}

/// Counts the rows of all blocks that are whole and inside the record file; returns where the last of them begins.
private func count(
  _ index: inout IndexReader,
  within limit: UInt64,
  _ recovered: inout RecoveredPass
) throws(JobStoreError) -> UInt64? {
  var last: UInt64?
  var block = IndexBlock(offset: 0, columns: [])
  while true {
    let start = index.offset
    guard try index.next(&block, within: limit) else { return last }
    last = start
    for column in block.columns { try recovered.record(column) }
  }
}

/// The first and the last line of a block have to be where it says: they were acknowledged.
private func check(_ start: UInt64, of file: OpenFile, to end: UInt64, _ results: OpenFile) throws(JobStoreError) {
  let block = try readBlock(start, of: file, to: end)
  guard let first = block.columns.first, let last = block.columns.last else { return }
  for (column, offset) in [(first, block.offset), (last, block.end - UInt64(last.lineLength))]
  where try !isLine(column, at: offset, of: results) {
    throw JobStoreError(
      "\(results.path) has no whole record of row \(column.seq) at byte \(offset), where one was acknowledged; put the "
        + "file back, or have all from there on fetched again: truncate -s \(offset) \(results.path)"
    )
  }
}

private func isLine(_ column: ResultColumn, at offset: UInt64, of results: OpenFile) throws(JobStoreError) -> Bool {
  guard column.lineLength <= maximumLineBytes else { return false }
  var reader = SequentialReader(results, from: offset, to: offset + UInt64(column.lineLength))
  guard try reader.fill(Int(column.lineLength)) else { return false }
  if let record = RecordLine(reader.buffer.span) { return record.column == column }
  // What is no record was taken from an agent all the same, if it is a line of the row: it was acknowledged, and so
  // were those around it, which must not be cut with it.
  return isWellFormedLine(reader.buffer.span, seq: column.seq)
}

/// A block that was read before.
private func readBlock(
  _ start: UInt64,
  of file: OpenFile,
  to end: UInt64
) throws(JobStoreError) -> IndexBlock {
  var reader = SequentialReader(file, from: start, to: end)
  var block = IndexBlock(offset: 0, columns: [])
  var needed = IndexBlock.headBytes
  while try reader.fill(needed) {
    switch block.read(reader.buffer.span, at: reader.start) {
    case .block: return block
    case .incomplete(let size): needed = size
    case .damaged: needed = .max
    }
    if needed == .max { break }
  }
  throw JobStoreError("\(file.path) was changed by somebody else while it was read")
}

// MARK: - Lines behind the index

/// Gives the whole lines behind the index blocks of their own, and cuts what comes after them.
private func recoverTail(
  _ results: OpenFile,
  _ index: OpenFile,
  hasEnded: Bool,
  _ recovered: inout RecoveredPass
) throws(JobStoreError) {
  let size = try results.size()
  var records = RecordReader(results, from: recovered.resultsLength, to: size)
  var block = IndexBlock(offset: recovered.resultsLength, columns: [])
  while true {
    guard case .record(let record) = try records.next() else { break }
    try recovered.record(record.column)
    block.columns.append(record.column)
    recovered.resultsLength += UInt64(record.column.lineLength)
    if block.columns.count == IndexBlock.maximumRows { try append(&block, to: index, &recovered) }
  }
  if !block.columns.isEmpty { try append(&block, to: index, &recovered) }
  try index.synchronize()
  recovered.cut.results = size - recovered.resultsLength
  if recovered.cut.results > 0 {
    guard !hasEnded else {
      throw JobStoreError(
        "\(results.path) has no whole record at byte \(recovered.resultsLength), and its job has ended, so nothing of "
          + "it may be cut; put it back, or mend that line"
      )
    }
    try results.truncate(to: recovered.resultsLength)
    try results.synchronize()
  }
}

private func append(
  _ block: inout IndexBlock,
  to index: OpenFile,
  _ recovered: inout RecoveredPass
) throws(JobStoreError) {
  var bytes: [UInt8] = []
  block.append(to: &bytes)
  try index.append(bytes)
  recovered.indexLength += UInt64(bytes.count)
  block = IndexBlock(offset: block.end, columns: [])
}

extension RecoveredPass {
  fileprivate mutating func record(_ column: ResultColumn) throws(JobStoreError) {
    guard recorded.insert(column.seq) else {
      throw JobStoreError(
        "row \(column.seq) is recorded twice in \(pass.resultsName); take one of its lines out, "
          + "then: coordinator verify --rebuild"
      )
    }
    counters.add(column)
  }
}

// MARK: - Journal

/// How many rows the pass had when it ended; nil if it has not.
private func endedRows(_ file: OpenFile) throws(JobStoreError) -> UInt64? {
  var journal = try JournalReader(file)
  var rows: UInt64?
  while let entry = try journal.next() { if case .ended(let count) = entry { rows = count } }
  return rows
}

private func recoverJournal(_ file: OpenFile, _ recovered: inout RecoveredPass) throws(JobStoreError) {
  var journal = try JournalReader(file)
  while let entry = try journal.next() {
    if journal.takeDamage() != nil { recovered.passOverDamage() }
    recovered.apply(entry)
  }
  if !recovered.hasBeginning, !recovered.journalWasLost { recovered.passOverDamage() }
  let size = try file.size()
  recovered.journalLength = journal.offset
  recovered.cut.journal = size - journal.offset
  if recovered.cut.journal > 0 { try file.truncate(to: journal.offset) }
  try file.synchronize()
}
