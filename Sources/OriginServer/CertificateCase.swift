// What a server shows in place of a plain leaf: which authorities stand above it, and what of them it sends. Pure.

/// A leaf and its chain.
package struct CertificateCase: Sendable {
  package enum Anchor: Sendable {
    /// The authority whose certificate clients are given.
    case trusted
    /// An authority nobody is given.
    case unknown
    /// The leaf signs itself.
    case itself
  }

  /// What is sent after the leaf.
  package enum Sent: Sendable {
    /// The intermediates, each followed by its issuer, as RFC 8446 section 4.4.2 has it.
    case inOrder
    /// The same and the anchor.
    case withAnchor
    case reversed
    /// Out of order, with the anchor, a doubled leaf and certificates of another chain between them.
    case shuffled
    /// The intermediates, then the anchor's name and key in a certificate of an authority that has expired.
    case crossSigned
    case nothing
  }

  package var leaf: CertificateProfile
  /// From the one that the anchor signs to the one that signs the leaf.
  package var intermediates: [CertificateProfile]
  package var anchor: Anchor
  package var sent: Sent

  /// The newest version that the leaf's key is good for: TLS 1.3 has no signature that 512 bits have room for.
  package var highestVersion: TLSVersion { leaf.key == .rsa(bits: 512) ? .tls12 : .tls13 }

  package init(
    _ leaf: CertificateProfile,
    intermediates: [CertificateProfile] = [],
    anchor: Anchor = .trusted,
    sent: Sent = .inOrder
  ) {
    self.leaf = leaf
    self.intermediates = intermediates
    self.anchor = anchor
    self.sent = sent
  }
}
