// A certificate authority that lives as long as the process, and the certificates it signs for the listeners.
// Nothing here is a secret worth keeping: the authority's key is never written anywhere.

/// Signs certificates, on any thread.
package final class TestAuthority: Sendable {
  let credential: Credential
  private let name: String
  private let keys: KeyRing

  package convenience init(name: String) throws(OriginError) {
    try self.init(name: name, keys: KeyRing())
  }

  private init(name: String, keys: KeyRing) throws(OriginError) {
    self.name = name
    self.keys = keys
    // No ring: two authorities of one key could not be told apart by their key identifiers.
    credential = try Credential(.authority(name), key: KeyRing.make(.p256), issuer: nil)
  }

  /// What clients have to trust.
  package func certificatePEM() throws(OriginError) -> [UInt8] { try credential.certificatePEM() }

  package func issue(_ profile: CertificateProfile) throws(OriginError) -> Credential {
    try Credential(profile, key: keys.key(profile.key), issuer: credential)
  }

  /// A leaf, and what its server sends after it.
  package func issue(_ wanted: CertificateCase) throws(OriginError) -> Credential {
    switch wanted.anchor {
    case .itself: return try Credential(wanted.leaf, key: keys.key(wanted.leaf.key), issuer: nil)
    case .unknown: return try TestAuthority(name: "Trawl unknown authority", keys: keys).chain(wanted)
    case .trusted: return try chain(wanted)
    }
  }

  /// Authorities have keys of their own wherever making one costs nothing.
  private func key(ofAuthority kind: CertificateProfile.Key) throws(OriginError) -> PrivateKey {
    switch kind {
    case .p256, .p384: try KeyRing.make(kind)
    case .rsa: try keys.key(kind)
    }
  }

  private func chain(_ wanted: CertificateCase) throws(OriginError) -> Credential {
    var issuer = credential
    // From the leaf's issuer upwards.
    var above: [Credential] = []
    for profile in wanted.intermediates {
      issuer = try Credential(profile, key: key(ofAuthority: profile.key), issuer: issuer)
      above.insert(issuer, at: 0)
    }
    let leaf = try Credential(wanted.leaf, key: keys.key(wanted.leaf.key), issuer: issuer)
    switch wanted.sent {
    case .inOrder: return leaf.sending(above)
    case .withAnchor: return leaf.sending(above + [credential])
    case .reversed: return leaf.sending(above.reversed())
    case .nothing: return leaf
    case .shuffled:
      let stranger = try TestAuthority(name: "Trawl unknown authority", keys: keys)
      return leaf.sending([credential] + above.reversed() + [leaf, stranger.credential, try stranger.issue(.leaf)])
    case .crossSigned:
      var old = CertificateProfile.authority("Trawl expired authority")
      old.notBefore = -10 * CertificateProfile.day
      old.notAfter = -CertificateProfile.day
      let expired = try Credential(old, key: KeyRing.make(.p256), issuer: nil)
      let cross = try Credential(.authority(name), key: credential.key, issuer: expired)
      return leaf.sending(above + [cross, expired])
    }
  }
}
