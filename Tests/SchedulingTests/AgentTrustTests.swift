import FetchModel
import Scheduling
import Testing

/// When an agent's failures are not believed.
@Suite struct AgentTrustTests {
  /// One agent with a row of each of many origins in hand.
  private struct Agent {
    var harness = Harness(windowRows: 100_000)
    let session: UInt64
    private var next: UInt64 = 0

    init(origins: Int = 200) {
      session = harness.hello(1, connections: 10_000, creditRows: 10_000)
      for origin in 0..<origins { harness.add(1, to: "o\(origin)") }
      _ = harness.dispatch()
    }

    var isSuspended: Bool { harness.scheduler.suspendedAgents == ["agent-1"] }

    /// The next origins come to this; returns how many records count.
    mutating func report(_ count: Int, failure: FailureCode? = nil) throws -> Int {
      let columns = (next..<next + UInt64(count)).map { column(seq: $0, failure: failure) }
      next += UInt64(count)
      return count - (try harness.report(columns, from: session, at: at(2))).count
    }
  }

  @Test func `forty of fifty are enough, thirty-nine are not`() throws {
    var agent = Agent()
    _ = try agent.report(11)
    _ = try agent.report(39, failure: .connectTimeout)
    #expect(!agent.isSuspended)
    // The window moves on: one that worked makes room for one that did not.
    _ = try agent.report(1, failure: .connectTimeout)
    #expect(agent.isSuspended)
  }

  @Test func `fewer than fifty origins suspend nobody`() throws {
    var agent = Agent()
    _ = try agent.report(49, failure: .dnsTimeout)
    #expect(!agent.isSuspended)
    _ = try agent.report(1, failure: .dnsTimeout)
    #expect(agent.isSuspended)
  }

  @Test func `from ten origins on each failure is doubted once`() throws {
    var agent = Agent(origins: 10)
    #expect(try agent.report(9, failure: .dnsNotFound) == 9)
    #expect(try agent.report(1, failure: .dnsNotFound) == 0)
    #expect(agent.harness.scheduler.ticket(of: 9, now: at(2)).attempts == 0)
    let rows = agent.harness.step(at(1100), beating: [agent.session])[agent.session]?.rows
    #expect(rows == [9])
    let refused = try agent.harness.report([column(seq: 9, failure: .dnsNotFound)], from: agent.session, at: at(1200))
    #expect(refused.isEmpty && agent.harness.counts.recorded == 10)
  }

  @Test(arguments: [.tlsCertificateExpired, .reset, .firstByteTimeout, .malformedResponse] as [FailureCode])
  func `failures of a connection that was made are the origin's`(_ failure: FailureCode) throws {
    var agent = Agent()
    #expect(try agent.report(100, failure: failure) == 100)
    #expect(!agent.isSuspended)
  }

  @Test func `an origin counts once, with its last verdict`() throws {
    var harness = Harness(limit: 1)
    let session = harness.hello(1, connections: 1000)
    for origin in 0..<12 { harness.add(5, to: "o\(origin)") }
    _ = harness.dispatch()
    // Nine origins fail five times each.
    for seq in 0..<45 as Range<UInt64> {
      #expect(try harness.report([column(seq: seq, failure: .connectTimeout)], from: session, at: at(2)).isEmpty)
    }
    // Of ten, eight: doubted. Of ten, seven: not.
    #expect(try harness.report([column(seq: 45)], from: session, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 50)], from: session, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 51)], from: session, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 55, failure: .connectTimeout)], from: session, at: at(2)) == [55])
    #expect(try harness.report([column(seq: 56)], from: session, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 57, failure: .connectTimeout)], from: session, at: at(2)) == [57])
    #expect(try harness.report([column(seq: 58), column(seq: 59)], from: session, at: at(2)).isEmpty)
    #expect(try harness.report([column(seq: 46, failure: .connectTimeout)], from: session, at: at(2)) == [46])
  }

  @Test func `an agent whose network was shown to work is not suspected for a thousand origins`() throws {
    var agent = Agent(origins: 1200)
    _ = try agent.report(50, failure: .connectTimeout)
    #expect(agent.isSuspended)
    #expect(try agent.report(1) == 1)
    #expect(!agent.isSuspended)
    #expect(try agent.report(999, failure: .connectTimeout) == 999)
    #expect(!agent.isSuspended)
    _ = try agent.report(2, failure: .connectTimeout)
    #expect(agent.isSuspended)
  }

  @Test func `a new session of the agent is not suspected`() throws {
    var agent = Agent()
    _ = try agent.report(50, failure: .connectTimeout)
    #expect(agent.isSuspended)
    agent.harness.hello(1, now: at(3))
    #expect(!agent.isSuspended)
  }

  @Test func `an agent that leaves while all are suspected ends the pause only with those that are well`() throws {
    var agent = Agent()
    _ = try agent.report(50, failure: .connectTimeout)
    #expect(agent.harness.scheduler.isPaused)
    _ = agent.harness.scheduler.end(agent.session)
    _ = agent.harness.scheduler.tick(now: at(10))
    #expect(agent.harness.scheduler.isPaused)
    let other = agent.harness.hello(2, now: at(20))
    _ = agent.harness.scheduler.tick(now: at(20))
    #expect(!agent.harness.scheduler.isPaused)
    #expect(agent.harness.dispatch(at(21))[other]?.rows.isEmpty == false)
  }
}
