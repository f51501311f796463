import FetchModel
import Synchronization

/// What other threads see of the resolver; written by its thread only.
final class ResolverStatus: Sendable {
  private let queries = Atomic<UInt64>(0)
  private let hits = Atomic<UInt64>(0)
  private let failures = Atomic<UInt64>(0)
  private let timeouts = Atomic<UInt64>(0)
  /// 0 for never.
  private let lastHeardNanoseconds = Atomic<UInt64>(0)
  private let silentSinceNanoseconds = Atomic<UInt64>(0)
  private let recoveredAtNanoseconds = Atomic<UInt64>(0)
  private let waitingSinceNanoseconds = Atomic<UInt64>(0)
  private let limits: NameTable.Limits

  init(limits: NameTable.Limits) { self.limits = limits }

  func publish(_ counters: ResolverCounters, _ pulse: Pulse) {
    queries.store(counters.queries, ordering: .relaxed)
    hits.store(counters.hits, ordering: .relaxed)
    failures.store(counters.failures, ordering: .relaxed)
    timeouts.store(counters.timeouts, ordering: .relaxed)
    // Before the answers go out: who gets one may ask at once whether anything was heard. Whoever sees servers living
    // sees the end of their silence, too.
    recoveredAtNanoseconds.store(pulse.recoveredAt?.nanoseconds ?? 0, ordering: .releasing)
    silentSinceNanoseconds.store(pulse.silentSince?.nanoseconds ?? 0, ordering: .releasing)
    waitingSinceNanoseconds.store(pulse.waitingSince?.nanoseconds ?? 0, ordering: .releasing)
    lastHeardNanoseconds.store(pulse.lastHeardAt?.nanoseconds ?? 0, ordering: .releasing)
  }

  var counters: ResolverCounters {
    ResolverCounters(
      queries: queries.load(ordering: .relaxed),
      hits: hits.load(ordering: .relaxed),
      failures: failures.load(ordering: .relaxed),
      timeouts: timeouts.load(ordering: .relaxed)
    )
  }

  var pulse: Pulse {
    // In the opposite order.
    let lastHeardAt = Self.instant(lastHeardNanoseconds.load(ordering: .acquiring))
    let silentSince = Self.instant(silentSinceNanoseconds.load(ordering: .acquiring))
    return Pulse(
      lastHeardAt: lastHeardAt,
      silentSince: silentSince,
      recoveredAt: Self.instant(recoveredAtNanoseconds.load(ordering: .acquiring)),
      waitingSince: Self.instant(waitingSinceNanoseconds.load(ordering: .acquiring)),
      fresh: limits.probeDelay,
      longest: limits.longestSilence
    )
  }

  private static func instant(_ nanoseconds: UInt64) -> Instant? {
    nanoseconds == 0 ? nil : Instant(nanoseconds: nanoseconds)
  }
}
