import FetchModel
import Testing

@Suite struct `A running hash of a stream` {
  private func hash(_ blocks: [[UInt8]]) -> UInt64 {
    var hash = StreamHash()
    for block in blocks { hash.add(block) }
    return hash.value
  }

  @Test func `is the same for the same blocks`() {
    let block = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
    #expect(hash([block, block]) == hash([block, block]))
    #expect(hash([]) != hash([[]]))
  }

  @Test func `differs for every changed byte, swapped words, and another length`() {
    let block = (0..<200).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    var seen: Set = [hash([block])]
    for index in block.indices {
      for bit in 0..<8 {
        var changed = block
        changed[index] ^= 1 << UInt8(bit)
        seen.insert(hash([changed]))
      }
    }
    #expect(seen.count == 1 + 200 * 8)
    #expect(hash([Array(block[8..<16] + block[0..<8])]) != hash([Array(block[..<16])]))
    for length in 0..<20 { seen.insert(hash([Array(repeating: 0, count: length)])) }
    #expect(seen.count == 1 + 200 * 8 + 20)
  }

  @Test func `keeps what came before`() {
    let tail = Array(repeating: UInt8(0), count: 4_096)
    #expect(hash([[1], tail, tail]) != hash([[2], tail, tail]))
  }
}
