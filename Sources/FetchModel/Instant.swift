/// A point on a monotonic clock, in nanoseconds since that clock's own start.
///
/// Pure code takes `now` as an argument and never reads a clock; tests write literals. Instants of two
/// machines, or of two clocks of one machine, must not be compared.
package struct Instant: Comparable, Hashable, Sendable {
  package var nanoseconds: UInt64

  package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

  package static let zero = Instant(nanoseconds: 0)

  /// Later than every instant that a clock can give; stands for "no deadline".
  package static let distantFuture = Instant(nanoseconds: .max)

  package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

  /// The instant `nanoseconds` later; stays at `distantFuture` on overflow.
  package func adding(nanoseconds: UInt64) -> Instant {
    let (sum, overflow) = self.nanoseconds.addingReportingOverflow(nanoseconds)
    return overflow ? .distantFuture : Instant(nanoseconds: sum)
  }

  /// Nanoseconds from `earlier` to here; zero if `earlier` is later.
  package func nanoseconds(since earlier: Instant) -> UInt64 {
    nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
  }

  package static func + (left: Instant, right: Duration) -> Instant { left.adding(nanoseconds: right.wholeNanoseconds) }
}

extension Duration {
  /// The whole nanoseconds of a duration, clamped to 0 ... `UInt64.max`.
  package var wholeNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let (scaled, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : scaled &+ UInt64(attoseconds) / 1_000_000_000
  }

  /// Seconds as a floating-point number, for display only.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) * 1e-18
  }
}
