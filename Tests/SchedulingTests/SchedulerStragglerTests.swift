import FetchModel
import Scheduling
import Testing

/// Rows that hang at one agent while another has nothing to do, with agents that obey at once.
@Suite struct SchedulerStragglerTests {
  /// Agents that work on as many rows as they have connections, each for so long.
  private struct Agents {
    var harness: Harness
    private(set) var sessions: [UInt64]
    private let service: UInt64
    private var shares: [UInt64: [UInt32: Int]] = [:]
    private var waiting: [UInt64: [UInt64]] = [:]
    private var flights: [UInt64: [(seq: UInt64, end: UInt64)]] = [:]
    /// How often rows were asked back from each.
    private(set) var recalls: [UInt64: Int] = [:]
    private(set) var recalled: [Int] = []
    /// Rows that each has ended.
    private(set) var ended: [UInt64: Int] = [:]
    private(set) var now: UInt64 = 0

    init(_ names: [UInt8], limit: Int = 4, service: UInt64, creditRows: Int = 1000) {
      harness = Harness(limit: limit)
      self.service = service
      sessions = []
      for name in names { sessions.append(harness.hello(name, creditRows: creditRows)) }
    }

    mutating func run(to end: UInt64) throws {
      while now < end {
        now += 10
        for (session, dispatch) in harness.step(at(now), beating: sessions) { try obey(dispatch, session) }
        for session in sessions { try work(session) }
        #expect(harness.scheduler.audit() == nil)
      }
    }

    private mutating func obey(_ dispatch: Dispatch, _ session: UInt64) throws {
      for grant in dispatch.shares { shares[session, default: [:]][grant.origin] = grant.connections }
      waiting[session, default: []] += dispatch.rows
      for recall in dispatch.recalls {
        recalls[session, default: 0] += 1
        recalled.append(recall.seqs.count)
        try giveBack(recall.seqs, session)
      }
      if dispatch.shares.contains(where: { $0.connections == 0 }) { try giveBack(waiting[session] ?? [], session) }
      harness.scheduler.sharesLowered(dispatch.shares, by: session)
    }

    private mutating func giveBack(_ seqs: [UInt64], _ session: UInt64) throws {
      let returned = (waiting[session] ?? []).filter(seqs.contains)
      waiting[session]?.removeAll(where: returned.contains)
      let deferrals = returned.map { Deferral(seq: $0, cause: .notStarted, attempts: 0) }
      try harness.scheduler.defer(deferrals, from: session, now: at(now))
    }

    private mutating func work(_ session: UInt64) throws {
      let done = (flights[session] ?? []).filter { $0.end <= now }
      flights[session]?.removeAll { $0.end <= now }
      let columns = done.map { column(seq: $0.seq, milliseconds: UInt32(service)) }
      try harness.report(columns, from: session, at: at(now))
      ended[session, default: 0] += done.count
      let connections = (shares[session] ?? [:]).values.reduce(0, +)
      while (flights[session] ?? []).count < connections, waiting[session]?.isEmpty == false {
        let seq = waiting[session]?.removeFirst() ?? 0
        flights[session, default: []].append((seq, now + service))
      }
    }
  }

  @Test(arguments: [[1, 2], [2, 1]] as [[UInt8]])
  func `the rows of the only origin that is left are worked on by all, whoever came first`(_ names: [UInt8]) throws {
    var agents = Agents(names, service: 500)
    // Few enough to be given out at once, and slow.
    agents.harness.add(60, to: "a")
    try agents.run(to: 5000)
    let parts = agents.sessions.map { agents.ended[$0] ?? 0 }
    #expect(parts.allSatisfy { $0 > 0 })
  }

  @Test func `agents that are equally busy take nothing from each other`() throws {
    var agents = Agents([1, 2], limit: 4, service: 400)
    agents.harness.add(200, to: "a")
    try agents.run(to: 15_000)
    let parts = agents.sessions.map { agents.ended[$0] ?? 0 }
    #expect(parts.allSatisfy { $0 > 40 })
    #expect(agents.sessions.allSatisfy { (agents.recalls[$0] ?? 0) <= 1 })
  }

  @Test func `rows that will not wait for long are left where they are`() throws {
    var agents = Agents([1, 2], service: 10)
    agents.harness.add(60, to: "a")
    try agents.run(to: 1000)
    #expect(agents.recalls.isEmpty && agents.harness.counts.recorded == 60)
  }

  @Test func `an agent that is alone is asked for nothing`() throws {
    var agents = Agents([1], service: 2000)
    agents.harness.add(60, to: "a")
    try agents.run(to: 20_000)
    #expect(agents.recalls.isEmpty)
  }

  @Test func `at most 256 rows are asked back at once, the newest`() throws {
    var harness = Harness(limit: 64)
    let helper = harness.hello(2, connections: 64, creditRows: 2000)
    let holder = harness.hello(1, connections: 64, creditRows: 2000)
    harness.add(2048, to: "a")
    var rows: [UInt64: [UInt64]] = [:]
    for now in stride(from: 0, through: 1000, by: 100) as StrideThrough<UInt64> {
      for (session, dispatch) in harness.step(at(now), beating: [helper, holder]) {
        rows[session, default: []] += dispatch.rows
        harness.scheduler.sharesLowered(dispatch.shares, by: session)
      }
    }
    #expect(harness.counts.queued == 0)
    let mine = try #require(rows[helper])
    try harness.report(mine.map { column(seq: $0, milliseconds: 500) }, from: helper, at: at(1150))
    let recall = try #require(harness.step(at(1200), beating: [helper, holder])[holder]?.recalls.first)
    #expect(recall.seqs == rows[holder]?.suffix(256))
  }

  @Test func `rows of an agent that cannot have more are given to it only when it has confirmed less`() throws {
    var harness = Harness(limit: 2)
    let first = harness.hello(1)
    let second = harness.hello(2)
    harness.add(40, to: "a")
    let holder = try #require(harness.dispatch(at(0)).keys.first)
    let other = holder == first ? second : first
    try harness.report((0..<4).map { column(seq: $0, milliseconds: 300) }, from: holder, at: at(10))
    for now in stride(from: 100, to: 2900, by: 100) as StrideTo<UInt64> {
      // All connections are the holder's until it says otherwise.
      let dispatches = harness.step(at(now), beating: [first, second])
      #expect(dispatches[other] == nil && dispatches[holder]?.recalls.isEmpty != false)
    }
  }
}
