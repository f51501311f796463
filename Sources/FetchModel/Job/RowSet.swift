/// A set of rows, by number: a bit for each up to the highest, because most sets of rows are dense.
package struct RowSet: Equatable, Sendable {
  /// Rows of a job at most, so no row has this number: a bit is kept of each, and a number out of damaged bytes, or one
  /// that somebody else says, must not become memory.
  package static let limit: UInt64 = 1 << 36

  private var words: [UInt64] = []
  package private(set) var count: UInt64 = 0

  package init() {}

  /// Returns whether the row was not inside.
  @discardableResult
  package mutating func insert(_ seq: UInt64) -> Bool {
    let word = Int(seq >> 6)
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
    let bit: UInt64 = 1 << (seq & 63)
    guard words[word] & bit == 0 else { return false }
    words[word] |= bit
    count += 1
    return true
  }

  package mutating func remove(_ seq: UInt64) {
    guard contains(seq) else { return }
    words[Int(seq >> 6)] &= ~(1 << (seq & 63))
    count -= 1
  }

  package func contains(_ seq: UInt64) -> Bool {
    let word = Int(clamping: seq >> 6)
    return word < words.count && words[word] & 1 << (seq & 63) != 0
  }

  package mutating func formUnion(_ other: RowSet) {
    if other.words.count > words.count {
      words.append(contentsOf: repeatElement(0, count: other.words.count - words.count))
    }
    for (index, word) in other.words.enumerated() { words[index] |= word }
    count = words.reduce(0) { $0 + UInt64($1.nonzeroBitCount) }
  }

  /// The lowest row at or after `seq` that is not inside.
  package func firstMissing(from seq: UInt64 = 0) -> UInt64 {
    var candidate = seq
    while contains(candidate) {
      // The rest of the word at once.
      let rest = ~words[Int(candidate >> 6)] >> (candidate & 63)
      candidate += rest == 0 ? 64 - (candidate & 63) : UInt64(rest.trailingZeroBitCount)
    }
    return candidate
  }
}
