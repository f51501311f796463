import FetchModel
import Scheduling
import Testing

/// Origins that are given up, pauses that final records ask for, and what is remembered of both.
@Suite struct SchedulerHealthTests {
  private static func harness(giveUpAfter: Duration = .zero, windowRows: Int = 200_000) -> Harness {
    var retry = RetryPolicy()
    retry.giveUpAfter = giveUpAfter
    return Harness(windowRows: windowRows, retry: retry)
  }

  private static func failures(_ seqs: Range<UInt64>) -> [ResultColumn] {
    seqs.map { column(seq: $0, failure: .connectTimeout) }
  }

  // MARK: Giving up

  @Test func `without patience ten failures are enough`() throws {
    var harness = Self.harness()
    let session = harness.hello(1, creditRows: 10)
    harness.add(15, to: "a")
    harness.add(1, to: "b")
    _ = harness.dispatch()
    try harness.report(Self.failures(0..<9), from: session, at: at(5))
    #expect(harness.scheduler.tick(now: at(5)).givenUp.isEmpty)
    try harness.report(Self.failures(9..<10), from: session, at: at(6))
    let ended = harness.scheduler.tick(now: at(6)).givenUp
    #expect(ended.map(\.key) == [Harness.key("a")] && ended.map(\.failures) == [10])
    #expect(ended.first?.lastFailure == .connectTimeout && ended.first?.rows.map(\.seq) == [10, 11, 12, 13, 14])
    // Each is ended once, and others are not concerned.
    #expect(harness.scheduler.tick(now: at(7)).givenUp.isEmpty)
    #expect(harness.dispatch(at(8))[session]?.rows == [15])
  }

  @Test func `a row that is ended carries where its line is and what it has been through`() throws {
    var harness = Self.harness()
    let session = harness.hello(1, creditRows: 11)
    let number = harness.number("a")
    for location in 100..<111 as Range<UInt64> {
      harness.scheduler.add(origin: number, length: 1, location: location, mustNotRepeat: false)
    }
    _ = harness.dispatch()
    try harness.report(Self.failures(0..<10), from: session, at: at(5))
    // The last is to be tried again, and its origin is down by the time it is.
    try harness.scheduler.defer([failed(10, attempts: 2)], from: session, now: at(6))
    #expect(harness.scheduler.tick(now: at(7)).givenUp.isEmpty)
    let ended = harness.scheduler.tick(now: at(3000)).givenUp.flatMap(\.rows)
    #expect(ended.map(\.seq) == [10] && ended.map(\.location) == [110] && ended.map(\.attempts) == [2])
    #expect(harness.counts.places == [0, 0, 0, 11])
  }

  @Test func `what is in flight as an origin is given up may still be recorded`() throws {
    var harness = Self.harness()
    let session = harness.hello(1)
    harness.add(12, to: "a")
    _ = harness.dispatch()
    try harness.report(Self.failures(0..<10), from: session, at: at(5))
    #expect(harness.scheduler.tick(now: at(5)).givenUp.isEmpty)
    #expect(try harness.report([column(seq: 10)], from: session, at: at(6)).isEmpty)
    // The answer is older than the verdict, which stands.
    try harness.scheduler.defer([Deferral(seq: 11, cause: .notStarted, attempts: 0)], from: session, now: at(7))
    #expect(harness.scheduler.tick(now: at(7)).givenUp.flatMap(\.rows).map(\.seq) == [11])
  }

  @Test func `rows of an origin that is down end a part at a time`() throws {
    var harness = Self.harness()
    let session = harness.hello(1, creditRows: 10)
    harness.add(10_010, to: "a")
    _ = harness.dispatch()
    try harness.report(Self.failures(0..<10), from: session, at: at(5))
    var parts: [Int] = []
    for step in 5..<10 as Range<UInt64> {
      parts.append(harness.scheduler.tick(now: at(step)).givenUp.reduce(0) { $0 + $1.rows.count })
    }
    #expect(parts == [4096, 4096, 1808, 0, 0])
    #expect(harness.counts.places == [0, 0, 0, 10_010])
  }

  @Test func `a row that a session keeps for itself ends with the others`() throws {
    var harness = Self.harness(giveUpAfter: .zero)
    let first = harness.hello(1, creditRows: 12)
    harness.add(12, to: "a")
    _ = harness.dispatch()
    let second = harness.hello(2)
    try harness.scheduler.defer([failed(11)], from: first, now: at(5))
    // Kept for the second, which cannot be reached.
    harness.scheduler.unreachable(second)
    _ = harness.scheduler.tick(now: at(2000))
    try harness.report(Self.failures(0..<10), from: first, at: at(2001))
    let ended = harness.scheduler.tick(now: at(2001)).givenUp.flatMap(\.rows)
    #expect(ended.map(\.seq) == [11] && harness.scheduler.audit() == nil)
  }

  @Test func `an origin that was given up and has no rows is remembered, and forgotten in the end`() throws {
    var harness = Self.harness()
    let session = harness.hello(1, creditRows: 10)
    harness.add(10, to: "a")
    _ = harness.dispatch()
    try harness.report(Self.failures(0..<10), from: session, at: at(0))
    harness.scheduler.sharesLowered(harness.dispatch(at(1))[session]?.shares ?? [], by: session)
    #expect(harness.scheduler.parkedOriginCount == 1)
    harness.step(at(29_990), beating: [session])
    #expect(harness.scheduler.parkedOriginCount == 1)
    harness.step(at(30_000), beating: [session])
    #expect(harness.scheduler.parkedOriginCount == 0 && harness.scheduler.originCount == 1)
    harness.step(at(629_990), beating: [session])
    #expect(harness.scheduler.originCount == 1)
    harness.step(at(630_000), beating: [session])
    #expect(harness.scheduler.originCount == 0)
  }

  // MARK: Pauses

  @Test func `a pause is believed only of a session that has a share of the origin`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    let other = harness.hello(2)
    harness.add(2, to: "a")
    let dispatch = harness.dispatch()
    let holder = try #require(dispatch.keys.first)
    let stranger = holder == session ? other : session
    let number = harness.number("a")
    harness.scheduler.pause(number, milliseconds: 1000, from: stranger, now: at(2))
    harness.scheduler.pause(number, milliseconds: 1000, from: 99, now: at(2))
    for nonsense in [0, 2, 77, .max] as [UInt32] {
      harness.scheduler.pause(nonsense, milliseconds: 1000, from: holder, now: at(2))
    }
    #expect(harness.scheduler.parkedOriginCount == 0)
    harness.scheduler.pause(number, milliseconds: 1000, from: holder, now: at(2))
    #expect(harness.scheduler.parkedOriginCount == 1)
  }

  @Test func `a pause that a final record asks for holds for all and asks for the rows that wait`() throws {
    var harness = Harness()
    let first = harness.hello(1)
    harness.add(500, to: "a")
    _ = harness.dispatch(at(0))
    let second = harness.hello(2)
    harness.step(at(200), beating: [first, second])
    harness.scheduler.pause(harness.number("a"), milliseconds: 2000, from: first, now: at(300))
    for (_, dispatch) in harness.step(at(301), beating: [first, second]) {
      #expect(dispatch.shares.map(\.connections) == [0] && dispatch.rows.isEmpty)
    }
    for now in stride(from: 400, to: 2300, by: 100) as StrideTo<UInt64> {
      #expect(harness.step(at(now), beating: [first, second]).isEmpty)
    }
  }

  @Test func `penalties of origins without rows are bounded`() throws {
    var harness = Harness(windowRows: 200_000)
    let session = harness.hello(1, connections: 100, creditRows: 100)
    var next: UInt64 = 0
    for batch in 0..<700 as Range<UInt64> {
      for origin in 0..<100 { harness.add(1, to: "o\(batch)-\(origin)") }
      let now = at(batch)
      let dispatch = try #require(harness.step(now, beating: [session])[session])
      #expect(dispatch.rows.count == 100)
      for share in dispatch.shares {
        harness.scheduler.pause(share.origin, milliseconds: 3_000_000, from: session, now: now)
      }
      try harness.report((next..<next + 100).map { column(seq: $0) }, from: session, at: now)
      next += 100
      let lowered = harness.dispatch(now)[session]?.shares ?? []
      harness.scheduler.sharesLowered(lowered, by: session)
    }
    #expect(harness.counts.recorded == 70_000)
    #expect(harness.scheduler.originCount <= 65_700 && harness.scheduler.originCount > 65_000)
    _ = harness.scheduler.tick(now: at(3_001_000))
    _ = harness.scheduler.tick(now: at(3_601_000))
    #expect(harness.scheduler.originCount == 0)
  }
}
