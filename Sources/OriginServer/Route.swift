// The first path segments the origin knows.

/// What a request asks for, by its first path segment; also the unit in which hits are counted.
package enum Route: String, CaseIterable, Sendable {
  case fixed, chunked, close, status, slow, stall, redirect, reset, truncate, garbage, echo, headers, interim, flaky
  case latency, play, counts, hits
  case hitLog = "hit-log"
  case redirectTo = "redirect-to"
  case truncateUnclean = "truncate-unclean"
  case noCloseNotify = "no-close-notify"
  case keepaliveClose = "keepalive-close"
  case retryAfter = "retry-after"
  case resetCounts = "reset-counts"
  /// Everything else: answered with 404, counted together so that memory stays bounded.
  case other

  package init(_ target: RequestTarget) {
    self = target.segments.first.flatMap { Route(rawValue: String($0)) } ?? .other
  }

  /// Position in ``allCases``.
  package var index: Int { Self.positions[self] ?? 0 }

  /// Whether the request asks the origin about itself; such requests are not counted.
  package var isControl: Bool {
    self == .counts || self == .hits || self == .hitLog || self == .resetCounts
  }

  private static let positions = [Route: Int](
    uniqueKeysWithValues: allCases.enumerated().map { ($0.element, $0.offset) }
  )
}
