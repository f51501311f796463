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
