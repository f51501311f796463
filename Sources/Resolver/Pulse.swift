package import FetchModel

/// When name servers were heard of: what tells a name that nobody answers for from servers that answer nothing.
package struct Pulse: Equatable, Sendable {
  package enum Verdict: Equatable, Sendable {
    /// They have not been asked, or only just now: it waited for its turn.
    case waiting
    /// They have answered something just now.
    case living
    /// A probe is about to tell.
    case unclear
    /// They do not answer, or have not for a while since.
    case silent
  }

  package var lastHeardAt: Instant?
  /// nil while nothing is waited for.
  package var silentSince: Instant?
  /// When servers had time to catch up after a silence that was too long.
  package var recoveredAt: Instant?
  /// What was asked for before that has been on its way for a while; nil if nothing waits.
  package var waitingSince: Instant?
  /// How long ago servers were heard that live now, and how long they may seem silent.
  package let fresh: Duration
  package let longest: Duration

  /// About servers that have been asked something at `start`; for an asker, when it asked the resolver.
  package func verdict(since start: Instant, now: Instant) -> Verdict {
    if let waitingSince, start >= waitingSince { return .waiting }
    // What was sent meanwhile may be lost.
    if let recoveredAt, start < recoveredAt { return .silent }
    if let lastHeardAt, lastHeardAt >= start, now < lastHeardAt + fresh { return .living }
    guard let silentSince, now < silentSince + longest else { return .silent }
    return .unclear
  }
}
