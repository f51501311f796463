// A certificate authority that lives as long as the process, and the certificates it signs for the listeners.
// Nothing here is a secret worth keeping: the authority's key is never written anywhere.

import COpenSSL
import COriginShims
import Glibc

/// The first error in OpenSSL's queue of this thread; empties the queue.
func openSSLError(_ call: String) -> OriginError {
  let code = ERR_get_error()
  ERR_clear_error()
  var text = [CChar](repeating: 0, count: 256)
  ERR_error_string_n(code, &text, text.count)
  let detail = text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
  return .tls(call: call, detail: code == 0 ? "no detail" : String(decoding: detail, as: UTF8.self))
}

/// A private key and its certificate, confined to the thread that starts the server.
final class Credential {
  let key: OpaquePointer
  let certificate: OpaquePointer

  /// Takes ownership of both.
  fileprivate init(key: OpaquePointer, certificate: OpaquePointer) {
    self.key = key
    self.certificate = certificate
  }

  deinit {
    X509_free(certificate)
    EVP_PKEY_free(key)
  }

  func certificatePEM() throws(OriginError) -> [UInt8] {
    try pem("PEM_write_bio_X509") { PEM_write_bio_X509($0, certificate) }
  }

  func keyPEM() throws(OriginError) -> [UInt8] {
    try pem("PEM_write_bio_PrivateKey") { PEM_write_bio_PrivateKey($0, key, nil, nil, 0, nil, nil) }
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
}

/// What a certificate says.
struct CertificateProfile {
  var commonName: String
  /// In the notation of OpenSSL's configuration; empty for none, nil for an authority.
  var alternativeNames: String?
  /// Seconds from now.
  var notBefore: Int
  var notAfter: Int

  static let day = 86_400
  static let goodNames = "DNS:localhost,DNS:*.localhost,DNS:origin.test,DNS:*.origin.test,IP:127.0.0.1,IP:::1"

  /// Valid from an hour ago, so that clocks a little apart do not matter.
  static func authority(_ name: String) -> CertificateProfile {
    CertificateProfile(commonName: name, alternativeNames: nil, notBefore: -3600, notAfter: 30 * day)
  }

  static let leaf = CertificateProfile(
    commonName: "localhost",
    alternativeNames: goodNames,
    notBefore: -3600,
    notAfter: 30 * day
  )

  static var expired: CertificateProfile {
    var profile = leaf
    profile.notBefore = -10 * day
    profile.notAfter = -day
    return profile
  }

  static var notYetValid: CertificateProfile {
    var profile = leaf
    profile.notBefore = day
    return profile
  }

  static var wrongName: CertificateProfile {
    var profile = leaf
    profile.commonName = "other.test"
    profile.alternativeNames = "DNS:other.test"
    return profile
  }

  static var commonNameOnly: CertificateProfile {
    var profile = leaf
    profile.alternativeNames = ""
    return profile
  }

  static var partialWildcard: CertificateProfile {
    var profile = leaf
    profile.alternativeNames = "DNS:f*.origin.test"
    return profile
  }
}

/// Signs certificates; confined to the thread that starts the server.
final class TestAuthority {
  let credential: Credential

  init(name: String) throws(OriginError) {
    credential = try Self.make(.authority(name), issuer: nil)
  }

  func issue(_ profile: CertificateProfile) throws(OriginError) -> Credential {
    try Self.make(profile, issuer: credential)
  }

  /// A new key and a certificate for it, signed by `issuer` or by itself.
  private static func make(_ profile: CertificateProfile, issuer: Credential?) throws(OriginError) -> Credential {
    guard let key = origin_generate_p256() else { throw openSSLError("EVP_EC_gen") }
    guard let certificate = X509_new() else {
      EVP_PKEY_free(key)
      throw openSSLError("X509_new")
    }
    // From here on the credential frees both, whatever fails.
    let made = Credential(key: key, certificate: certificate)
    try check(X509_set_version(certificate, 2), "X509_set_version")
    let serial = UInt64.random(in: 1...UInt64(Int64.max))
    try check(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial), "ASN1_INTEGER_set_uint64")
    try setTime(X509_getm_notBefore(certificate), profile.notBefore)
    try setTime(X509_getm_notAfter(certificate), profile.notAfter)
    try check(X509_set_pubkey(certificate, key), "X509_set_pubkey")
    guard let name = X509_get_subject_name(certificate) else { throw openSSLError("X509_get_subject_name") }
    let added = X509_NAME_add_entry_by_txt(
      name,
      "CN",
      origin_mbstring_ascii(),
      profile.commonName,
      -1,
      -1,
      0
    )
    try check(added, "X509_NAME_add_entry_by_txt")
    let signer = issuer?.certificate ?? certificate
    try check(X509_set_issuer_name(certificate, X509_get_subject_name(signer)), "X509_set_issuer_name")
    // The subject's key identifier comes first: a self-signed certificate's authority identifier is read from it.
    try addExtension(NID_subject_key_identifier, "hash", to: certificate, signer: signer)
    try addExtension(NID_authority_key_identifier, "keyid:always", to: certificate, signer: signer)
    if let names = profile.alternativeNames {
      try addExtension(NID_basic_constraints, "critical,CA:FALSE", to: certificate, signer: signer)
      try addExtension(NID_key_usage, "critical,digitalSignature", to: certificate, signer: signer)
      try addExtension(NID_ext_key_usage, "serverAuth", to: certificate, signer: signer)
      if !names.isEmpty { try addExtension(NID_subject_alt_name, names, to: certificate, signer: signer) }
    } else {
      try addExtension(NID_basic_constraints, "critical,CA:TRUE", to: certificate, signer: signer)
      try addExtension(NID_key_usage, "critical,keyCertSign,cRLSign", to: certificate, signer: signer)
    }
    guard X509_sign(certificate, issuer?.key ?? key, EVP_sha256()) > 0 else { throw openSSLError("X509_sign") }
    return made
  }

  private static func setTime(_ time: UnsafeMutablePointer<ASN1_TIME>?, _ seconds: Int) throws(OriginError) {
    guard X509_gmtime_adj(time, seconds) != nil else { throw openSSLError("X509_gmtime_adj") }
  }

  private static func addExtension(
    _ identifier: Int32,
    _ value: String,
    to certificate: OpaquePointer,
    signer: OpaquePointer
  ) throws(OriginError) {
    // All zero, its `db` too: the values used here need no configuration database.
    var context = X509V3_CTX()
    X509V3_set_ctx(&context, signer, certificate, nil, nil, 0)
    guard let made = X509V3_EXT_conf_nid(nil, &context, identifier, value) else {
      throw openSSLError("X509V3_EXT_conf_nid \(value)")
    }
    defer { X509_EXTENSION_free(made) }
    try check(X509_add_ext(certificate, made, -1), "X509_add_ext")
  }

  private static func check(_ status: Int32, _ call: String) throws(OriginError) {
    guard status == 1 else { throw openSSLError(call) }
  }
}
