import FetchModel
import Testing

@Suite struct PortRangesTests {
  @Test func `are numbers and ranges of them`() {
    #expect(PortRanges("443")?.ranges == [443...443])
    #expect(PortRanges("80,443,8000-8099")?.ranges == [80...80, 443...443, 8000...8099])
    #expect(PortRanges("80,443")?.contains(443) == true && PortRanges("80,443")?.contains(444) == false)
  }

  @Test(arguments: ["", ",", "0", "80,", "65536", "90-80", "1-2-3", "-5", "http", " 80", "80 "])
  func `are nothing else`(_ text: String) {
    #expect(PortRanges(text) == nil)
  }
}
