import FetchModel
import Glibc
import Records

/// Reads a file front to back through one buffer.
struct SequentialReader: ~Copyable {
  private static let chunkBytes = 512 * 1024

  private let file: OpenFile
  private let end: UInt64
  /// What was read and not consumed begins at `start`.
  private(set) var buffer: [UInt8] = []
  private(set) var start = 0
  /// Where in the file `start` is.
  private(set) var offset: UInt64

  /// From `offset` on to `end`, or to the file's end if that is before.
  init(_ file: OpenFile, from offset: UInt64, to end: UInt64) {
    self.file = file
    self.offset = offset
    self.end = max(offset, end)
  }

  /// Bytes at hand.
  var available: Int { buffer.count - start }

  /// Has `count` bytes at hand, or all that are left; returns whether they are that many.
  mutating func fill(_ count: Int) throws(JobStoreError) -> Bool {
    guard available < count else { return true }
    buffer.removeFirst(start)
    start = 0
    while available < count {
      let position = offset + UInt64(available)
      let wanted = min(UInt64(max(Self.chunkBytes, count - available)), end - position)
      guard wanted > 0, try file.read(at: position, Int(wanted), into: &buffer) > 0 else { return false }
    }
    return true
  }

  /// Counted from `start`, among the bytes at hand.
  func firstNewline(from first: Int) -> Int? {
    buffer.withUnsafeBytes { bytes -> Int? in
      let rest = UnsafeRawBufferPointer(rebasing: bytes[(start + first)...])
      guard let base = rest.baseAddress, let hit = memchr(base, 0x0A, rest.count) else { return nil }
      return first + base.distance(to: UnsafeRawPointer(hit))
    }
  }

  mutating func consume(_ count: Int) {
    precondition(count <= available)
    start += count
    offset += UInt64(count)
  }
}

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
    guard let record, record.column.seq < rowLimit else { return .invalid(length: UInt64(length)) }
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

/// Reads the blocks of an index for as long as they are whole and follow each other.
struct IndexReader: ~Copyable {
  /// nil if the file does not begin with one; it has no blocks then.
  let header: IndexHeader?
  private var reader: SequentialReader
  /// Where in the record file the lines of the blocks so far end.
  private(set) var linesEnd: UInt64 = 0

  init(_ file: OpenFile, to end: UInt64 = .max) throws(JobStoreError) {
    var reader = SequentialReader(file, from: 0, to: end)
    var header: IndexHeader?
    if try reader.fill(IndexHeader.byteCount) {
      header = IndexHeader(reader.buffer.span.extracting(0..<IndexHeader.byteCount))
      if header != nil { reader.consume(IndexHeader.byteCount) }
    }
    self.header = header
    self.reader = reader
  }

  /// Where what is whole ends.
  var offset: UInt64 { reader.offset }

  /// Becomes the next block; false where there is none that is whole, follows the last one, and has its lines within
  /// the first `limit` bytes of the record file.
  mutating func next(_ block: inout IndexBlock, within limit: UInt64) throws(JobStoreError) -> Bool {
    guard header != nil else { return false }
    var needed = IndexBlock.headBytes
    while try reader.fill(needed) {
      switch block.read(reader.buffer.span, at: reader.start) {
      case .block(let size):
        guard block.offset == linesEnd, block.end <= limit else { return false }
        reader.consume(size)
        linesEnd = block.end
        return true
      case .incomplete(let size): needed = size
      case .damaged: return false
      }
    }
    return false
  }
}

/// Reads the entries of a journal for as long as they are whole.
struct JournalReader: ~Copyable {
  private var reader: SequentialReader

  init(_ file: OpenFile) { reader = SequentialReader(file, from: 0, to: .max) }

  /// Where what is whole ends.
  var offset: UInt64 { reader.offset }

  mutating func next() throws(JobStoreError) -> JournalEntry? {
    var needed = JournalEntry.headBytes
    while try reader.fill(needed) {
      switch JournalEntry.read(reader.buffer.span, at: reader.start) {
      case .entry(let entry, let size):
        reader.consume(size)
        return entry
      case .incomplete(let size): needed = size
      case .damaged: return nil
      }
    }
    return nil
  }
}
