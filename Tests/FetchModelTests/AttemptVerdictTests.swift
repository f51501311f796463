import FetchModel
import Testing

@Suite struct AttemptVerdictTests {
  private static func verdict(
    failure: FailureCode? = nil,
    status: Int? = nil,
    method: RequestMethod = .get,
    attempts: Int = 1,
    elapsed: Duration = .zero,
    _ change: (inout RetryPolicy) -> Void = { _ in }
  ) -> AttemptVerdict {
    var policy = RetryPolicy()
    change(&policy)
    return AttemptVerdict(
      failure: failure,
      status: status,
      method: method,
      attempts: attempts,
      elapsed: elapsed,
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

  @Test func `unsafe requests are repeated only if that is asked for`() {
    for method in [.post, .patch, .other(Array("BREW".utf8))] as [RequestMethod] {
      #expect(Self.verdict(failure: .reset, method: method) == .final)
      #expect(Self.verdict(status: 503, method: method) == .final)
      #expect(Self.verdict(failure: .reset, method: method) { $0.includesUnsafe = true } == .tryAgain)
    }
    for method in [.head, .put, .delete, .options, .trace] as [RequestMethod] {
      #expect(Self.verdict(failure: .reset, method: method) == .tryAgain)
    }
  }

  @Test func `no attempt is begun once the time is over`() {
    func verdict(after elapsed: Duration) -> AttemptVerdict {
      Self.verdict(failure: .reset, elapsed: elapsed) { $0.maximumTime = .seconds(5) }
    }
    #expect(verdict(after: .milliseconds(4999)) == .tryAgain)
    #expect(verdict(after: .seconds(5)) == .final)
    #expect(Self.verdict(failure: .reset, elapsed: .seconds(1_000_000)) == .tryAgain)
  }
}
