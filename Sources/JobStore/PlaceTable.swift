import FetchModel

/// Where the current lines of a run of rows are; a later pass replaces what an earlier one has said.
struct PlaceTable: Sequence {
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
