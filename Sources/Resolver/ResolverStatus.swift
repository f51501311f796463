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

  func publish(_ counters: ResolverCounters, lastHeardAt: Instant?) {
    queries.store(counters.queries, ordering: .relaxed)
    hits.store(counters.hits, ordering: .relaxed)
    failures.store(counters.failures, ordering: .relaxed)
    timeouts.store(counters.timeouts, ordering: .relaxed)
    // Before the answers go out: who gets one may ask at once whether anything was heard.
    lastHeardNanoseconds.store(lastHeardAt?.nanoseconds ?? 0, ordering: .releasing)
  }

  var counters: ResolverCounters {
    ResolverCounters(
      queries: queries.load(ordering: .relaxed),
      hits: hits.load(ordering: .relaxed),
      failures: failures.load(ordering: .relaxed),
      timeouts: timeouts.load(ordering: .relaxed)
    )
  }

  var lastHeardAt: Instant? {
    let nanoseconds = lastHeardNanoseconds.load(ordering: .acquiring)
    return nanoseconds == 0 ? nil : Instant(nanoseconds: nanoseconds)
  }
}
