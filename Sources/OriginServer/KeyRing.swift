// Private keys. Making an RSA key costs a tenth of a second and more, so leaves of a kind share one.

import COpenSSL
import COriginShims
import Synchronization

/// A private key.
final class PrivateKey: Sendable {
  // EVP_PKEY is reference-counted with atomics, and nobody changes it once it is made.
  nonisolated(unsafe) let handle: OpaquePointer

  init(owning handle: OpaquePointer) { self.handle = handle }

  deinit { EVP_PKEY_free(handle) }
}

/// One key of each kind, made when it is first needed.
final class KeyRing: Sendable {
  private let keys = Mutex<[CertificateProfile.Key: PrivateKey]>([:])

  func key(_ kind: CertificateProfile.Key) throws(OriginError) -> PrivateKey {
    // Held while a key is made: whoever comes for the same one has to wait for it anyway.
    try keys.withLock { keys throws(OriginError) in
      if let key = keys[kind] { return key }
      let key = try Self.make(kind)
      keys[kind] = key
      return key
    }
  }

  /// A key that nobody else has, but for the largest ones.
  static func make(_ kind: CertificateProfile.Key) throws(OriginError) -> PrivateKey {
    let made =
      switch kind {
      case .p256: origin_generate_ec("P-256")
      case .p384: origin_generate_ec("P-384")
      case .rsa(let bits): LargeKeys.key(bits: bits) ?? origin_generate_rsa(Int32(bits))
      }
    guard let made else { throw openSSLError("EVP_PKEY_Q_keygen") }
    return PrivateKey(owning: made)
  }
}
