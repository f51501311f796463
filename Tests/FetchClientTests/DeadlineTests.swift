import FetchClient
import FetchModel
import Testing

private func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

@Suite struct DeadlineTests {
  private static var limits: TimeLimits {
    var deadlines = Deadlines()
    deadlines.connect = .seconds(10)
    deadlines.total = .seconds(60)
    deadlines.firstByte = .seconds(5)
    deadlines.idle = .seconds(3)
    return TimeLimits(deadlines)
  }

  private static func deadline(
    _ stage: Stage,
    attemptStart: UInt64 = 0,
    stageStart: UInt64 = 0,
    _ limits: TimeLimits = limits
  ) -> Deadline {
    Deadline(
      stage: stage,
      attemptStart: at(attemptStart),
      stageStart: at(stageStart),
      total: limits.total,
      limits: limits
    )
  }

  @Test func `each stage has its own limit, code and phase`() {
    let expected: [(Stage, UInt64, FailureCode, FailurePhase)] = [
      (.resolving, 10_000, .dnsTimeout, .dns), (.connecting, 10_000, .connectTimeout, .connect),
      (.handshaking, 10_000, .tlsTimeout, .tls), (.sending, 3000, .sendTimeout, .send),
      (.awaitingHead, 5000, .firstByteTimeout, .head), (.receivingHead, 3000, .idleTimeout, .head),
      (.receivingBody, 3000, .idleTimeout, .body),
    ]
    for (stage, limit, code, phase) in expected {
      let deadline = Self.deadline(stage, stageStart: 700)
      #expect(deadline.instant == at(700 + limit) && deadline.code == code)
      #expect(stage.failurePhase == phase)
    }
  }

  @Test func `the total cannot be beaten by dripping`() {
    for progress in stride(from: 57_001, to: 200_000, by: 1000) as StrideTo<UInt64> {
      let deadline = Self.deadline(.receivingBody, stageStart: progress)
      #expect(deadline.instant == at(60_000) && deadline.code == .timeoutTotal)
    }
    #expect(Self.deadline(.receivingBody, stageStart: 56_999).code == .idleTimeout)
  }

  @Test func `of two limits at one instant the total is the cause`() {
    #expect(Self.deadline(.receivingBody, stageStart: 57_000).code == .timeoutTotal)
  }

  @Test func `without limits of their own stages have the total's`() {
    let limits = TimeLimits(Deadlines())
    for stage in [.sending, .awaitingHead, .receivingHead, .receivingBody] as [Stage] {
      let deadline = Self.deadline(stage, attemptStart: 1, stageStart: 30_000, limits)
      #expect(deadline.instant == at(60_001) && deadline.code == .timeoutTotal)
    }
  }

  @Test func `limits without end do not overflow`() {
    var deadlines = Deadlines()
    deadlines.connect = .seconds(Int64.max)
    deadlines.total = .seconds(Int64.max)
    let deadline = Self.deadline(.connecting, attemptStart: 9, stageStart: 9, TimeLimits(deadlines))
    #expect(deadline.instant == .distantFuture)
  }

  @Test func `a row's shorter time replaces the job's`() {
    let deadline = Deadline(
      stage: .connecting,
      attemptStart: at(5),
      stageStart: at(5),
      total: 1_000_000,
      limits: Self.limits
    )
    #expect(deadline.instant == at(6) && deadline.code == .timeoutTotal)
  }
}

@Suite struct SpeedWatchTests {
  private static func limits(_ bytesPerSecond: UInt64, over time: Duration = .seconds(2)) -> TimeLimits {
    var deadlines = Deadlines()
    deadlines.lowSpeedBytesPerSecond = bytesPerSecond
    deadlines.lowSpeedTime = time
    return TimeLimits(deadlines)
  }

  @Test func `a window is judged at its end, not before`() {
    var watch = SpeedWatch()
    watch.start(at: at(1000))
    let limits = Self.limits(100)
    #expect(watch.dueAt(limits) == at(3000))
    let early = watch.isTooSlow(at: at(2999), limits)
    let late = watch.isTooSlow(at: at(3000), limits)
    #expect(!early && late)
  }

  @Test func `the limit itself is fast enough, a byte less is not`() {
    var watch = SpeedWatch()
    let limits = Self.limits(100)
    watch.start(at: at(0))
    watch.received(200)
    let exact = watch.isTooSlow(at: at(2000), limits)
    watch.received(199)
    let below = watch.isTooSlow(at: at(4000), limits)
    #expect(!exact && below)
  }

  @Test func `each window stands for itself`() {
    var watch = SpeedWatch()
    let limits = Self.limits(100)
    watch.start(at: at(0))
    watch.received(1_000_000)
    let first = watch.isTooSlow(at: at(2000), limits)
    let second = watch.isTooSlow(at: at(4000), limits)
    #expect(!first && second)
  }

  @Test func `a window judged late is judged by the time it really took`() {
    var watch = SpeedWatch()
    watch.start(at: at(0))
    watch.received(300)
    let isSlow = watch.isTooSlow(at: at(4000), Self.limits(100))
    #expect(isSlow)
  }

  @Test func `without a limit nothing is too slow`() {
    var watch = SpeedWatch()
    watch.start(at: at(0))
    let limits = Self.limits(0)
    #expect(watch.dueAt(limits) == .distantFuture)
    let isSlow = watch.isTooSlow(at: at(1_000_000), limits)
    #expect(!isSlow)
  }

  @Test func `a window without length is a nanosecond long`() {
    #expect(Self.limits(1, over: .zero).lowSpeedTime == 1)
  }
}
