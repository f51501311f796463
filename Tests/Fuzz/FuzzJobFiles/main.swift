// Any bytes as the index, the end of the records or the journal of a job.
//
// Recovery either says in words why it cannot go on, or a second one changes nothing and finds the same, what was
// recorded before is recorded still, and a writer goes on from there.

import FetchModel
import FuzzSupport
import JobStore
import Records

/// Row numbers of the job that is spoiled, by block; each was acknowledged.
private let blocks: [[UInt64]] = [[0, 1, 2, 3], [5, 4], [7, 6, 9]]

private func lines(_ seqs: [UInt64]) -> (bytes: [UInt8], columns: [ResultColumn]) {
  var writer = RecordWriter(agent: Array("agent-1".utf8))
  var bytes: [UInt8] = []
  var columns: [ResultColumn] = []
  for seq in seqs {
    var fields = RecordFields(seq: seq)
    fields.attempts = 1
    fields.status = 200
    fields.bodyBytes = seq * 11
    let length = writer.append(fields, url: Array("http://a/\(seq)".utf8).span, to: &bytes)
    columns.append(
      ResultColumn(
        seq: seq,
        bodyBytes: seq * 11,
        totalMicroseconds: fields.time.totalMicroseconds,
        lineLength: UInt32(length),
        status: 200,
        failure: nil,
        attempts: 1
      )
    )
  }
  return (bytes, columns)
}

private func makeJob() throws(JobStoreError) -> [String: [UInt8]] {
  let files = MemoryFolder([:])
  var writer = try PassWriter(creating: .main, identifier: [UInt8](1...16), in: files)
  let instance = [UInt8](repeating: 7, count: 16)
  try writer.journal([.joined(instance: instance, isLocal: true), .unsafeRowsLeft(to: instance, seqs: [4, 8])])
  for block in blocks {
    let (bytes, columns) = lines(block)
    try writer.append(lines: bytes, columns: columns)
    try writer.commit()
  }
  try writer.journal([.inputRead(hashes: [1, 2]), .inputEnded(bytes: 300), .left(instance: instance)])
  try writer.syncJournal()
  return files.contents
}

private enum Change: UInt8 {
  /// The file is these bytes, and the index is lost if it is that of the records.
  case replaced
  /// They stand behind what is there.
  case appended
  /// They take the place of as many at the end.
  case overwritten
  /// The first two say how much is cut off; then as `appended`.
  case cut
}

/// Nothing that was acknowledged is touched by it.
private func isHarmless(_ name: String, _ change: Change) -> Bool {
  name != Pass.main.resultsName || change == .appended
}

private func change(_ bytes: inout [UInt8], _ change: Change, _ feed: inout Feed) {
  switch change {
  case .replaced: bytes = feed.remainder()
  case .appended: bytes += feed.remainder()
  case .overwritten:
    let new = feed.remainder()
    bytes = bytes.dropLast(new.count) + new
  case .cut:
    let count = Int(feed.byte()) | Int(feed.byte()) << 8
    bytes = bytes.dropLast(count) + feed.remainder()
  }
}

private func check(_ bytes: [UInt8], _ whole: [String: [UInt8]]) {
  var feed = Feed(bytes)
  let choice = feed.byte()
  let name = [Pass.main.resultsName, Pass.main.indexName, Pass.main.journalName][Int(choice % 3)]
  let kind = Change(rawValue: choice / 3 % 4) ?? .appended
  var contents = whole
  change(&contents[name, default: []], kind, &feed)
  let files = MemoryFolder(contents)
  do throws(JobStoreError) {
    _ = try verify(in: files)
    let recovered = try recover(.main, in: files)
    if isHarmless(name, kind) {
      let acknowledged = blocks.joined()
      require(acknowledged.allSatisfy { recovered.recorded.contains($0) }, "a recorded row is lost")
    }
    let settled = files.contents
    let again = try recover(.main, in: files)
    require(files.contents == settled, "a second recovery changes files")
    require(
      again.recorded.count == recovered.recorded.count && again.counters == recovered.counters
        && again.unsafe == recovered.unsafe && again.endedRows == recovered.endedRows
        && again.inputHashes == recovered.inputHashes && again.agents.count == recovered.agents.count,
      "a second recovery finds something else"
    )
    guard recovered.hasBegun, let free = (0..<UInt64.max).first(where: { !recovered.recorded.contains($0) }) else {
      return
    }
    var writer = try PassWriter(continuing: again, in: files)
    let (more, columns) = lines([free])
    try writer.append(lines: more, columns: columns)
    try writer.commit()
    let continued = try recover(.main, in: files)
    require(continued.recorded.count == recovered.recorded.count + 1, "what was recorded after a recovery is lost")
  } catch {
    // An answer, too, if it is about what was spoiled.
    require(name == Pass.main.resultsName, "\(name): \(error)")
  }
}

private let whole = try makeJob()
private let seeds: [[UInt8]] = {
  let names = [Pass.main.resultsName, Pass.main.indexName, Pass.main.journalName]
  let pieces = names.map { whole[$0] ?? [] } + [lines([11, 12]).bytes]
  return (0..<12).map { choice in [UInt8(choice)] + pieces[choice % 3] }
    + (0..<3).map { choice in [UInt8(choice) + 3] + pieces[3] }
}()

try runTarget(seeds: seeds) { bytes, count in
  check(input(bytes, count), whole)
  return 0
}
