import FetchModel
import Testing

@Suite struct `A set of rows` {
  @Test func `holds what was put in, once`() {
    var set = RowSet()
    let news = [set.insert(0), set.insert(0), set.insert(1_000)]
    #expect(news == [true, false, true])
    #expect(set.contains(0) && set.contains(1_000) && !set.contains(999) && !set.contains(1 << 40))
    #expect(set.count == 2)
    set.remove(0)
    set.remove(5)
    #expect(!set.contains(0) && set.count == 1)
  }

  @Test func `knows the first row that is missing`() {
    var set = RowSet()
    #expect(set.firstMissing() == 0)
    for seq in UInt64(0)..<200 { set.insert(seq) }
    #expect(set.firstMissing() == 200)
    #expect(set.firstMissing(from: 300) == 300)
    for missing in [0, 1, 63, 64, 65, 127, 128, 199] as [UInt64] {
      var holed = set
      holed.remove(missing)
      #expect(holed.firstMissing() == missing)
    }
  }
}
