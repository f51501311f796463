import Scheduling
import Testing

@Suite struct RowTableTests {
  private static let row = Row(length: 1, location: 0, origin: 1, mustNotRepeat: false)

  @Test func `pages are used again, and a straggler holds only its own`() {
    var table = RowTable()
    for seq in 0..<100_000 as Range<UInt64> {
      #expect(table.append(Self.row) == seq)
      // All but the first are recorded a thousand rows later.
      if seq > 1000 { table.recorded(seq - 1000) }
    }
    #expect(table.pageCount <= 7)
    #expect(table.contains(0) && !table.contains(500_000) && !table.contains(50_000) && table.contains(99_500))
    table.recorded(0)
    #expect(!table.contains(0))
  }

  @Test func `a row of a page that was used before is fresh`() {
    var table = RowTable()
    for seq in 0..<512 as Range<UInt64> {
      _ = table.append(Self.row)
      table[seq].attempts = 9
      table.recorded(seq)
    }
    let seq = table.append(Self.row)
    #expect(seq == 512 && table[seq].attempts == 0 && table[seq].state == .queued && table.pageCount == 1)
  }

  @Test func `rows may be recorded in any order`() {
    var table = RowTable()
    var random = SimulationRandom(seed: 5)
    var live: [UInt64] = []
    for _ in 0..<20_000 {
      if live.count < 600 || random.chance(50), live.count < 2000 {
        live.append(table.append(Self.row))
      } else {
        let seq = live.remove(at: random.number(0...live.count - 1))
        #expect(table.contains(seq))
        table.recorded(seq)
        #expect(!table.contains(seq))
      }
    }
    #expect(live.allSatisfy(table.contains))
  }
}
