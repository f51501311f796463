import FetchModel
import Scheduling
import Testing

@Suite struct SchedulerSessionTests {
  @Test func `a session ends eleven seconds after its last beat was received`() {
    var harness = Harness()
    let session = harness.hello(1, now: at(0))
    #expect(harness.scheduler.tick(now: at(10_999)).ends.isEmpty)
    let couldBeat = harness.scheduler.beat(session, now: at(10_999))
    #expect(couldBeat)
    #expect(harness.scheduler.tick(now: at(21_998)).ends.isEmpty)
    #expect(harness.scheduler.tick(now: at(21_999)).ends.map(\.session) == [session])
    let canStillBeat = harness.scheduler.beat(session, now: at(22_000))
    #expect(!canStillBeat && !harness.scheduler.isKnown(session) && harness.scheduler.sessionCount == 0)
  }

  @Test func `the agent stops a second before the coordinator gives up, whatever the echo took`() {
    var harness = Harness()
    let identifier = harness.hello(1, now: at(0))
    var agent = AgentSession(nonce: 1)
    _ = agent.tick(now: at(0))
    _ = agent.welcomed(nonce: 1, session: identifier, epoch: 1, job: [1], now: at(900))
    // The beat is on its way for two seconds, its echo for three.
    _ = harness.scheduler.beat(identifier, now: at(2900))
    let actions = agent.echoed(stamp: at(900), now: at(2900))
    #expect(actions == [.lease(until: at(10_900))])
    #expect(harness.scheduler.tick(now: at(13_899)).ends.isEmpty)
  }

  @Test func `the end of a session queues its rows again, in order and in front`() {
    var harness = Harness()
    let first = harness.hello(1, creditRows: 4)
    harness.add(8, to: "a")
    #expect(harness.dispatch()[first]?.rows == [0, 1, 2, 3])
    let end = harness.scheduler.end(first)
    #expect(end?.requeued == 4 && end?.lost.isEmpty == true)
    let second = harness.hello(2)
    #expect(harness.dispatch()[second]?.rows == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(harness.scheduler.end(first) == nil)
  }

  @Test func `unsafe rows of a session that ends are lost, once, and never given out again`() {
    var harness = Harness()
    let first = harness.hello(1)
    harness.add(1, to: "a", isUnsafe: true)
    harness.add(1, to: "a")
    harness.add(1, to: "b", isUnsafe: true)
    #expect(harness.dispatch()[first]?.rows.count == 3)
    let ends = harness.scheduler.tick(now: at(11_000)).ends
    #expect(ends.map { $0.lost.map(\.seq) } == [[0, 2]])
    #expect(ends.first?.requeued == 1 && ends.first?.agent == "agent-1")
    #expect(harness.counts.places == [1, 0, 0, 2])
    let second = harness.hello(2, now: at(11_000))
    #expect(harness.dispatch(at(11_001))[second]?.rows == [1])
    #expect(throws: Refusal.notLeased(seq: 0)) { try harness.accept([0], from: second) }
  }

  @Test func `an unsafe row that was not given out survives the end of a session`() {
    var harness = Harness(limit: 1)
    let first = harness.hello(1)
    harness.add(2, to: "a", isUnsafe: true)
    #expect(harness.dispatch()[first]?.rows == [0])
    _ = harness.scheduler.end(first)
    let second = harness.hello(2)
    #expect(harness.dispatch()[second]?.rows == [1])
  }

  @Test func `a second hello of an instance fences the first`() throws {
    var harness = Harness()
    let first = harness.hello(1)
    harness.add(2, to: "a")
    _ = harness.dispatch()
    let greeting = Greeting(
      instance: Array(repeating: 1, count: 16),
      name: "copy",
      link: 1,
      connections: 4,
      creditRows: 10,
      creditBytes: 100
    )
    let reception = harness.scheduler.hello(greeting, now: at(2))
    let (second, fenced) = (reception.session, reception.fenced)
    #expect(second != first && fenced?.session == first && fenced?.requeued == 2)
    #expect(throws: Refusal.unknownSession) { try harness.accept([0], from: first) }
    #expect(harness.dispatch(at(3))[second]?.rows == [0, 1])
  }

  @Test func `a place left by a session is taken by the next, and its books begin anew`() throws {
    var harness = Harness()
    let first = harness.hello(1, creditRows: 2)
    let second = harness.hello(2, creditRows: 2)
    harness.add(40, to: "a")
    _ = harness.dispatch()
    _ = harness.scheduler.end(first)
    let third = harness.hello(3, creditRows: 2)
    for step in 1..<100 as Range<UInt64> {
      for (session, dispatch) in harness.dispatch(at(step * 100)) { try harness.accept(dispatch.rows, from: session) }
    }
    #expect(harness.counts.recorded >= 38)
    #expect(third > second && harness.scheduler.sessionCount == 2)
  }

  @Test func `an unsafe row that is held back is not lost with its session`() {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(2, to: "a", isUnsafe: true)
    #expect(harness.dispatch()[session]?.rows == [0])
    harness.scheduler.holdBack([0])
    let end = harness.scheduler.end(session)
    #expect(end?.lost.isEmpty == true && end?.requeued == 1)
    #expect(harness.scheduler.letGo([0], to: session).isEmpty)
    let next = harness.hello(2)
    #expect(harness.dispatch()[next]?.rows == [0])
    harness.scheduler.holdBack([0])
    #expect(harness.scheduler.letGo([0], to: session).isEmpty)
    #expect(harness.scheduler.letGo([0, 1], to: next) == [0])
    // It has left.
    #expect(harness.scheduler.letGo([0], to: next).isEmpty)
    #expect(harness.scheduler.end(next)?.lost.map(\.seq) == [0])
  }

  @Test func `an unsafe row that is held back may be taken back`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a", isUnsafe: true)
    #expect(harness.dispatch()[session]?.rows == [0])
    harness.scheduler.holdBack([0])
    harness.scheduler.undelivered([0], to: session)
    #expect(harness.scheduler.letGo([0], to: session).isEmpty)
    #expect(harness.counts.places == [1, 0, 0, 0])
  }
}
