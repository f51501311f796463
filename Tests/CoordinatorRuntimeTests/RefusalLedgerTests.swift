import CoordinatorRuntime
import Testing

@Suite struct RefusalLedgerTests {
  @Test func `a peer is new once for each cause`() {
    var ledger = RefusalLedger()
    var news: [Bool] = []
    news.append(ledger.count(.unknownKey, of: "192.0.2.1"))
    news.append(ledger.count(.unknownKey, of: "192.0.2.1", times: 5))
    news.append(ledger.count(.unknownKey, of: "192.0.2.2"))
    news.append(ledger.count(.badFrame, of: "192.0.2.1"))
    #expect(news == [true, false, true, true])
    #expect(ledger.entries.map(\.cause) == ["bad_frame", "unknown_key"])
    #expect(ledger.entries.map(\.count) == [1, 7])
  }

  @Test func `however many peers come, no more than a thousand are remembered, and all are counted`() {
    var ledger = RefusalLedger()
    var news = 0
    for number in 0..<5_000 where ledger.count(.badGreeting, of: "peer \(number)") { news += 1 }
    #expect(news == RefusalLedger.maximumKinds)
    #expect(ledger.entries.map(\.count) == [5_000])
  }

  @Test func `a flood of refusals waits in little room`() {
    var tally = RefusalTally()
    for number in 0..<10_000 { tally.add(.unknownKey, of: "peer \(number % 500)") }
    for _ in 0..<100 { tally.add(.handshakeFailed, of: "another") }
    // Beyond the room, one entry for each cause.
    #expect(tally.entries.count <= RefusalTally.maximumNamed + RefusalLedger.Cause.allCases.count)
    #expect(tally.entries.reduce(0) { $0 + $1.count } == 10_100)
    #expect(tally.entries.first?.peer == "peer 0" && tally.entries.first?.count == 20)
    #expect(tally.entries.last == tally.entries.first { $0.cause == .handshakeFailed })
    #expect(tally.entries.last?.peer == nil && tally.entries.last?.count == 100)
  }
}
