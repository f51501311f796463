import FetchModel
import Scheduling
import Testing

@Suite struct SchedulerDeferralTests {
  /// When a deferred row is given out again, in milliseconds after it was deferred.
  private static func pause(_ deferral: Deferral, retry: RetryPolicy = RetryPolicy()) throws -> UInt64 {
    var harness = Harness(retry: retry)
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.scheduler.defer([deferral], from: session, now: at(0))
    #expect(harness.counts.places == [0, 0, 1, 0])
    for milliseconds in stride(from: 0, through: 800_000, by: 1) as StrideThrough<UInt64> {
      _ = harness.scheduler.tick(now: at(milliseconds))
      if harness.counts.queued == 1 { return milliseconds }
      if milliseconds % 10_000 == 0 { _ = harness.scheduler.beat(session, now: at(milliseconds)) }
    }
    return .max
  }

  @Test(arguments: [(1, 1000), (2, 2000), (3, 4000), (4, 8000), (10, 512_000), (11, 600_000), (60_000, 600_000)])
  func `the pause after a failure doubles, up to ten minutes, within an eighth`(_ attempts: UInt16, _ base: UInt64)
    throws
  {
    let pause = try Self.pause(failed(0, attempts: attempts))
    #expect(pause >= base - base / 8 && pause <= base + base / 8 + 1)
  }

  @Test func `rows that failed together do not come back together`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    let rows = harness.add(50, to: "a")
    _ = harness.dispatch()
    try harness.scheduler.defer(rows.map { failed($0) }, from: session, now: at(0))
    var steps = 0
    var before: UInt64 = 0
    for milliseconds in stride(from: 870, through: 1130, by: 10) as StrideThrough<UInt64> {
      _ = harness.scheduler.tick(now: at(milliseconds))
      if harness.counts.queued > before { steps += 1 }
      before = harness.counts.queued
    }
    #expect(harness.counts.queued == 50 && steps > 10)
  }

  @Test func `the pause an origin asks for is the least`() throws {
    #expect(try Self.pause(failed(0, retryAfterMilliseconds: 7000)) == 7000)
    #expect(try Self.pause(failed(0, attempts: 4, retryAfterMilliseconds: 1000)) >= 7000)
    var status = failed(0, retryAfterMilliseconds: 3000)
    status.cause = .status
    #expect(try Self.pause(status) == 3000)
  }

  @Test func `a fixed delay replaces the doubling, not what the origin asks for`() throws {
    var retry = RetryPolicy()
    retry.delay = .milliseconds(250)
    #expect(try Self.pause(failed(0, attempts: 5), retry: retry) == 250)
    #expect(try Self.pause(failed(0, retryAfterMilliseconds: 900), retry: retry) == 900)
    retry.delay = .zero
    #expect(try Self.pause(failed(0), retry: retry) == 0)
  }

  @Test func `an absurd pause does not overflow`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    try harness.scheduler.defer([failed(0, attempts: .max, retryAfterMilliseconds: .max)], from: session, now: at(0))
    #expect(harness.counts.deferred == 1)
  }

  @Test func `a failed attempt counts, local trouble and a row not started do not`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(3, to: "a")
    _ = harness.dispatch()
    let deferrals = [
      failed(0, attempts: 1), Deferral(seq: 1, cause: .localTrouble, attempts: 9),
      Deferral(seq: 2, cause: .notStarted, attempts: 9),
    ]
    try harness.scheduler.defer(deferrals, from: session, now: at(0))
    #expect((0..<3).map { harness.scheduler.ticket(of: $0, now: at(5)).attempts } == [1, 0, 0])
    _ = harness.scheduler.tick(now: at(0))
    #expect(harness.dispatch()[session]?.rows == [2])
    _ = harness.scheduler.tick(now: at(999))
    #expect(harness.counts.queued == 0 || harness.dispatch(at(999))[session]?.rows == [0])
    _ = harness.scheduler.tick(now: at(1200))
    #expect(harness.counts.deferred == 0)
  }

  @Test func `rows given back keep their order`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    let rows = harness.add(6, to: "a")
    _ = harness.dispatch()
    let returned = rows.map { Deferral(seq: $0, cause: .notStarted, attempts: 0) }
    try harness.scheduler.defer(returned, from: session, now: at(5))
    _ = harness.scheduler.tick(now: at(5))
    #expect(harness.dispatch(at(6))[session]?.rows == rows)
  }

  @Test func `a redirect moves its row to the next origin, with its state`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    let state = redirect(to: "b")
    let deferral = Deferral(seq: 0, cause: .redirect, attempts: 0, redirect: state)
    try harness.scheduler.defer([deferral], from: session, now: at(2))
    _ = harness.scheduler.tick(now: at(2))
    let dispatch = try #require(harness.dispatch(at(3))[session])
    #expect(dispatch.rows == [0] && dispatch.shares.map(\.origin) == [harness.number("b")])
    let ticket = harness.scheduler.ticket(of: 0, now: at(3))
    #expect(ticket.redirect == state && ticket.origin == harness.number("b") && ticket.attempts == 0)
  }

  @Test func `a retry after redirects begins anew at the row's own origin`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    for (step, origin) in ["b", "c"].enumerated() {
      let now = at(UInt64(step) * 10 + 2)
      let state = redirect(to: origin, hops: step + 1)
      let deferral = Deferral(seq: 0, cause: .redirect, attempts: 0, redirect: state)
      try harness.scheduler.defer([deferral], from: session, now: now)
      _ = harness.scheduler.tick(now: now)
      #expect(harness.dispatch(now)[session]?.rows == [0])
    }
    try harness.scheduler.defer([failed(0)], from: session, now: at(50))
    _ = harness.scheduler.tick(now: at(2000))
    #expect(harness.dispatch(at(2000))[session]?.rows == [0])
    let ticket = harness.scheduler.ticket(of: 0, now: at(2000))
    #expect(ticket.origin == harness.number("a") && ticket.redirect == nil && ticket.attempts == 1)
  }

  @Test func `a redirected row that outlives its session goes on where it was`() throws {
    var harness = Harness()
    let first = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch()
    let deferral = Deferral(seq: 0, cause: .redirect, attempts: 0, redirect: redirect(to: "b"))
    try harness.scheduler.defer([deferral], from: first, now: at(2))
    _ = harness.scheduler.tick(now: at(2))
    _ = harness.dispatch(at(2))
    _ = harness.scheduler.end(first)
    let second = harness.hello(2)
    #expect(harness.dispatch(at(3))[second]?.rows == [0])
    #expect(harness.scheduler.ticket(of: 0, now: at(3)).redirect == redirect(to: "b"))
  }

  @Test func `a ticket tells the time since the first attempt, even in the scheduler's first moment`() throws {
    var retry = RetryPolicy()
    retry.delay = .zero
    var harness = Harness(retry: retry)
    let session = harness.hello(1)
    harness.add(1, to: "a")
    _ = harness.dispatch(at(0))
    #expect(harness.scheduler.ticket(of: 0, now: at(0)).elapsedMilliseconds == 0)
    try harness.scheduler.defer([failed(0)], from: session, now: at(0))
    #expect(harness.scheduler.ticket(of: 0, now: at(0)).elapsedMilliseconds == 0)
    #expect(harness.scheduler.ticket(of: 0, now: at(5010)).elapsedMilliseconds == 5000)
  }
}
