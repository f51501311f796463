import COpenSSL
import Glibc

/// Texts in PEM, read from memory and written to it.
enum PEM {
  /// Calls `body` with a source that gives these bytes.
  static func reading<Result>(_ bytes: [UInt8], _ body: (OpaquePointer) -> Result) -> Result? {
    bytes.withUnsafeBytes { bytes in
      guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
      defer { BIO_free(memory) }
      return body(memory)
    }
  }

  /// What `body` reads, if it reads anything; the caller frees it.
  static func object(_ bytes: [UInt8], _ body: (OpaquePointer) -> OpaquePointer?) -> OpaquePointer? {
    reading(bytes, body) ?? nil
  }

  /// What `body` writes; nil if it gives anything but 1.
  static func writing(_ body: (OpaquePointer) -> Int32) -> [UInt8]? {
    guard let memory = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(memory) }
    guard body(memory) == 1 else { return nil }
    var start: UnsafeMutablePointer<CChar>?
    let count = trawl_BIO_get_mem_data(memory, &start)
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }

  /// All certificates of a text, at least one; the caller frees them.
  static func certificates(_ text: [UInt8], named name: String) throws(TLSConfigurationError) -> [OpaquePointer] {
    let found = reading(text) { memory in
      var found: [OpaquePointer] = []
      while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) { found.append(certificate) }
      return found
    }
    // The end of the text stands in the queue as "no start line".
    ERR_clear_error()
    if let found, !found.isEmpty { return found }
    throw TLSConfigurationError(description: "\(name): holds no PEM certificate")
  }

  /// Whether something in it needs a pass phrase (RFC 7468 section 11, and the older way of OpenSSL).
  static func isSealed(_ text: [UInt8]) -> Bool { String(decoding: text, as: UTF8.self).contains("ENCRYPTED") }

  /// The private key of a text, or nil with the reason in the error queue; the caller frees it. A pass phrase is never
  /// asked for: nobody may be at the terminal.
  static func privateKey(_ text: [UInt8], passphrase: [UInt8] = []) -> OpaquePointer? {
    passphrase.withUnsafeBytes { phrase in
      var given = phrase
      return withUnsafeMutablePointer(to: &given) { given in
        object(text) { memory in
          PEM_read_bio_PrivateKey(
            memory,
            nil,
            { buffer, size, _, given in
              guard let buffer, let phrase = given?.assumingMemoryBound(to: UnsafeRawBufferPointer.self).pointee,
                let start = phrase.baseAddress, phrase.count <= Int(size)
              else { return 0 }
              memcpy(buffer, start, phrase.count)
              return Int32(phrase.count)
            },
            UnsafeMutableRawPointer(given)
          )
        }
      }
    }
  }
}
