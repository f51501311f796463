import FetchModel
import Records

/// Reads the records of a file, line by line.
struct RecordReader: ~Copyable {
  enum Step: Equatable {
    /// A whole record; the next line begins behind it.
    case record(RecordLine)
    /// No record, up to and with the next newline, or to the end if there is none.
    case invalid(length: UInt64)
    case end
  }

  private var reader: SequentialReader

  init(_ file: OpenFile, from offset: UInt64, to end: UInt64) { reader = SequentialReader(file, from: offset, to: end) }

  /// Where the next line begins.
  var offset: UInt64 { reader.offset }

  mutating func next() throws(JobStoreError) -> Step {
    guard let length = try findLine() else {
      guard try reader.fill(1) else { return .end }
      return .invalid(length: try skipLine())
    }
    let record = RecordLine(reader.buffer.span.extracting(reader.start..<reader.start + length))
    reader.consume(length)
    guard let record, record.column.seq < RowSet.limit else { return .invalid(length: UInt64(length)) }
    return .record(record)
  }

  /// The length of the next line with its newline; nil if none ends within the longest length of a line.
  private mutating func findLine() throws(JobStoreError) -> Int? {
    var searched = 0
    while true {
      if let found = reader.firstNewline(from: searched) {
        let length = found + 1
        return length <= maximumLineBytes ? length : nil
      }
      searched = reader.available
      guard searched < maximumLineBytes else { return nil }
      if try !reader.fill(searched + 1) { return nil }
    }
  }

  private mutating func skipLine() throws(JobStoreError) -> UInt64 {
    var skipped: UInt64 = 0
    while try reader.fill(1) {
      let newline = reader.firstNewline(from: 0)
      let count = newline.map { $0 + 1 } ?? reader.available
      reader.consume(count)
      skipped += UInt64(count)
      if newline != nil { break }
    }
    return skipped
  }
}
