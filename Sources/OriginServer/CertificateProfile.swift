// What a certificate says, before there is one: pure description.

/// One certificate.
package struct CertificateProfile: Sendable {
  package enum Key: Hashable, Sendable { case p256, p384, rsa(bits: Int) }

  /// What the certificate itself is signed over with.
  package enum Digest: Sendable { case md5, sha1, sha256, sha384, sha512 }

  /// An entry of subjectAltName. Bytes, because bad certificates hold what no text does.
  package enum Name: Sendable {
    case dns([UInt8])
    case address([UInt8])

    package static func dns(_ text: String) -> Name { .dns(Array(text.utf8)) }
  }

  /// nil for an empty subject, which makes the names below critical (RFC 5280 section 4.2.1.6).
  package var commonName: String?
  package var organization: String?
  package var names: [Name]
  /// Seconds from now.
  package var notBefore: Int
  package var notAfter: Int
  package var key = Key.p256
  package var digest = Digest.sha256

  // Extensions in the notation of OpenSSL's configuration (x509v3_config(5)); nil leaves one out.
  package var basicConstraints: String? = "critical,CA:FALSE"
  package var keyUsage: String? = "critical,digitalSignature"
  package var extendedKeyUsage: String? = "serverAuth"
  package var nameConstraints: String?
  package var revocationList: String?

  /// Whether it claims the policy of the CA/Browser Forum's guidelines for extended validation.
  package var claimsExtendedValidation = false
  /// An extension nobody knows, and nobody may pass over (RFC 5280 section 4.2).
  package var hasUnknownCriticalExtension = false
  /// The signature is another's.
  package var isTamperedWith = false

  package static let day = 86_400

  /// A server's certificate, valid from an hour ago, so that clocks a little apart do not matter.
  package static func server(_ names: [Name], commonName: String? = "server") -> CertificateProfile {
    CertificateProfile(commonName: commonName, names: names, notBefore: -3600, notAfter: 30 * day)
  }

  package static func authority(_ name: String, pathLength: Int? = nil) -> CertificateProfile {
    var profile = server([], commonName: name)
    profile.basicConstraints = "critical,CA:TRUE" + (pathLength.map { ",pathlen:\($0)" } ?? "")
    profile.keyUsage = "critical,keyCertSign,cRLSign"
    profile.extendedKeyUsage = nil
    return profile
  }

  package static let goodNames: [Name] = [
    .dns("localhost"), .dns("*.localhost"), .dns("origin.test"), .dns("*.origin.test"), .address([127, 0, 0, 1]),
    .address([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
  ]

  package static let leaf = server(goodNames, commonName: "localhost")
}
