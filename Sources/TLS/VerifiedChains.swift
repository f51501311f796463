import COpenSSL
import Glibc

/// Chains that were found good a short while ago, each for a name or address. One per worker and job, on one thread.
///
/// To verify a chain takes a seventh of a full handshake, and a busy origin shows the same one each time. What is
/// looked up is everything that the verdict depends on: all certificates that the server sent, byte by byte, and whom
/// they have to name; trust anchors and policy are those of one job. Only a good verdict is kept, for ten minutes at
/// most and never past the end of a certificate of the chain. That the server has the key is proven by its signature
/// in each full handshake all the same (RFC 8446 section 4.4.3).
package final class VerifiedChains {
  package static let lifetimeSeconds = 600
  private static let capacity = 16 * 1024

  private let now: () -> Int
  /// When each verdict was found, and when it ends, in seconds since 1970: a clock that was set back ends it, too.
  private var verdicts: [[UInt8]: Range<Int>] = [:]
  private let hasher = SHA256Hasher()
  private var scratch: [UInt8] = []

  /// `now`: seconds since 1970.
  package init(now: @escaping () -> Int = { time(nil) }) { self.now = now }

  /// 1 if the chain in `store` is good for `identity`, as `X509_verify_cert` has it, which is asked unless it is known.
  func verify(_ store: OpaquePointer, for identity: TLSConnection.Identity) -> Int32 {
    guard let key = key(of: store, identity) else { return Self.verifyAnew(store) }
    let now = now()
    if verdicts[key]?.contains(now) == true {
      X509_STORE_CTX_set_error(store, X509_V_OK)
      return 1
    }
    let status = Self.verifyAnew(store)
    if status == 1, X509_STORE_CTX_get_error(store) == X509_V_OK { keep(key, from: now, chain: store) }
    return status
  }

  private func keep(_ key: [UInt8], from now: Int, chain store: OpaquePointer) {
    var left = Self.lifetimeSeconds
    let chain = X509_STORE_CTX_get0_chain(store)
    for index in 0..<max(0, OPENSSL_sk_num(chain)) {
      var days: Int32 = 0
      var seconds: Int32 = 0
      // From now, if no time is given (ASN1_TIME_diff(3)).
      guard let certificate = OPENSSL_sk_value(chain, index),
        ASN1_TIME_diff(&days, &seconds, nil, X509_get0_notAfter(OpaquePointer(certificate))) == 1
      else { return }
      left = min(left, Int(days) * 86_400 + Int(seconds))
    }
    guard left > 0 else { return }
    if verdicts.count >= Self.capacity { verdicts.removeAll() }
    verdicts[key] = now..<now + left
  }

  /// An error of its own is less than 0, which to the caller would mean to ask again
  /// (SSL_CTX_set_cert_verify_callback(3)).
  static func verifyAnew(_ store: OpaquePointer) -> Int32 { max(0, X509_verify_cert(store)) }

  /// A digest of all certificates that the server sent and of whom they have to name; nil without certificates.
  private func key(of store: OpaquePointer, _ identity: TLSConnection.Identity) -> [UInt8]? {
    guard let leaf = X509_STORE_CTX_get0_cert(store) else { return nil }
    hasher.restart()
    switch identity {
    case .name(let name, _): add([0] + name)
    case .address(let address, _): add([1] + Array(address.utf8))
    }
    guard add(leaf) else { return nil }
    let others = X509_STORE_CTX_get0_untrusted(store)
    for index in 0..<max(0, OPENSSL_sk_num(others)) {
      guard let certificate = OPENSSL_sk_value(others, index), add(OpaquePointer(certificate)) else { return nil }
    }
    return [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      hasher.finish(into: base)
      count = 32
    }
  }

  /// With its length before it, so that no two lists of parts look the same.
  private func add(_ bytes: [UInt8]) {
    withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hasher.update($0) }
    bytes.withUnsafeBytes { hasher.update($0) }
  }

  private func add(_ certificate: OpaquePointer) -> Bool {
    let count = i2d_X509(certificate, nil)
    guard count > 0 else { return false }
    scratch.removeAll(keepingCapacity: true)
    scratch.append(addingCapacity: Int(count)) { output in
      output.withUnsafeMutableBufferPointer { memory, written in
        // Moves the pointer behind what it writes (i2d_X509(3)).
        var end: UnsafeMutablePointer<UInt8>? = memory.baseAddress
        written = Int(max(0, i2d_X509(certificate, &end)))
      }
    }
    guard scratch.count == Int(count) else { return false }
    add(scratch)
    return true
  }
}
