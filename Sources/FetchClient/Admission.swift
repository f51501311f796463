package import FetchModel
import Synchronization

/// Whether requests may be started at all: written by the thread that owns the session, read by workers before each
/// request leaves.
package final class Admission: Sendable {
  private let leaseEnd = Atomic<UInt64>(0)
  private let unacknowledged = Atomic<Int>(0)
  private let credit = Atomic<Int>(0)

  /// Nothing may start yet.
  package init() {}

  /// Requests may start until then, on the boot-time clock.
  package func setLease(until end: Instant) { leaseEnd.store(end.nanoseconds, ordering: .releasing) }

  package func isLeased(at now: Instant) -> Bool { now.nanoseconds < leaseEnd.load(ordering: .acquiring) }

  /// Bytes of blocks of results and deferrals, from a worker's flush to their acknowledgement.
  package func addUnacknowledged(_ bytes: Int) { unacknowledged.add(bytes, ordering: .relaxed) }

  /// Of these so many may wait; with none nothing would ever start.
  package func setCredit(bytes: Int) { credit.store(max(bytes, 1), ordering: .relaxed) }

  package var hasCredit: Bool { unacknowledged.load(ordering: .relaxed) < credit.load(ordering: .relaxed) }
}
