import FetchModel
import Scheduling
import Testing

/// What agents bring along after the coordinator was started again.
@Suite struct SchedulerRestartTests {
  private static func holding(_ origin: String, number: UInt32 = 50, connections: Int, rows: [UInt64]) -> Holding {
    Holding(origin: number, key: Harness.key(origin), connections: connections, rows: rows)
  }

  private static func finished(_ rows: [UInt64]) -> Holding {
    Holding(origin: 0, key: [], connections: 0, rows: rows)
  }

  private static func expectSound(_ harness: Harness, _ places: [UInt64]) {
    #expect(harness.scheduler.audit() == nil)
    #expect(harness.counts.places == places)
  }

  // MARK: Quarantine

  @Test func `nobody is waited for who held no lease`() {
    #expect(!Harness().scheduler.isQuarantined)
    #expect(!Harness(awaited: []).scheduler.isQuarantined)
    #expect(Harness(awaited: [1]).scheduler.isQuarantined)
  }

  @Test func `the quarantine ends with the last who is back`() {
    var harness = Harness(awaited: [1, 2])
    harness.add(1, to: "a")
    harness.hello(3)
    harness.hello(1)
    #expect(harness.scheduler.isQuarantined)
    #expect(harness.dispatch().isEmpty)
    harness.hello(2)
    #expect(!harness.scheduler.isQuarantined)
    #expect(harness.dispatch().count == 1)
  }

  @Test func `it ends when the leases have run out, whoever is missing`() {
    var harness = Harness(awaited: [1])
    _ = harness.scheduler.tick(now: at(10_999))
    #expect(harness.scheduler.isQuarantined)
    _ = harness.scheduler.tick(now: at(11_000))
    #expect(!harness.scheduler.isQuarantined)
  }

  @Test func `of two processes under one instance both are waited for`() {
    var harness = Harness(awaited: [1, 1])
    harness.hello(1)
    harness.hello(1)
    #expect(harness.scheduler.isQuarantined)
    _ = harness.scheduler.tick(now: at(11_000))
    #expect(!harness.scheduler.isQuarantined)
  }

  @Test func `those who are awaited are named with those who are here`() {
    var harness = Harness(awaited: [1, 2])
    harness.hello(3)
    #expect(harness.scheduler.instances == [3, 1, 2].map(Harness.instance))
    harness.hello(2)
    #expect(harness.scheduler.instances == [3, 2, 1].map(Harness.instance))
  }

  @Test func `rows that are no requests leave at once, unsafe ones of adopted shares do not`() {
    var harness = Harness(awaited: [1, 2])
    let session = harness.hello(1, holdings: [Self.holding("a", connections: 2, rows: [])])
    harness.add(1, to: nil)
    harness.add(1, to: "a", isUnsafe: true)
    #expect(harness.dispatch()[session]?.rows == [0])
    harness.hello(2)
    #expect(harness.dispatch(at(2))[session]?.rows == [1])
  }

  // MARK: Shares

  @Test func `shares over the limit are lowered before anything is given`() throws {
    var harness = Harness(limit: 4, awaited: [1, 2])
    let first = harness.hello(1, holdings: [Self.holding("a", connections: 3, rows: [])])
    let second = harness.hello(2, holdings: [Self.holding("a", connections: 3, rows: [])])
    harness.add(900, to: "a")
    var told: [UInt64: [Int]] = [:]
    for now in stride(from: 100, through: 1000, by: 100) as StrideThrough<UInt64> {
      for (session, dispatch) in harness.step(at(now), beating: [first, second]) {
        told[session, default: []] += dispatch.shares.map(\.connections)
      }
    }
    // Six are open: only the second is over, and is told so.
    #expect(told[first] == [] && told[second] == [1])
    harness.lower("a", to: 1, by: second)
    #expect(harness.step(at(1100), beating: [first, second])[second] == nil)
    #expect(harness.scheduler.audit() == nil)
  }

  @Test func `an origin that is named twice is taken once`() {
    var harness = Harness(limit: 4, awaited: [1])
    let greeting = Greeting(
      instance: Harness.instance(1),
      name: "agent-1",
      link: 1,
      connections: 4,
      creditRows: 10,
      creditBytes: 1000
    )
    let twice = [
      Self.holding("a", number: 7, connections: 2, rows: [0]), Self.holding("a", number: 8, connections: 2, rows: [1]),
      Self.holding("b", number: 9, connections: 1, rows: []),
    ]
    let reception = harness.scheduler.hello(greeting, holdings: twice, now: at(0))
    #expect(reception.renumbered.map(\.held) == [7, 9])
    #expect(reception.renumbered.map(\.origin) == [harness.number("a"), harness.number("b")])
    #expect(harness.scheduler.audit() == nil)
  }

  // MARK: Rows

  @Test func `a row that two bring along is the first's, and the other's result is welcome too`() throws {
    var harness = Harness(awaited: [1, 2])
    harness.add(2, to: "a")
    let first = harness.hello(1, holdings: [Self.holding("a", connections: 1, rows: [0, 1])])
    let second = harness.hello(2, holdings: [Self.holding("a", connections: 1, rows: [0, 1])])
    Self.expectSound(harness, [0, 2, 0, 0])
    #expect(try harness.report([column(seq: 0)], from: second, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 0), column(seq: 1)], from: first, at: at(3)) == [0])
    #expect(try harness.report([column(seq: 1)], from: second, at: at(4)) == [1])
    Self.expectSound(harness, [0, 0, 0, 2])
  }

  @Test func `a row that is recorded already is not wanted`() throws {
    var harness = Harness(awaited: [1])
    harness.scheduler.skip()
    let session = harness.hello(1, holdings: [Self.holding("a", connections: 1, rows: [0])])
    #expect(try harness.report([column(seq: 0)], from: session, at: at(2)) == [0])
    Self.expectSound(harness, [0, 0, 0, 1])
  }

  @Test func `in a new job nobody has rows that were not read`() throws {
    var harness = Harness()
    let session = harness.hello(1, holdings: [Self.finished([0]), Self.holding("a", connections: 1, rows: [1])])
    #expect(throws: Refusal.notLeased(seq: 0)) { try harness.report([column(seq: 0)], from: session, at: at(1)) }
    harness.add(2, to: "a")
    #expect(harness.dispatch()[session]?.rows == [0, 1])
  }

  @Test func `a row named twice by one agent is held once`() throws {
    var harness = Harness(awaited: [1])
    harness.add(1, to: "a")
    let session = harness.hello(
      1,
      holdings: [Self.holding("a", connections: 1, rows: [0, 0, 1, 1]), Self.finished([0, 1])]
    )
    Self.expectSound(harness, [0, 1, 0, 0])
    _ = try harness.report([column(seq: 0), column(seq: 1)], from: session, at: at(2))
    harness.add(1, to: "a")
    Self.expectSound(harness, [0, 0, 0, 2])
  }

  @Test(arguments: [true, false])
  func `of rows that were lost before they were read only unsafe ones stay lost`(_ isUnsafe: Bool) {
    var harness = Harness(awaited: [1])
    let session = harness.hello(1, holdings: [Self.holding("a", connections: 1, rows: [0])])
    _ = harness.scheduler.end(session)
    let intake = harness.scheduler.add(
      origin: harness.number("a"),
      length: 5,
      location: 77,
      mustNotRepeat: isUnsafe
    )
    if case .lost(let row) = intake {
      #expect(isUnsafe && row.seq == 0 && row.location == 77)
    } else {
      #expect(!isUnsafe && intake == .taken(seq: 0))
    }
    Self.expectSound(harness, isUnsafe ? [0, 0, 0, 1] : [1, 0, 0, 0])
  }

  @Test func `a row that came back before it was read keeps its attempts`() throws {
    var harness = Harness(awaited: [1])
    let session = harness.hello(1, holdings: [Self.holding("a", connections: 1, rows: [0])])
    try harness.scheduler.defer([failed(0, attempts: 2)], from: session, now: at(1))
    harness.add(1, to: "a", isUnsafe: true)
    #expect(harness.scheduler.ticket(of: 0, now: at(1)).attempts == 2)
    #expect(harness.dispatch(at(2))[session]?.rows == [0])
  }

  @Test func `a record that came before its row was read takes nobody's place`() throws {
    var harness = Harness(awaited: [1, 2])
    let first = harness.hello(1, holdings: [Self.finished([0])])
    let second = harness.hello(2, holdings: [Self.holding("a", connections: 1, rows: [0])])
    #expect(try harness.report([column(seq: 0)], from: first, at: at(1)).isEmpty)
    #expect(try harness.report([column(seq: 0)], from: second, at: at(2)) == [0])
    let intake = harness.scheduler.add(origin: harness.number("a"), length: 9, location: 0, mustNotRepeat: false)
    #expect(intake == .recorded(seq: 0))
    Self.expectSound(harness, [0, 0, 0, 1])
  }

  @Test func `a row in the middle of its redirects goes on there, and begins anew if it comes back`() throws {
    var harness = Harness(awaited: [1])
    harness.add(1, to: "a")
    let session = harness.hello(1, holdings: [Self.holding("b", connections: 1, rows: [0])])
    #expect(harness.scheduler.ticket(of: 0, now: at(1)).origin == harness.number("b"))
    try harness.scheduler.defer([Deferral(seq: 0, cause: .notStarted, attempts: 0)], from: session, now: at(1))
    #expect(harness.scheduler.ticket(of: 0, now: at(1)).origin == harness.number("a"))
    Self.expectSound(harness, [0, 0, 1, 0])
  }

  @Test func `a deferred row that is brought along does not come due`() throws {
    var harness = Harness(awaited: [1])
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.scheduler.defer([failed(0)], from: session, now: at(2))
    harness.hello(1, holdings: [Self.finished([0])], now: at(100))
    _ = harness.scheduler.tick(now: at(5000))
    Self.expectSound(harness, [0, 1, 0, 0])
  }
}
