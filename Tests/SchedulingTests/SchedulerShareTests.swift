import FetchModel
import Scheduling
import Testing

@Suite struct SchedulerShareTests {
  /// The share that the session was told last.
  private static func share(_ dispatch: Dispatch?, of origin: UInt32) -> Int? {
    dispatch?.shares.last { $0.origin == origin }?.connections
  }

  @Test func `a new origin begins with what its backlog is worth`() {
    var harness = Harness(limit: 8)
    let session = harness.hello(1)
    harness.add(3, to: "small")
    harness.add(500, to: "large")
    let dispatch = harness.dispatch()[session]
    #expect(Self.share(dispatch, of: harness.number("small")) == 1)
    #expect(Self.share(dispatch, of: harness.number("large")) ?? 0 >= 2)
  }

  @Test func `a share grows with time up to the limit and no further`() throws {
    var harness = Harness(limit: 6)
    let session = harness.hello(1)
    harness.add(2000, to: "a")
    var latest = 0
    for step in 0..<20 as Range<UInt64> {
      guard let told = Self.share(harness.dispatch(at(step * 100))[session], of: harness.number("a")) else { continue }
      #expect(told > latest && told <= 6)
      latest = told
    }
    #expect(latest == 6)
  }

  @Test func `a share grows no further than the agent has connections`() {
    var harness = Harness(limit: 64)
    let session = harness.hello(1, connections: 3)
    harness.add(5000, to: "a")
    var latest = 0
    for step in 0..<20 as Range<UInt64> {
      latest = Self.share(harness.dispatch(at(step * 100))[session], of: harness.number("a")) ?? latest
    }
    #expect(latest == 3)
  }

  @Test func `where an origin goes does not depend on who came first`() {
    func placement(_ order: [UInt8]) -> [[UInt8]] {
      var harness = Harness(limit: 1)
      var names: [UInt64: UInt8] = [:]
      for name in order { names[harness.hello(name, connections: 1000)] = name }
      for origin in 0..<60 { harness.add(1, to: "o\(origin)") }
      var holders = Array(repeating: [UInt8](), count: 60)
      for (session, dispatch) in harness.dispatch() {
        for seq in dispatch.rows { holders[Int(seq)].append(names[session] ?? 0) }
      }
      return holders
    }
    let first = placement([1, 2, 3, 4])
    #expect(first == placement([4, 2, 1, 3]))
    #expect(first.allSatisfy { $0.count == 1 })
  }

  @Test func `origins are spread over the sessions`() {
    var harness = Harness(limit: 1)
    for name in 1...4 as ClosedRange<UInt8> { harness.hello(name, connections: 4000, creditRows: 4000) }
    for origin in 0..<1000 { harness.add(1, to: "host\(origin)") }
    let parts = harness.dispatch().values.map(\.rows.count)
    #expect(parts.count == 4 && parts.allSatisfy { $0 > 150 && $0 < 350 })
  }

  @Test func `an origin keeps its session when others come`() throws {
    var harness = Harness()
    let first = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.accept([0], from: first)
    for name in 2..<10 as Range<UInt8> { harness.hello(name) }
    harness.add(1, to: "a")
    #expect(harness.dispatch(at(2)).keys.first == first)
  }

  @Test func `a late session gets a part of a hot origin, after the first has confirmed`() throws {
    var harness = Harness(limit: 4)
    let first = harness.hello(1, creditRows: 400)
    harness.add(4000, to: "a")
    let number = harness.number("a")
    for step in 0..<10 as Range<UInt64> { _ = harness.dispatch(at(step * 100)) }
    let second = harness.hello(2, creditRows: 400, now: at(1000))
    var lowered: Int?
    for step in 10..<20 as Range<UInt64> {
      let dispatches = harness.dispatch(at(step * 100))
      lowered = Self.share(dispatches[first], of: number) ?? lowered
      // Nothing is given on before it was confirmed.
      #expect(dispatches[second] == nil)
    }
    #expect(lowered == 2)
    harness.lower("a", to: 2, by: first)
    let dispatch = harness.dispatch(at(2100))[second]
    #expect(Self.share(dispatch, of: number) == 2)
    #expect(dispatch?.rows.isEmpty == false)
  }

  @Test(arguments: 0..<12 as Range<UInt64>)
  func `a session gets its part of a hot origin whenever it comes, even as the share grows`(_ arrival: UInt64) {
    var harness = Harness(limit: 6)
    let first = harness.hello(1, creditRows: 64)
    harness.add(4000, to: "a")
    var second: UInt64?
    var told = 0
    for step in 0..<30 as Range<UInt64> {
      let now = at(step * 50)
      if step == arrival {
        second = harness.hello(2, creditRows: 400, now: now)
        // It is not idle, so the first's share goes on growing.
        harness.add(1, to: nil)
      }
      let dispatches = harness.dispatch(now)
      if let second, let part = Self.share(dispatches[second], of: harness.number("a")) { return #expect(part > 0) }
      guard let share = Self.share(dispatches[first], of: harness.number("a")) else { continue }
      // An agent answers if what it is told is less than before.
      if share < told { harness.lower("a", to: share, by: first) }
      told = share
    }
    Issue.record("the session of step \(arrival) got nothing")
  }

  @Test func `what was not asked for is not taken back`() {
    var harness = Harness(limit: 4)
    let first = harness.hello(1)
    harness.add(4000, to: "a")
    for step in 0..<10 as Range<UInt64> { _ = harness.dispatch(at(step * 100)) }
    harness.lower("a", to: 0, by: first)
    let second = harness.hello(2, now: at(1000))
    // All four still belong to the first, so it is asked.
    #expect(Self.share(harness.dispatch(at(1100))[first], of: harness.number("a")) == 2)
    #expect(harness.scheduler.isKnown(second))
  }

  @Test func `a confirmation of nonsense changes nothing`() {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    for origin in [0, 2, 99, UInt32.max] {
      harness.scheduler.sharesLowered([ShareGrant(origin: origin, connections: 0)], by: session)
    }
    harness.scheduler.sharesLowered([ShareGrant(origin: 1, connections: 0)], by: 99)
    #expect(harness.counts.leased == 1)
  }

  /// Gives out, answers and confirms until nothing happens; returns how many rounds had rows.
  private static func work(_ harness: inout Harness, from start: UInt64, rounds: UInt64 = 200) throws {
    for round in 0..<rounds {
      let now = at(start + round * 50)
      _ = harness.scheduler.tick(now: now)
      for dispatch in harness.scheduler.dispatch(now: now) {
        _ = harness.scheduler.beat(dispatch.session, now: now)
        try harness.accept(dispatch.rows, from: dispatch.session)
        harness.scheduler.sharesLowered(dispatch.shares, by: dispatch.session)
      }
    }
  }

  @Test func `with more origins than connections idle shares are reclaimed, and origins forgotten`() throws {
    var harness = Harness(limit: 2)
    harness.hello(1, connections: 3)
    for origin in 0..<100 { harness.add(3, to: "o\(origin)") }
    try Self.work(&harness, from: 0)
    #expect(harness.counts.places == [0, 0, 0, 300])
    #expect(harness.scheduler.originCount <= 3)
  }

  @Test func `one new origin costs one idle connection`() throws {
    var harness = Harness(limit: 2)
    let session = harness.hello(1, connections: 100)
    for origin in 0..<100 { harness.add(1, to: "o\(origin)") }
    try harness.accept(harness.dispatch(at(0))[session]?.rows ?? [], from: session)
    harness.add(1, to: "new")
    var closed = 0
    for step in 1..<10 as Range<UInt64> {
      closed += harness.step(at(step * 100), beating: [session])[session]?.shares.count { $0.connections == 0 } ?? 0
    }
    #expect(closed == 1)
  }

  @Test func `numbers of forgotten origins are used again`() throws {
    var harness = Harness(limit: 1)
    harness.hello(1, connections: 2)
    var greatest: UInt32 = 0
    for batch in 0..<20 as Range<UInt64> {
      for origin in 0..<5 {
        greatest = max(greatest, harness.number("b\(batch)o\(origin)"))
        harness.add(1, to: "b\(batch)o\(origin)")
      }
      try Self.work(&harness, from: batch * 1000, rounds: 15)
    }
    #expect(harness.counts.recorded == 100 && greatest <= 12)
  }

  @Test func `a share whose rows others took is reclaimed as well`() throws {
    var harness = Harness(limit: 2)
    let first = harness.hello(1, connections: 1)
    let second = harness.hello(2, connections: 1)
    harness.add(180, to: "a")
    var open: [UInt64: [UInt64]] = [:]
    for step in 0..<6 as Range<UInt64> {
      for (session, dispatch) in harness.dispatch(at(step * 100)) { open[session, default: []] += dispatch.rows }
    }
    #expect(open[first]?.isEmpty == false && open[second]?.isEmpty == false)
    // The second ends its part while rows are queued, which the first takes then: it is asked before.
    try harness.accept(open[second] ?? [], from: second)
    try harness.accept(open[first] ?? [], from: first)
    try Self.work(&harness, from: 700, rounds: 20)
    #expect(harness.counts.recorded == 180)
    _ = harness.scheduler.end(first)
    harness.add(1, to: "b")
    harness.add(1, to: "c")
    try Self.work(&harness, from: 2000, rounds: 20)
    #expect(harness.counts.places == [0, 0, 0, 182])
  }

  @Test func `a busy origin grows into connections that others left idle`() throws {
    var harness = Harness(limit: 4)
    let session = harness.hello(1, connections: 4)
    for origin in 0..<3 { harness.add(1, to: "o\(origin)") }
    try harness.accept(harness.dispatch()[session]?.rows ?? [], from: session)
    harness.add(1000, to: "busy")
    let number = harness.number("busy")
    var latest = 0
    for step in 1..<30 as Range<UInt64> {
      guard let dispatch = harness.dispatch(at(step * 100))[session] else { continue }
      latest = Self.share(dispatch, of: number) ?? latest
      harness.scheduler.sharesLowered(dispatch.shares.filter { $0.origin != number }, by: session)
    }
    #expect(latest >= 3)
  }

  @Test func `the shares of a session that ends are free`() {
    var harness = Harness(limit: 1)
    let first = harness.hello(1)
    harness.add(2, to: "a")
    _ = harness.dispatch()
    let second = harness.hello(2)
    #expect(harness.dispatch(at(200))[second] == nil)
    _ = harness.scheduler.end(first)
    #expect(harness.dispatch(at(201))[second]?.rows == [0, 1])
  }
}
