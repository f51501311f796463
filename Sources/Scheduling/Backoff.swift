import FetchModel

/// The pause before a row is tried again. Pure: the jitter comes from the seed, the row and the attempt.
struct Backoff {
  private static let longest: UInt64 = 600_000_000_000

  let policy: RetryPolicy
  let seed: UInt64

  /// Nanoseconds after attempt `attempts` (1 is the first): curl's one second, doubled each time, at most ten
  /// minutes, spread by a quarter so that rows which failed together do not come back together; never less than
  /// what the origin asked for.
  func pause(seq: UInt64, attempts: Int, retryAfterMilliseconds: UInt64) -> UInt64 {
    let asked = retryAfterMilliseconds.multipliedReportingOverflow(by: 1_000_000)
    let minimum = asked.overflow ? Self.longest : asked.partialValue
    if let fixed = policy.delay { return max(fixed.wholeNanoseconds, minimum) }
    let doublings = UInt64(min(max(attempts, 1) - 1, 20))
    let base = min(1_000_000_000 << doublings, Self.longest)
    var hash = StableHash()
    hash.add(seed)
    hash.add(seq)
    hash.add(UInt64(attempts))
    return max(base - base / 8 + hash.value % (base / 4), minimum)
  }
}
