/// Rows that have a durable record from before a coordinator's start: a bit for each.
package struct RecordedRows: Equatable, Sendable {
  private var words: [UInt64] = []

  package init() {}

  package mutating func insert(_ seq: UInt64) {
    let word = Int(seq >> 6)
    if word >= words.count { words.append(contentsOf: repeatElement(0, count: word + 1 - words.count)) }
    words[word] |= 1 << (seq & 63)
  }

  package func contains(_ seq: UInt64) -> Bool {
    let word = Int(clamping: seq >> 6)
    return word < words.count && words[word] & 1 << (seq & 63) != 0
  }
}
