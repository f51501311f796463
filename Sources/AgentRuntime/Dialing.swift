package import FetchModel
package import ZeroMQ

/// What becomes of handshakes that do not succeed: when to dial again, and what to say once. Pure.
package struct Dialing: Equatable, Sendable {
  /// Between two tries; libzmq takes the same for those that it makes by itself.
  private static let pause: UInt64 = 2_000_000_000
  /// A coordinator that is just ending hangs up, too.
  private static let patience = 3

  private var redialAt: Instant?
  private var unfinished = 0
  private var said: [HandshakeFailure.Cause] = []

  package init() {}

  /// Returns whether it should be said.
  package mutating func failed(_ cause: HandshakeFailure.Cause, now: Instant) -> Bool {
    // libzmq does not dial again after a refusal, nor always after a handshake that came to nothing.
    redialAt = redialAt ?? now.adding(nanoseconds: Self.pause)
    if cause == .unfinished {
      unfinished += 1
      if unfinished < Self.patience { return false }
    }
    if said.contains(cause) { return false }
    said.append(cause)
    return true
  }

  /// A session has begun: what follows is another story.
  package mutating func succeeded() { self = Dialing() }

  /// Whether it is time to dial again; once.
  package mutating func takeRedial(now: Instant) -> Bool {
    guard let redialAt, now >= redialAt else { return false }
    self.redialAt = nil
    return true
  }
}
