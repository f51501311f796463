import FetchModel

/// The pause before a row is tried again. Pure: the jitter comes from the seed, the row and the attempt.
struct Backoff {
  let policy: RetryPolicy
  let seed: UInt64

  /// Nanoseconds after attempt `attempts` (1 is the first): one of the policy's pauses, but never less than what the
  /// origin asked for.
  func pause(seq: UInt64, attempts: Int, retryAfterMilliseconds: UInt64) -> UInt64 {
    let pauses = policy.pauses(afterAttempts: attempts)
    var hash = StableHash()
    hash.add(seed)
    hash.add(seq)
    hash.add(UInt64(attempts))
    let pause = pauses.lowerBound + hash.value % (pauses.upperBound - pauses.lowerBound + 1)
    return max(pause, RetryAfter.nanoseconds(milliseconds: retryAfterMilliseconds))
  }
}
