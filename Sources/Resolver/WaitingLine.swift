import DequeModule
package import FetchModel

/// Since when questions have waited for their turn, or have only just had it: who gives up waiting must not blame the
/// name for that.
///
/// Questions leave in the order in which they come. When they were asked for is told by the askers, whose clocks are
/// read at different moments, so it is not quite in order; the earliest is what counts.
package struct WaitingLine {
  /// A question that has left counts as waiting for as long again as it waited, so that servers had as much time as we
  /// took, but no longer than this.
  private static let longestGrace: UInt64 = 500_000_000

  private struct Minimum {
    /// Of the last question that it stands for.
    var number: UInt64
    let askedAt: Instant
  }

  private var lastCome: UInt64 = 0
  private var lastGone: UInt64 = 0
  /// When questions were asked for that have not left, and until when those count that have.
  private var waiting = Deque<Instant>()
  private var graceEnds = Deque<Instant>()
  /// The earliest of all that count, and of those behind it, and so on.
  private var minima = Deque<Minimum>()

  package init() {}

  /// Before that, all that is asked for has been on its way for a while; nil if nothing waits.
  package var earliest: Instant? { minima.first?.askedAt }

  package mutating func come(askedAt: Instant) {
    lastCome += 1
    waiting.append(askedAt)
    while let last = minima.last, last.askedAt >= askedAt { minima.removeLast() }
    minima.append(Minimum(number: lastCome, askedAt: askedAt))
  }

  /// The first leaves.
  package mutating func leave(now: Instant) {
    guard let askedAt = waiting.popFirst() else { return }
    let grace = min(now.nanoseconds(since: askedAt), Self.longestGrace)
    graceEnds.append(now.adding(nanoseconds: grace))
  }

  package mutating func tick(now: Instant) {
    while let first = graceEnds.first, first <= now {
      graceEnds.removeFirst()
      lastGone += 1
      if let first = minima.first, first.number <= lastGone { minima.removeFirst() }
    }
  }
}
