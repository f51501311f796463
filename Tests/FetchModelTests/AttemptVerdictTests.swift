import FetchModel
import Testing

@Suite struct AttemptVerdictTests {
  private static func verdict(
    failure: FailureCode? = nil,
    status: Int? = nil,
    mustNotRepeat: Bool = false,
    attempts: Int = 1,
    elapsed: Duration = .zero,
    retryAfterMilliseconds: UInt64 = 0,
    _ change: (inout RetryPolicy) -> Void = { _ in }
  ) -> AttemptVerdict {
    var policy = RetryPolicy()
    change(&policy)
    return AttemptVerdict(
      failure: failure,
      status: status,
      mustNotRepeat: mustNotRepeat,
      attempts: attempts,
      elapsed: elapsed,
      retryAfterMilliseconds: retryAfterMilliseconds,
      policy: policy
    )
  }

  @Test func `an answer ends its row, unless it is one of a server that cannot answer now`() {
    for status in 100..<1000 {
      let isTemporary = [408, 429, 500, 502, 503, 504].contains(status)
      #expect(Self.verdict(status: status) == (isTemporary ? .tryAgain : .final))
    }
  }

  @Test(arguments: FailureCode.allCases)
  func `a failure is tried again if it may well be over later, whatever the status`(_ code: FailureCode) {
    let expected = code.isRetryable ? AttemptVerdict.tryAgain : .final
    #expect(Self.verdict(failure: code) == expected)
    #expect(Self.verdict(failure: code, status: 200) == expected)
    #expect(Self.verdict(failure: code, status: 503) == expected)
  }

  @Test func `nothing that happened ends a row`() {
    #expect(Self.verdict() == .final)
  }

  @Test func `attempts after the first are counted`() {
    #expect((1...4).map { Self.verdict(failure: .reset, attempts: $0) } == [.tryAgain, .tryAgain, .final, .final])
    #expect(Self.verdict(failure: .reset) { $0.count = 0 } == .final)
  }

  @Test func `what must not be sent twice is not`() {
    #expect(Self.verdict(failure: .reset, mustNotRepeat: true) == .final)
    // A redirect may have been followed before.
    #expect(Self.verdict(failure: .connectRefused, mustNotRepeat: true) == .final)
    #expect(Self.verdict(status: 503, mustNotRepeat: true) == .final)
  }

  @Test func `a row ends if the time is over when its next attempt could begin`() {
    func verdict(_ milliseconds: Int, attempts: Int = 1, asked: UInt64 = 0, delay: Duration? = nil) -> AttemptVerdict {
      Self.verdict(
        failure: .reset,
        attempts: attempts,
        elapsed: .milliseconds(milliseconds),
        retryAfterMilliseconds: asked
      ) {
        $0.count = 100
        $0.delay = delay
        $0.maximumTime = .seconds(5)
      }
    }
    // The pause is a second, and doubles, an eighth less at least.
    #expect(verdict(4124) == .tryAgain && verdict(4125) == .final)
    #expect(verdict(1499, attempts: 3) == .tryAgain && verdict(1500, attempts: 3) == .final)
    #expect(verdict(0, attempts: 4) == .final && verdict(0, attempts: 100) == .final)
    #expect(verdict(4999, attempts: 9, delay: .zero) == .tryAgain && verdict(5000, delay: .zero) == .final)
    #expect(verdict(2999, delay: .seconds(2)) == .tryAgain && verdict(3000, delay: .seconds(2)) == .final)
    // What the origin asks for, if that is longer.
    #expect(verdict(2000, asked: 2999) == .tryAgain && verdict(2000, asked: 3000) == .final)
    #expect(verdict(4124, asked: 500) == .tryAgain && verdict(0, asked: .max) == .final)
  }

  @Test func `without a limit a row may wait for ever`() {
    #expect(Self.verdict(failure: .reset, elapsed: .seconds(1_000_000)) == .tryAgain)
    #expect(Self.verdict(status: 503, retryAfterMilliseconds: .max) == .tryAgain)
  }

  @Test func `pauses double from a second to ten minutes, spread by a quarter`() {
    let policy = RetryPolicy()
    #expect(policy.pauses(afterAttempts: 1) == 875_000_000...1_124_999_999)
    #expect(policy.pauses(afterAttempts: 4) == 7_000_000_000...8_999_999_999)
    for attempts in [11, 100, Int.max] {
      #expect(policy.pauses(afterAttempts: attempts) == 525_000_000_000...674_999_999_999)
    }
    #expect(policy.pauses(afterAttempts: 0) == policy.pauses(afterAttempts: 1))
  }
}
