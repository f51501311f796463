/// The numbers of one direction's messages within a session: 1, 2, 3 ... Pure.
///
/// A transport that drops, repeats or swaps messages is seen by the next message: what was repeated is ignored, and
/// where one is missing the session is over, because nobody knows what it said. Beats are numbered like all others,
/// so a loss is seen within a second.
package struct MessageOrder: Equatable, Sendable {
  package enum Verdict: Equatable, Sendable {
    /// The one that was expected.
    case next
    /// It came before: to be ignored.
    case repeated
    /// One before it has not come: the session is over.
    case gap
  }

  private var last: UInt64 = 0

  package init() {}

  /// The number of the next message to be sent.
  package mutating func next() -> UInt64 {
    last += 1
    return last
  }

  /// A message with that number has come.
  package mutating func admit(_ number: UInt64) -> Verdict {
    guard number > last else { return .repeated }
    guard number == last + 1 else { return .gap }
    last = number
    return .next
  }
}
