// How many connections were open together for a while. A client that closes one and opens the next seems to have
// both for a moment, because the origin hears of the close when its thread gets to run; such overlaps say nothing.
// Pure: the instant is an argument.

/// The largest count that lasted: the largest k such that at least k were open for `span` without a break.
package struct SustainedMaximum: Equatable, Sendable {
  private let span: Duration
  /// By level less one: since when the count is at least the level. A higher level is never older than a lower one.
  private var since: [Duration] = []
  /// Of levels that the count has left.
  private var past = 0

  package init(span: Duration) {
    self.span = span
  }

  /// How many are open.
  package var count: Int { since.count }

  /// One more; `now` runs from any fixed instant and never goes back.
  package mutating func opened(now: Duration) {
    since.append(now)
  }

  /// One less.
  package mutating func closed(now: Duration) {
    guard let start = since.last else { preconditionFailure("closed without having been opened") }
    if now - start >= span { past = max(past, since.count) }
    since.removeLast()
  }

  /// The maximum up to now.
  package func maximum(now: Duration) -> Int {
    // Levels above the first old enough are younger, those below do not matter.
    max(past, since.lastIndex { now - $0 >= span }.map { $0 + 1 } ?? 0)
  }

  /// Forgets the past. What is open stays so, for as long as it has been.
  package mutating func reset() {
    past = 0
  }
}
