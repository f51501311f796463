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
