package import FetchModel
import PosixIO
import Records

/// The current record of each row: that of the last pass which has one. Reads the files as they are, those of a
/// running job, too, and changes nothing.
package struct CurrentRecords: Sendable {
  /// Rows whose places are held in memory at a time; 12 bytes each.
  package static let windowRows: UInt64 = 4 * 1024 * 1024

  private let files: any FileLayer
  private let passes: [Pass]

  package init(in files: any FileLayer) throws(JobStoreError) {
    self.files = files
    passes = try Pass.all(in: files)
  }

  /// Every row once, in no order of rows. Needs a bit of memory for each.
  package func forEachCurrentColumn(_ body: (ResultColumn) -> Void) throws(JobStoreError) {
    var seen = RowSet()
    for pass in passes.reversed() {
      try forEachBlock(of: pass, in: files) { block in
        for column in block.columns where seen.insert(column.seq) { body(column) }
      }
    }
  }

  /// The line of every row, in the order of rows, until `body` says that it wants no more. The index is read once for
  /// each window of rows.
  package func forEachCurrentLine(
    window: UInt64 = windowRows,
    _ body: (Span<UInt8>) -> Bool
  ) throws(JobStoreError) {
    var readers: [LineFetcher] = []
    for pass in passes { readers.append(try LineFetcher(pass, in: files)) }
    var first: UInt64? = 0
    while let start = first {
      var places = PlaceTable(from: start, rows: window)
      for (number, pass) in passes.enumerated() {
        try forEachBlock(of: pass, in: files) { block in places.add(block, of: number) }
      }
      for (seq, place) in places {
        guard try readers[place.pass].withLine(seq, at: place.offset, length: place.length, body) else { return }
      }
      first = places.nextRow
    }
  }

  /// Writes the line of every row to standard output, in the order of rows; ends early, and is content, if the reader
  /// has enough.
  package func writeToStandardOutput() throws(JobStoreError) {
    let enough = 256 * 1024
    var buffer: [UInt8] = []
    var failure: OutputFailure?
    func flush() -> Bool {
      do throws(OutputFailure) {
        try StandardOutput.write(buffer)
        buffer.removeAll(keepingCapacity: true)
        return true
      } catch {
        failure = error
        return false
      }
    }
    try forEachCurrentLine { line in
      line.withUnsafeBufferPointer { buffer.append(contentsOf: $0) }
      return buffer.count < enough || flush()
    }
    if failure == nil { _ = flush() }
    switch failure {
    case nil, .brokenPipe: break
    case .failed(let error): throw JobStoreError("cannot write records to standard output: \(error.reason)")
    }
  }
}

/// Where the current lines of a run of rows are; a later pass replaces what an earlier one has said.
private struct PlaceTable: Sequence {
  struct Place {
    var pass: Int
    var offset: UInt64
    var length: Int
  }

  private let first: UInt64
  private let end: UInt64
  /// Pass in the upper 16 bits, offset in the lower 48.
  private var offsets: [UInt64] = []
  /// 0 where there is no line.
  private var lengths: [UInt32] = []
  /// The lowest row behind the run; nil if there is none.
  private(set) var nextRow: UInt64?

  init(from first: UInt64, rows: UInt64) {
    self.first = first
    end = first + rows
  }

  mutating func add(_ block: IndexBlock, of pass: Int) {
    var offset = block.offset
    for column in block.columns {
      if column.seq >= end {
        nextRow = Swift.min(nextRow ?? .max, column.seq)
      } else if column.seq >= first {
        let index = Int(column.seq - first)
        if index >= offsets.count {
          let missing = index + 1 - offsets.count
          offsets.append(contentsOf: repeatElement(0, count: missing))
          lengths.append(contentsOf: repeatElement(0, count: missing))
        }
        offsets[index] = UInt64(pass) << 48 | offset
        lengths[index] = column.lineLength
      }
      offset += UInt64(column.lineLength)
    }
  }

  func makeIterator() -> AnyIterator<(seq: UInt64, place: Place)> {
    var index = 0
    return AnyIterator {
      while index < lengths.count, lengths[index] == 0 { index += 1 }
      guard index < lengths.count else { return nil }
      defer { index += 1 }
      let offset = offsets[index] & (1 << 48 - 1)
      let place = Place(pass: Int(offsets[index] >> 48), offset: offset, length: Int(lengths[index]))
      return (first + UInt64(index), place)
    }
  }
}

/// Reads lines of one record file, wherever they are; those near the last one are at hand already.
private struct LineFetcher {
  private static let aheadBytes: UInt64 = 512 * 1024
  private static let behindBytes: UInt64 = 64 * 1024

  private let name: String
  private let file: OpenFile?
  private var buffer: [UInt8] = []
  private var start: UInt64 = 0

  init(_ pass: Pass, in files: any FileLayer) throws(JobStoreError) {
    name = "\(files.path)/\(pass.resultsName)"
    file = try OpenFile.openIfPresent(pass.resultsName, in: files)
  }

  mutating func withLine(
    _ seq: UInt64,
    at offset: UInt64,
    length: Int,
    _ body: (Span<UInt8>) -> Bool
  ) throws(JobStoreError) -> Bool {
    let end = offset + UInt64(length)
    if offset < start || end > start + UInt64(buffer.count) { try fetch(offset, end) }
    let position = Int(offset - start)
    guard position + length <= buffer.count else { throw isMissing(seq) }
    let line = buffer.span.extracting(position..<position + length)
    guard isWellFormedLine(line, seq: seq) else { throw isMissing(seq) }
    return body(line)
  }

  /// Rows are recorded nearly in their order, so what is around a line is wanted soon.
  private mutating func fetch(_ offset: UInt64, _ end: UInt64) throws(JobStoreError) {
    buffer.removeAll(keepingCapacity: true)
    start = offset - min(offset, Self.behindBytes)
    let wanted = Int(max(end, offset + Self.aheadBytes) - start)
    while let file, buffer.count < wanted {
      let position = start + UInt64(buffer.count)
      guard try file.read(at: position, wanted - buffer.count, into: &buffer) > 0 else { return }
    }
  }

  private func isMissing(_ seq: UInt64) -> JobStoreError {
    JobStoreError("row \(seq) is not where \(name)'s index says; find out more with: coordinator verify DIR")
  }
}

/// The blocks of the index, then those that the whole lines behind it would make.
private func forEachBlock(
  of pass: Pass,
  in files: any FileLayer,
  _ body: (IndexBlock) -> Void
) throws(JobStoreError) {
  guard let results = try OpenFile.openIfPresent(pass.resultsName, in: files) else { return }
  let size = try results.size()
  var block = IndexBlock(offset: 0, columns: [])
  var covered: UInt64 = 0
  if let file = try OpenFile.openIfPresent(pass.indexName, in: files) {
    var index = try IndexReader(file)
    while try index.next(&block, within: size) { body(block) }
    covered = index.linesEnd
  }
  var records = RecordReader(results, from: covered, to: size)
  block = IndexBlock(offset: covered, columns: [])
  while case .record(let record) = try records.next() {
    block.columns.append(record.column)
    if block.columns.count == IndexBlock.maximumRows {
      body(block)
      block = IndexBlock(offset: block.end, columns: [])
    }
  }
  if !block.columns.isEmpty { body(block) }
}
