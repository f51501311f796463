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

  /// By all passes.
  package init(in files: any FileLayer) throws(JobStoreError) {
    self.init(of: try Pass.all(in: files), in: files)
  }

  /// By these passes, oldest first.
  package init(of passes: [Pass], in files: any FileLayer) {
    self.files = files
    self.passes = passes
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
