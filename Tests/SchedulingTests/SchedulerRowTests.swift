import FetchModel
import Scheduling
import Testing

@Suite struct SchedulerRowTests {
  @Test func `a row is counted in one place at a time`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(3, to: "a")
    #expect(harness.counts.places == [3, 0, 0, 0])
    let rows = harness.dispatch()[session]?.rows
    #expect(rows == [0, 1, 2])
    #expect(harness.counts.places == [0, 3, 0, 0])
    try harness.accept([0], from: session)
    try harness.scheduler.defer([failed(1)], from: session, now: at(2))
    #expect(harness.counts.places == [0, 1, 1, 1])
    _ = harness.scheduler.end(session)
    #expect(harness.counts.places == [1, 0, 1, 1])
  }

  @Test func `the job is complete when the input has ended and every row is recorded`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.accept([0], from: session)
    #expect(!harness.scheduler.isComplete)
    harness.scheduler.endInput()
    #expect(harness.scheduler.isComplete)
  }

  @Test func `credit of rows is never exceeded and is given again as rows end`() throws {
    var harness = Harness()
    let session = harness.hello(1, creditRows: 5)
    harness.add(20, to: "a")
    #expect(harness.dispatch()[session]?.rows.count == 5)
    #expect(harness.dispatch()[session]?.rows == nil)
    try harness.accept([0, 1], from: session)
    #expect(harness.dispatch()[session]?.rows == [5, 6])
  }

  @Test func `credit of bytes ends with the row that reaches it`() {
    var harness = Harness()
    let session = harness.hello(1, creditBytes: 250)
    harness.add(20, to: "a", length: 100)
    #expect(harness.dispatch()[session]?.rows.count == 3)
  }

  @Test func `a row longer than all credit still leaves`() {
    var harness = Harness()
    let session = harness.hello(1, creditBytes: 10)
    harness.add(2, to: "a", length: 1000)
    #expect(harness.dispatch()[session]?.rows == [0])
  }

  @Test func `the window bounds rows that are read and not recorded`() throws {
    var harness = Harness(windowRows: 3)
    let session = harness.hello(1)
    harness.add(2, to: "a")
    #expect(harness.scheduler.needsRows)
    harness.add(1, to: "a")
    #expect(!harness.scheduler.needsRows)
    _ = harness.dispatch()
    #expect(!harness.scheduler.needsRows)
    try harness.accept([1], from: session)
    #expect(harness.scheduler.needsRows)
    harness.scheduler.endInput()
    #expect(!harness.scheduler.needsRows)
  }

  @Test func `the window bounds bytes`() throws {
    var harness = Harness(windowBytes: 100)
    let session = harness.hello(1)
    harness.add(1, to: "a", length: 99)
    #expect(harness.scheduler.needsRows)
    harness.add(1, to: "a", length: 1)
    #expect(!harness.scheduler.needsRows)
    _ = harness.dispatch()
    try harness.accept([1], from: session)
    #expect(harness.scheduler.needsRows)
  }

  @Test func `results are taken all or none`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    let other = harness.hello(2)
    harness.add(4, to: "a")
    let holder = try #require(harness.dispatch()[session] == nil ? other : session)
    let stranger = holder == session ? other : session
    #expect(throws: Refusal.notLeased(seq: 9)) { try harness.accept([0, 9], from: holder) }
    #expect(throws: Refusal.notLeased(seq: 0)) { try harness.accept([0], from: stranger) }
    #expect(throws: Refusal.unknownSession) { try harness.accept([0], from: 77) }
    #expect(harness.counts.places == [0, 4, 0, 0])
    try harness.accept([0, 1], from: holder)
    #expect(harness.counts.places == [0, 2, 0, 2])
  }

  @Test func `a row that stands in a block twice is refused the second time`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(2, to: "a")
    _ = harness.dispatch()
    var acceptance = Acceptance()
    try harness.scheduler.accept([0, 1, 1].map(column(seq:)), from: session, now: at(1), into: &acceptance)
    #expect(acceptance.refused == [2] && acceptance.freed.count == 2)
    #expect(harness.counts.places == [0, 0, 0, 2])
  }

  @Test func `the first record of a row is the only one`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.accept([0], from: session)
    #expect(throws: Refusal.notLeased(seq: 0)) { try harness.accept([0], from: session) }
    #expect(throws: Refusal.notLeased(seq: 0)) {
      try harness.scheduler.defer([failed(0)], from: session, now: at(3))
    }
    #expect(harness.counts.recorded == 1)
  }

  @Test func `what recorded rows held is given back`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    let number = harness.number("a")
    for location in [7, 8] as [UInt64] {
      harness.scheduler.add(origin: number, length: 1, location: location, mustNotRepeat: false)
    }
    _ = harness.dispatch()
    var acceptance = Acceptance()
    try harness.scheduler.accept([column(seq: 1), column(seq: 0)], from: session, now: at(1), into: &acceptance)
    #expect(acceptance.freed == [8, 7])
  }

  @Test func `rows without an origin go to any session, without a share`() throws {
    var harness = Harness()
    let session = harness.hello(1, creditRows: 2)
    harness.add(3, to: nil)
    let dispatch = try #require(harness.dispatch()[session])
    #expect(dispatch.rows == [0, 1] && dispatch.shares.isEmpty)
    _ = harness.scheduler.end(session)
    let next = harness.hello(2)
    #expect(harness.dispatch()[next]?.rows == [0, 1, 2])
    try harness.accept([0, 1, 2], from: next)
    #expect(harness.counts.places == [0, 0, 0, 3])
  }

  @Test func `unsafe rows leave only for free connections`() throws {
    var harness = Harness(limit: 2)
    let session = harness.hello(1)
    harness.add(5, to: "a", isUnsafe: true)
    var left: [UInt64] = []
    for step in 1..<20 as Range<UInt64> {
      let rows = harness.dispatch(at(step * 100))[session]?.rows ?? []
      left += rows
      #expect(harness.counts.leased <= 2)
      if step % 3 == 0, let first = left.first {
        try harness.accept([first], from: session)
        left.removeFirst()
      }
    }
    #expect(harness.counts.recorded == 5)
  }

  @Test func `safe rows behind an unsafe one follow as soon as it has left`() throws {
    var harness = Harness(limit: 1)
    let session = harness.hello(1)
    harness.add(2, to: "a", isUnsafe: true)
    harness.add(3, to: "a")
    #expect(harness.dispatch()[session]?.rows == [0])
    #expect(harness.dispatch()[session] == nil)
    try harness.accept([0], from: session)
    #expect(harness.dispatch()[session]?.rows == [1, 2, 3, 4])
  }
}
