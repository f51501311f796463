// The cases that have a listener of their own, which shows them whatever name the client indicates.

extension CertificateCase {
  /// Nil for a listener whose certificate is right, or the client's to ask for, or that has none.
  static func shown(by listener: ListenerKind) -> CertificateCase? {
    switch listener {
    case .expired: rightForHost("expired")
    case .notYetValid: rightForHost("not-yet-valid")
    case .untrusted: rightForHost("untrusted-root-not-sent")
    case .wrongName: named("wrong.host")
    case .commonNameOnly: named("no-san")
    case .partialWildcard: named("partial-wildcard")
    default: nil
    }
  }

  /// The case with the names that the listeners are reached by, so that no name is at fault.
  private static func rightForHost(_ name: String) -> CertificateCase? {
    var wanted = named(name)
    wanted?.leaf.names = CertificateProfile.goodNames
    return wanted
  }
}
