/// The bytes of the rows that are not recorded yet, in the chunks they were read in.
///
/// A location is the chunk's slot, the offset and the length in it; the scheduler carries it for each row.
struct LineStore {
  private struct Chunk {
    var bytes: [UInt8]
    var live: Int
  }

  private var chunks: [Chunk?] = []
  private var free: [Int] = []
  /// Bytes held, with those of rows that are done but share a chunk with rows that are not.
  private(set) var heldBytes = 0

  /// Takes a chunk in; rows of it are named by `location(chunk:row:)`.
  mutating func add(_ chunk: RowChunk) -> Int {
    let live = chunk.rows.count { $0.origin != RowChunk.Row.settled }
    guard live > 0 else { return 0 }
    heldBytes += chunk.bytes.count
    let entry = Chunk(bytes: chunk.bytes, live: live)
    if let slot = free.popLast() {
      chunks[slot] = entry
      return slot
    }
    chunks.append(entry)
    return chunks.count - 1
  }

  /// 22 bits of slot, 21 of offset, 21 of length: a chunk is at most 2 MiB.
  static func location(chunk: Int, row: RowChunk.Row) -> UInt64 {
    precondition(chunk < 1 << 22 && row.offset < 1 << 21 && row.length < 1 << 21)
    return UInt64(chunk) << 42 | UInt64(row.offset) << 21 | UInt64(row.length)
  }

  func withLine<Result>(at location: UInt64, _ body: (Span<UInt8>) -> Result) -> Result {
    let offset = Int(location >> 21 & 0x1F_FFFF)
    let length = Int(location & 0x1F_FFFF)
    guard let chunk = chunks[Int(location >> 42)] else { preconditionFailure("a line was freed that is still needed") }
    let bytes = chunk.bytes
    return body(bytes.span.extracting(offset..<offset + length))
  }

  /// The row is recorded; its chunk goes with the last of its rows.
  mutating func release(_ location: UInt64) {
    let slot = Int(location >> 42)
    guard let live = chunks[slot]?.live else { preconditionFailure("a line was freed twice") }
    chunks[slot]?.live = live - 1
    if live == 1 {
      heldBytes -= chunks[slot]?.bytes.count ?? 0
      chunks[slot] = nil
      free.append(slot)
    }
  }
}
