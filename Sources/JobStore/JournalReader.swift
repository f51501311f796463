/// Reads the whole entries of a journal, those behind damaged ones, too.
///
/// A crash leaves a torn entry at the end and nothing behind it. What has whole entries behind it was damaged by
/// something else, and they may be about rows that must not be sent twice: whoever reads has to ask for the damage.
struct JournalReader: ~Copyable {
  private var reader: SequentialReader
  private let size: UInt64
  /// Where the last whole entry ends.
  private(set) var offset: UInt64 = 0
  private var damage: UInt64?

  init(_ file: OpenFile) throws(JobStoreError) {
    size = try file.size()
    reader = SequentialReader(file, from: 0, to: size)
  }

  /// The next whole entry; nil if nothing from `offset` on is one.
  mutating func next() throws(JobStoreError) -> JournalEntry? {
    while true {
      if let entry = try readEntry() {
        offset = reader.offset
        return entry
      }
      // Byte by byte, as the length of a damaged entry cannot be believed. Few places look like the beginning of an
      // entry that ends inside the file, so hardly any costs a checksum.
      guard try reader.fill(1) else { return nil }
      reader.consume(1)
    }
  }

  /// Where bytes begin that `next` has passed over since this was asked last.
  mutating func takeDamage() -> UInt64? { damage.take() }

  /// The one that begins exactly where the reader is.
  private mutating func readEntry() throws(JobStoreError) -> JournalEntry? {
    let start = reader.offset
    var needed = JournalEntry.headBytes
    while UInt64(needed) <= size - start, try reader.fill(needed) {
      switch JournalEntry.read(reader.buffer.span, at: reader.start) {
      case .entry(let entry, let size):
        reader.consume(size)
        if start > offset { damage = damage ?? offset }
        return entry
      case .incomplete(let size): needed = size
      case .damaged: return nil
      }
    }
    return nil
  }
}
