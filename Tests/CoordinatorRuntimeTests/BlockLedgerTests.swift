import CoordinatorRuntime
import Testing

@Suite struct BlockLedgerTests {
  @Test func `blocks come in order`() {
    var ledger = BlockLedger()
    #expect(ledger.isNext(1) && !ledger.isNext(0) && !ledger.isNext(2))
    ledger.addResults(bytes: 10)
    #expect(ledger.isNext(2) && !ledger.isNext(1) && !ledger.isNext(3))
    _ = ledger.addDeferrals()
    #expect(ledger.isNext(3))
  }

  @Test func `results are acknowledged when they are durable, once`() {
    var ledger = BlockLedger()
    for bytes in [1, 20, 300] { ledger.addResults(bytes: bytes) }
    #expect(ledger.uncommittedBytes == 321)
    #expect(ledger.durable(upTo: 0) == nil)
    #expect(ledger.durable(upTo: 2) == 2 && ledger.uncommittedBytes == 300)
    #expect(ledger.durable(upTo: 2) == nil)
    #expect(ledger.durable(upTo: 3) == 3 && ledger.uncommittedBytes == 0)
  }

  @Test func `deferrals are acknowledged at once if nothing before them is outstanding`() {
    var ledger = BlockLedger()
    #expect(ledger.addDeferrals() == 1)
    #expect(ledger.addDeferrals() == 2)
    ledger.addResults(bytes: 5)
    #expect(ledger.addDeferrals() == nil)
    #expect(ledger.addDeferrals() == nil)
    #expect(ledger.durable(upTo: 3) == 5)
    #expect(ledger.addDeferrals() == 6)
  }

  @Test func `deferrals between results wait for what is before them only`() {
    var ledger = BlockLedger()
    ledger.addResults(bytes: 1)
    #expect(ledger.addDeferrals() == nil)
    ledger.addResults(bytes: 1)
    #expect(ledger.addDeferrals() == nil)
    #expect(ledger.durable(upTo: 1) == 2)
    #expect(ledger.durable(upTo: 3) == 4)
  }

  @Test func `what the writer says of blocks that are not here yet says nothing of them`() {
    var ledger = BlockLedger()
    ledger.addResults(bytes: 1)
    #expect(ledger.durable(upTo: 9) == 1)
    ledger.addResults(bytes: 1)
    #expect(ledger.addDeferrals() == nil)
    #expect(ledger.durable(upTo: 2) == 3)
  }
}
