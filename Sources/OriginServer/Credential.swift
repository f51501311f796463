// A certificate made after its description, with its key.

import COpenSSL
import COriginShims
import Glibc

/// A private key, its certificate, and what is sent after it.
package final class Credential: Sendable {
  let key: PrivateKey
  // X509 is reference-counted with atomics, locks what it computes late, and nobody changes it once it is made.
  nonisolated(unsafe) let certificate: OpaquePointer
  let sent: [Credential]

  private init(key: PrivateKey, certificate: OpaquePointer, sent: [Credential]) {
    self.key = key
    self.certificate = certificate
    self.sent = sent
  }

  /// A certificate for `key`, signed by `issuer` or by itself.
  init(_ profile: CertificateProfile, key: PrivateKey, issuer: Credential?) throws(OriginError) {
    guard let certificate = X509_new() else { throw openSSLError("X509_new") }
    do throws(OriginError) {
      try Self.fill(certificate, profile, key: key, issuer: issuer)
    } catch {
      X509_free(certificate)
      throw error
    }
    self.key = key
    self.certificate = certificate
    sent = []
  }

  deinit { X509_free(certificate) }

  /// The same, to be followed by the certificates of others.
  package func sending(_ others: [Credential]) -> Credential {
    X509_up_ref(certificate)
    return Credential(key: key, certificate: certificate, sent: others)
  }

  package func certificatePEM() throws(OriginError) -> [UInt8] {
    try pem("PEM_write_bio_X509") { PEM_write_bio_X509($0, certificate) }
  }

  package func keyPEM() throws(OriginError) -> [UInt8] {
    try pem("PEM_write_bio_PrivateKey") { PEM_write_bio_PrivateKey($0, key.handle, nil, nil, 0, nil, nil) }
  }

  private func pem(_ call: String, _ write: (OpaquePointer) -> Int32) throws(OriginError) -> [UInt8] {
    guard let memory = BIO_new(BIO_s_mem()) else { throw openSSLError("BIO_new") }
    defer { BIO_free(memory) }
    guard write(memory) == 1 else { throw openSSLError(call) }
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(memory))
    let count = BIO_read(memory, &bytes, Int32(clamping: bytes.count))
    guard count == bytes.count else { throw openSSLError("BIO_read") }
    return bytes
  }

  // MARK: Making

  private static func fill(
    _ certificate: OpaquePointer,
    _ profile: CertificateProfile,
    key: PrivateKey,
    issuer: Credential?
  ) throws(OriginError) {
    try check(X509_set_version(certificate, 2), "X509_set_version")
    let serial = UInt64.random(in: 1...UInt64(Int64.max))
    try check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial), "ASN1_INTEGER_set_uint64")
    try setTime(X509_getm_notBefore(certificate), profile.notBefore)
    try setTime(X509_getm_notAfter(certificate), profile.notAfter)
    try check(X509_set_pubkey(certificate, key.handle), "X509_set_pubkey")
    try setSubject(of: certificate, profile)
    let signer = issuer?.certificate ?? certificate
    try check(X509_set_issuer_name(certificate, X509_get_subject_name(signer)), "X509_set_issuer_name")
    try addExtensions(to: certificate, profile, signer: signer)
    // Names what it is signed over with only in the signature itself, which tampering leaves well-formed.
    let digest = profile.digest.algorithm
    guard X509_sign(certificate, (issuer?.key ?? key).handle, digest) > 0 else { throw openSSLError("X509_sign") }
    if profile.isTamperedWith {
      let other = try KeyRing.make(.p256)
      guard X509_sign(certificate, other.handle, digest) > 0 else { throw openSSLError("X509_sign") }
    }
  }

  private static func setTime(_ time: UnsafeMutablePointer<ASN1_TIME>?, _ seconds: Int) throws(OriginError) {
    guard X509_gmtime_adj(time, seconds) != nil else { throw openSSLError("X509_gmtime_adj") }
  }

  private static func setSubject(of certificate: OpaquePointer, _ profile: CertificateProfile) throws(OriginError) {
    guard let name = X509_get_subject_name(certificate) else { throw openSSLError("X509_get_subject_name") }
    for (field, value) in [("O", profile.organization), ("CN", profile.commonName)] {
      guard let value else { continue }
      let added = X509_NAME_add_entry_by_txt(name, field, origin_mbstring_ascii(), value, -1, -1, 0)
      try check(added, "X509_NAME_add_entry_by_txt")
    }
  }

  private static func addExtensions(
    to certificate: OpaquePointer,
    _ profile: CertificateProfile,
    signer: OpaquePointer
  ) throws(OriginError) {
    // The subject's key identifier comes first: a self-signed certificate's authority identifier is read from it.
    let extensions: [(Int32, String?)] = [
      (NID_subject_key_identifier, "hash"),
      (NID_authority_key_identifier, "keyid:always"),
      (NID_basic_constraints, profile.basicConstraints),
      (NID_key_usage, profile.keyUsage),
      (NID_ext_key_usage, profile.extendedKeyUsage),
      (NID_name_constraints, profile.nameConstraints),
      (NID_crl_distribution_points, profile.revocationList),
    ]
    for (identifier, value) in extensions {
      guard let value else { continue }
      // All zero, its `db` too: the values used here need no configuration database.
      var context = X509V3_CTX()
      X509V3_set_ctx(&context, signer, certificate, nil, nil, 0)
      let made = X509V3_EXT_conf_nid(nil, &context, identifier, value)
      try add(made, to: certificate, "X509V3_EXT_conf_nid \(value)")
    }
    if !profile.names.isEmpty {
      let isCritical = profile.commonName == nil && profile.organization == nil
      try add(NID_subject_alt_name, isCritical: isCritical, DER.generalNames(profile.names), to: certificate)
    }
    if profile.claimsExtendedValidation {
      try add(NID_certificate_policies, isCritical: false, DER.extendedValidation, to: certificate)
    }
    if profile.hasUnknownCriticalExtension {
      // Any number that OpenSSL knows, and knows not to be an extension, does.
      try add(NID_pkcs9_challengePassword, isCritical: true, [0x05, 0x00], to: certificate)
    }
  }

  private static func add(
    _ identifier: Int32,
    isCritical: Bool,
    _ value: [UInt8],
    to certificate: OpaquePointer
  ) throws(OriginError) {
    guard let octets = ASN1_OCTET_STRING_new() else { throw openSSLError("ASN1_OCTET_STRING_new") }
    defer { ASN1_OCTET_STRING_free(octets) }
    try check(ASN1_OCTET_STRING_set(octets, value, Int32(value.count)), "ASN1_OCTET_STRING_set")
    let made = X509_EXTENSION_create_by_NID(nil, identifier, isCritical ? 1 : 0, octets)
    try add(made, to: certificate, "X509_EXTENSION_create_by_NID")
  }

  private static func add(_ made: OpaquePointer?, to certificate: OpaquePointer, _ call: String) throws(OriginError) {
    guard let made else { throw openSSLError(call) }
    defer { X509_EXTENSION_free(made) }
    try check(X509_add_ext(certificate, made, -1), "X509_add_ext")
  }

  private static func check(_ status: Int32, _ call: String) throws(OriginError) {
    guard status == 1 else { throw openSSLError(call) }
  }
}

extension CertificateProfile.Digest {
  fileprivate var algorithm: OpaquePointer? {
    switch self {
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha512: EVP_sha512()
    }
  }
}
