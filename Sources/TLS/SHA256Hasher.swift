import COpenSSL

/// A running SHA-256; one per connection, used again for each body.
package final class SHA256Hasher {
  // EVP_sha256() looks the algorithm up anew on every use; a fetched one is found already (EVP_MD_fetch(3)).
  // Immutable, reference-counted and never freed.
  private nonisolated(unsafe) static let algorithm = EVP_MD_fetch(nil, "SHA256", nil)

  private let context: OpaquePointer

  package init() {
    guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex2(context, Self.algorithm, nil) == 1 else {
      preconditionFailure("OpenSSL has no SHA-256")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  package func update(_ bytes: UnsafeRawBufferPointer) {
    let status = EVP_DigestUpdate(context, bytes.baseAddress, bytes.count)
    precondition(status == 1, "EVP_DigestUpdate failed")
  }

  /// Writes the 32 bytes of the digest and starts anew.
  package func finish(into output: UnsafeMutablePointer<UInt8>) {
    let status = EVP_DigestFinal_ex(context, output, nil)
    precondition(status == 1, "EVP_DigestFinal_ex failed")
    restart()
  }

  /// Forgets what was added.
  package func restart() {
    let status = EVP_DigestInit_ex2(context, nil, nil)
    precondition(status == 1, "EVP_DigestInit_ex2 failed")
  }
}
