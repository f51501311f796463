package import FetchModel

/// What a status asks of a client that follows redirects (RFC 9110 section 15.4), before Location is looked at.
package enum RedirectDecision: Equatable, Sendable {
  /// The response is final: no redirect, or one that no client follows by itself (300, 304, 305, 306).
  case final
  /// Repeat at the new place. A body that is not sent again leaves its Content-* fields behind, too.
  case follow(method: RequestMethod, resendsBody: Bool, dropsContentFields: Bool)

  package init(status: Int, method: RequestMethod, hasBody: Bool) {
    switch status {
    case 301, 302:
      // Every browser turned POST into GET here until the RFC allowed it; other methods stay.
      self = method == .post ? Self.retrieval(.get) : Self.same(method, hasBody: hasBody)
    case 303:
      // "See other": a retrieval of something else, so no body goes along even if the method stays.
      let next: RequestMethod = method == .head ? .head : .get
      self = method == next && !hasBody ? Self.same(next, hasBody: false) : Self.retrieval(next)
    case 307, 308:
      self = Self.same(method, hasBody: hasBody)
    default:
      self = .final
    }
  }

  private static func same(_ method: RequestMethod, hasBody: Bool) -> Self {
    .follow(method: method, resendsBody: hasBody, dropsContentFields: false)
  }

  private static func retrieval(_ method: RequestMethod) -> Self {
    .follow(method: method, resendsBody: false, dropsContentFields: true)
  }
}
