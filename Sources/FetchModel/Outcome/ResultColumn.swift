/// What the coordinator counts of a finished row, beside its line.
package struct ResultColumn: Equatable, Sendable {
  package var seq: UInt64
  package var bodyBytes: UInt64
  package var totalMicroseconds: UInt32
  /// With the final newline.
  package var lineLength: UInt32
  /// 0 for none.
  package var status: UInt16
  package var failure: FailureCode?
  /// Capped at 255.
  package var attempts: UInt8

  package init(
    seq: UInt64,
    bodyBytes: UInt64,
    totalMicroseconds: UInt32,
    lineLength: UInt32,
    status: UInt16,
    failure: FailureCode?,
    attempts: UInt8
  ) {
    self.seq = seq
    self.bodyBytes = bodyBytes
    self.totalMicroseconds = totalMicroseconds
    self.lineLength = lineLength
    self.status = status
    self.failure = failure
    self.attempts = attempts
  }
}

/// An attempt that did not end its row: what the scheduler needs to give the row out again.
package struct Deferral: Equatable, Sendable {
  package enum Cause: UInt8, Sendable {
    /// The attempt failed with `failure`.
    case failure = 1
    /// The response's status is one to try again.
    case status = 2
    /// The row goes on at another origin.
    case redirect = 3
    /// The agent's own trouble; the attempt does not count.
    case localTrouble = 4
    /// Given back without having been started; the attempt does not count.
    case notStarted = 5
  }

  package var seq: UInt64
  package var cause: Cause
  package var failure: FailureCode?
  /// 0 for none.
  package var status: UInt16
  /// Finished attempts, this one included.
  package var attempts: UInt16
  /// What the origin asked for (Retry-After); 0 for nothing.
  package var retryAfterMilliseconds: UInt64
  /// Set if and only if `cause` is a redirect.
  package var redirect: RedirectState?

  /// The row's request has not left its agent.
  package var wasNotSent: Bool {
    switch cause {
    case .notStarted, .localTrouble: true
    case .failure, .status, .redirect: false
    }
  }

  package init(
    seq: UInt64,
    cause: Cause,
    failure: FailureCode? = nil,
    status: UInt16 = 0,
    attempts: UInt16,
    retryAfterMilliseconds: UInt64 = 0,
    redirect: RedirectState? = nil
  ) {
    self.seq = seq
    self.cause = cause
    self.failure = failure
    self.status = status
    self.attempts = attempts
    self.retryAfterMilliseconds = retryAfterMilliseconds
    self.redirect = redirect
  }
}
