import FetchModel

/// Reads an index beside the lines that it speaks of.
struct IndexFollower: ~Copyable {
  enum Answer: Equatable {
    case column(ResultColumn)
    /// The index has a line across this place.
    case noLine
    case notCovered
  }

  private var reader: IndexReader?
  private let limit: UInt64
  private var block = IndexBlock(offset: 0, columns: [])
  private var position = 0
  private var lineOffset: UInt64 = 0
  private var isOver = false
  /// Of the header.
  let identifier: [UInt8]?
  /// Where what is whole ends.
  private(set) var offset: UInt64 = 0

  init(_ file: OpenFile?, within limit: UInt64) throws(JobStoreError) {
    self.limit = limit
    guard let file else {
      reader = nil
      identifier = nil
      return
    }
    let reader = try IndexReader(file)
    identifier = reader.header?.identifier
    offset = reader.offset
    self.reader = consume reader
  }

  /// What the index says of the line at `offset`; offsets only grow.
  mutating func column(at offset: UInt64) throws(JobStoreError) -> Answer {
    while true {
      if position == block.columns.count {
        guard try readBlock() else {
          isOver = true
          position = block.columns.count
          return lineOffset > offset ? .noLine : .notCovered
        }
        position = 0
      }
      guard lineOffset <= offset else { return .noLine }
      let column = block.columns[position]
      let isHere = lineOffset == offset
      lineOffset += UInt64(column.lineLength)
      position += 1
      if isHere { return .column(column) }
    }
  }

  private mutating func readBlock() throws(JobStoreError) -> Bool {
    guard !isOver, var reader = reader.take() else { return false }
    let isWhole = try reader.next(&block, within: limit)
    offset = reader.offset
    self.reader = consume reader
    return isWhole
  }
}
