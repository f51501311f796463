package import FetchModel

/// An agent on its way out: it is done when nothing is in hand, and at the end of a grace time in any case. Pure.
///
/// Rows may be on their way to it when it says that it drains. An echo of a beat that was sent after that comes behind
/// all of them.
package struct Departure: Equatable, Sendable {
  private let end: Instant
  private var announcedAt: Instant?
  private var isKnown = false

  package init(end: Instant) { self.end = end }

  /// The coordinator of this session is told.
  package mutating func announced(at now: Instant) {
    announcedAt = now
    isKnown = false
  }

  package mutating func echoed(stamp: Instant) { if let announcedAt, stamp > announcedAt { isKnown = true } }

  /// `hasSession`: without one, nothing is on its way.
  package func isOver(isEmptyHanded: Bool, hasSession: Bool, now: Instant) -> Bool {
    now >= end || isEmptyHanded && (isKnown || !hasSession)
  }
}
