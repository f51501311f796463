import COpenSSL
import Glibc

/// SHA-256 of a public key (SubjectPublicKeyInfo in DER): what a pinned key is compared by (RFC 7469 section 2.4).
package struct PublicKeyDigest: Equatable, Sendable {
  /// 32 of them.
  package let bytes: [UInt8]

  /// As curl spells it: "sha256//" and base64.
  var text: String {
    // Four characters for each three bytes begun, and a NUL (EVP_EncodeBlock(3)).
    let encoded = withUnsafeTemporaryAllocation(of: UInt8.self, capacity: (bytes.count + 2) / 3 * 4 + 1) { buffer in
      let count = EVP_EncodeBlock(buffer.baseAddress, bytes, Int32(bytes.count))
      return String(decoding: buffer.prefix(Int(count)), as: UTF8.self)
    }
    return "sha256//" + encoded
  }

  /// Of a public key or a certificate in PEM, or a public key in DER; nil if the bytes are none of these.
  package init?(ofKeyIn file: [UInt8]) {
    defer { ERR_clear_error() }
    if let key = PEM.object(file, { PEM_read_bio_PUBKEY($0, nil, nil, nil) })
      ?? PEM.object(file, { d2i_PUBKEY_bio($0, nil) })
    {
      defer { EVP_PKEY_free(key) }
      self.init { i2d_PUBKEY(key, $0) }
    } else if let certificate = PEM.object(file, { PEM_read_bio_X509($0, nil, nil, nil) }) {
      defer { X509_free(certificate) }
      self.init(of: certificate)
    } else {
      return nil
    }
  }

  /// Of the 32 bytes themselves in base64.
  package init?(base64 text: some StringProtocol) {
    // 32 bytes take 44 characters, the last of them a pad that EVP_DecodeBlock(3) counts as a byte of 0.
    guard text.utf8.count == 44, text.hasSuffix("="), !text.hasSuffix("==") else { return nil }
    let decoded = [UInt8](unsafeUninitializedCapacity: 33) { buffer, count in
      count = max(0, Int(EVP_DecodeBlock(buffer.baseAddress, Array(text.utf8), 44)))
    }
    guard decoded.count == 33 else { return nil }
    bytes = Array(decoded.dropLast())
  }

  /// Of a certificate's key.
  init?(of certificate: OpaquePointer) {
    guard let key = X509_get_X509_PUBKEY(certificate) else { return nil }
    self.init { i2d_X509_PUBKEY(key, $0) }
  }

  /// `encode` puts DER into memory of OpenSSL's and gives its length.
  private init?(_ encode: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>) -> Int32) {
    var encoded: UnsafeMutablePointer<UInt8>?
    let count = encode(&encoded)
    defer { trawl_OPENSSL_free(encoded) }
    guard count > 0, let encoded else { return nil }
    let hasher = SHA256Hasher()
    hasher.update(UnsafeRawBufferPointer(start: encoded, count: Int(count)))
    bytes = [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      guard let start = buffer.baseAddress else { return }
      hasher.finish(into: start)
      count = 32
    }
  }
}
