import FetchModel
import Scheduling
import Testing

/// Rows that two agents have in hand: `holder` has been silent, `helper` was given copies.
@Suite struct SchedulerCopyTests {
  private struct Pair {
    var harness: Harness
    let holder: UInt64
    let helper: UInt64

    init(rows: Int = 2, limit: Int = 8, helperCredit: Int = 1000) throws {
      harness = Harness(limit: limit)
      holder = harness.hello(1)
      harness.add(rows, to: "a")
      #expect(harness.dispatch(at(0))[holder]?.rows.count == rows)
      helper = harness.hello(2, creditRows: helperCredit, now: at(10))
    }

    /// The holder says nothing; what the helper is given.
    mutating func fallSilent() -> [UInt64] {
      var given: [UInt64] = []
      for now in stride(from: 1000, through: 3600, by: 200) as StrideThrough<UInt64> {
        given += harness.step(at(now), beating: [helper])[helper]?.rows ?? []
      }
      return given
    }

    mutating func expectSound(_ places: [UInt64], sourceLocation: SourceLocation = #_sourceLocation) {
      #expect(harness.scheduler.audit() == nil, sourceLocation: sourceLocation)
      #expect(harness.counts.places == places, sourceLocation: sourceLocation)
    }
  }

  @Test func `a doubled row is counted once`() throws {
    var pair = try Pair()
    #expect(pair.fallSilent() == [0, 1])
    pair.expectSound([0, 2, 0, 0])
  }

  @Test func `a copy that is not wanted any more uses credit until its agent says so`() throws {
    var pair = try Pair(rows: 2, helperCredit: 6)
    #expect(pair.fallSilent() == [0, 1])
    _ = try pair.harness.report([column(seq: 0), column(seq: 1)], from: pair.holder, at: at(3700))
    pair.harness.add(9, to: "b")
    pair.harness.scheduler.draining(pair.holder)
    #expect(pair.harness.step(at(3700), beating: [pair.helper])[pair.helper]?.rows.count == 4)
    #expect(try pair.harness.report([column(seq: 1), column(seq: 0)], from: pair.helper, at: at(3800)) == [1, 0])
    #expect(pair.harness.step(at(3800), beating: [pair.helper])[pair.helper]?.rows.count == 2)
    // It has said so.
    #expect(throws: Refusal.notLeased(seq: 0)) {
      try pair.harness.report([column(seq: 0)], from: pair.helper, at: at(3900))
    }
    pair.expectSound([3, 6, 0, 2])
  }

  @Test func `no connection is left, no copy is given`() throws {
    var pair = try Pair(rows: 2, limit: 1)
    #expect(pair.fallSilent().isEmpty)
    pair.expectSound([0, 2, 0, 0])
  }

  @Test func `a row is doubled once, even if its copy came back unstarted`() throws {
    var pair = try Pair(rows: 1)
    #expect(pair.fallSilent() == [0])
    let back = Deferral(seq: 0, cause: .notStarted, attempts: 0)
    try pair.harness.scheduler.defer([back], from: pair.helper, now: at(3700))
    for now in stride(from: 3800, to: 6000, by: 200) as StrideTo<UInt64> {
      #expect(pair.harness.step(at(now), beating: [pair.helper])[pair.helper]?.rows.isEmpty != false)
    }
    pair.expectSound([0, 1, 0, 0])
  }

  @Test func `the holder's failure leaves the row with the other, and its attempts are kept`() throws {
    var pair = try Pair(rows: 1)
    #expect(pair.fallSilent() == [0])
    try pair.harness.scheduler.defer([failed(0, attempts: 2)], from: pair.holder, now: at(3700))
    pair.expectSound([0, 1, 0, 0])
    #expect(pair.harness.scheduler.ticket(of: 0, now: at(3700)).attempts == 2)
    try pair.harness.scheduler.defer([failed(0, attempts: 3)], from: pair.helper, now: at(3800))
    pair.expectSound([0, 0, 1, 0])
  }

  @Test func `the helper's failure leaves the row with its holder`() throws {
    var pair = try Pair(rows: 1)
    #expect(pair.fallSilent() == [0])
    try pair.harness.scheduler.defer([failed(0)], from: pair.helper, now: at(3700))
    pair.expectSound([0, 1, 0, 0])
    #expect(try pair.harness.report([column(seq: 0)], from: pair.holder, at: at(3800)).isEmpty)
    pair.expectSound([0, 0, 0, 1])
  }

  @Test func `both sessions end: the row waits once`() throws {
    for helperFirst in [true, false] {
      var pair = try Pair(rows: 2)
      #expect(pair.fallSilent() == [0, 1])
      let order = helperFirst ? [pair.helper, pair.holder] : [pair.holder, pair.helper]
      #expect(pair.harness.scheduler.end(order[0])?.requeued == 0)
      pair.expectSound([0, 2, 0, 0])
      #expect(pair.harness.scheduler.end(order[1])?.requeued == 2)
      pair.expectSound([2, 0, 0, 0])
    }
  }

  @Test func `rows that never reached their holder stay with the helper`() throws {
    var pair = try Pair(rows: 2)
    #expect(pair.fallSilent() == [0, 1])
    pair.harness.scheduler.undelivered([0, 1], to: pair.holder)
    pair.expectSound([0, 2, 0, 0])
    #expect(throws: Refusal.notLeased(seq: 0)) {
      try pair.harness.report([column(seq: 0)], from: pair.holder, at: at(3700))
    }
    #expect(try pair.harness.report([column(seq: 0), column(seq: 1)], from: pair.helper, at: at(3700)).isEmpty)
  }

  @Test func `copies that never reached the helper are forgotten`() throws {
    var pair = try Pair(rows: 2)
    #expect(pair.fallSilent() == [0, 1])
    pair.harness.scheduler.undelivered([1, 0], to: pair.helper)
    pair.expectSound([0, 2, 0, 0])
    #expect(try pair.harness.report([column(seq: 0), column(seq: 1)], from: pair.holder, at: at(3700)).isEmpty)
    pair.expectSound([0, 0, 0, 2])
  }

  @Test func `a fenced holder's rows are the helper's at once`() throws {
    var pair = try Pair(rows: 2)
    #expect(pair.fallSilent() == [0, 1])
    let end = pair.harness.scheduler.fence(pair.holder)
    #expect(end?.requeued == 0 && end?.lost.isEmpty == true)
    pair.expectSound([0, 2, 0, 0])
    #expect(try pair.harness.report([column(seq: 0)], from: pair.helper, at: at(3700)).isEmpty)
  }
}
