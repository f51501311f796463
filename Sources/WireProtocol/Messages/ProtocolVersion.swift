/// Versions of the protocol that this build speaks. Version 1 knew fewer options of TLS, version 2 no proxies, and to
/// ignore one of those would be to do without it.
package enum ProtocolVersion {
  package static let minimum: UInt32 = 3
  package static let maximum: UInt32 = 3

  /// The version that both sides speak; nil if the ranges do not overlap.
  package static func agreed(minimum theirs: UInt32, maximum theirMaximum: UInt32) -> UInt32? {
    let candidate = min(maximum, theirMaximum)
    return candidate >= max(minimum, theirs) ? candidate : nil
  }
}
