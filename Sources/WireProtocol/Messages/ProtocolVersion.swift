/// Versions of the protocol that this build speaks.
package enum ProtocolVersion {
  package static let minimum: UInt32 = 1
  package static let maximum: UInt32 = 1

  /// The version that both sides speak; nil if the ranges do not overlap.
  package static func agreed(minimum theirs: UInt32, maximum theirMaximum: UInt32) -> UInt32? {
    let candidate = min(maximum, theirMaximum)
    return candidate >= max(minimum, theirs) ? candidate : nil
  }
}
