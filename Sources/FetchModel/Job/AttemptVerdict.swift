/// Whether a finished attempt ends its row.
package enum AttemptVerdict: Equatable, Sendable {
  case final
  /// The scheduler gives the row out again, later.
  case tryAgain

  /// `mustNotRepeat`: of the row, whatever a redirect has made of its request: an attempt begins with the row's own.
  /// `attempts` counts this one; `elapsed` runs from the first attempt's beginning to now. `retryAfterMilliseconds`:
  /// what the origin asked for, 0 for nothing. A row for which it would be too late by the time of its next attempt
  /// ends now: nobody is served by the wait.
  package init(
    failure: FailureCode?,
    status: Int?,
    mustNotRepeat: Bool,
    attempts: Int,
    elapsed: Duration,
    retryAfterMilliseconds: UInt64,
    policy: RetryPolicy
  ) {
    let isWorthIt =
      if let failure { failure.isRetryable } else if let status { Self.isTemporary(status) } else { false }
    let pause = max(
      policy.pauses(afterAttempts: attempts).lowerBound,
      RetryAfter.nanoseconds(milliseconds: retryAfterMilliseconds)
    )
    let isInTime = policy.maximumTime.map { elapsed + .nanoseconds(Int64(clamping: pause)) < $0 } ?? true
    self = isWorthIt && !mustNotRepeat && isInTime && attempts <= policy.count ? .tryAgain : .final
  }

  /// curl's list: the server or something before it could not answer now.
  private static func isTemporary(_ status: Int) -> Bool {
    switch status {
    case 408, 429, 500, 502, 503, 504: true
    default: false
    }
  }
}
