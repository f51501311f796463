import COpenSSL
package import FetchModel
import Glibc

// Theory of operation
//
// This module is the only door to OpenSSL. One `TLSContext` exists per TLS configuration of a job and is shared by
// all worker threads: loading trust anchors costs about 15 ms, so it happens once. A `TLSConnection` belongs to one
// worker. Session tickets arrive on the connection that received them and are taken from there by the worker, which
// keeps them, and so does it with `VerifiedChains`: the context itself caches nothing, so threads do not meet in it.
//
// Every call that can fail finds this thread's error queue empty, and reads the result directly after
// (SSL_get_error(3)). Would-block and the end of the stream are outcomes; failures are values.

/// A TLS configuration cannot be used: a file's content is wrong, or OpenSSL refused a setting.
package struct TLSConfigurationError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// Trust anchors, versions and client certificate of one TLS configuration.
package final class TLSContext: Sendable {
  // Proof: threads may share an SSL_CTX once nobody sets it up any more (openssl-threads(7)). All setters are called in
  // init, before anybody else has the context; after it the one use is SSL_new(3), which locks what it shares. It keeps
  // no sessions, and what its callbacks touch belongs to the connection whose thread calls them.
  nonisolated(unsafe) let handle: OpaquePointer

  let verifies: Bool
  /// Of which the server's key has to be one; none for any.
  let pinnedKeys: [[UInt8]]

  package init(_ policy: TLSPolicy) throws(TLSConfigurationError) {
    ERR_clear_error()
    guard let handle = SSL_CTX_new(TLS_client_method()) else { throw Self.failure("SSL_CTX_new") }
    do throws(TLSConfigurationError) {
      try Self.harden(handle, policy)
      try Self.loadTrust(handle, policy)
      try Self.loadIdentity(handle, policy)
    } catch {
      SSL_CTX_free(handle)
      throw error
    }
    self.handle = handle
    verifies = policy.verifies
    pinnedKeys = policy.pinnedKeys
  }

  deinit { SSL_CTX_free(handle) }

  /// OpenSSL's own, with the one first whose digest is SHA-256: a handshake hashes in many small pieces, and processors
  /// have instructions for that digest and not for SHA-384. A new connection costs 7 to 10 % less.
  private static let cipherSuites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"

  private static func failure(_ what: String) -> TLSConfigurationError {
    TLSConfigurationError(description: "\(what): \(ErrorQueue.takeText())")
  }

  private static func harden(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    guard trawl_SSL_CTX_set_min_proto_version(handle, policy.minimumVersion.number) == 1 else {
      throw failure("lowest TLS version")
    }
    // 0 is the newest (SSL_CTX_set_max_proto_version(3)).
    guard trawl_SSL_CTX_set_max_proto_version(handle, policy.maximumVersion?.number ?? 0) == 1 else {
      throw failure("highest TLS version")
    }
    SSL_CTX_set_security_level(handle, 2)
    // After the level, which a list may set anew as @SECLEVEL.
    if let list = policy.cipherList, SSL_CTX_set_cipher_list(handle, list) != 1 { throw failure("TLS 1.2 ciphers") }
    guard SSL_CTX_set_ciphersuites(handle, policy.cipherSuites ?? Self.cipherSuites) == 1 else {
      throw failure("TLS 1.3 ciphers")
    }
    SSL_CTX_set_options(handle, UInt64(trawl_SSL_OP_hardening()))
    // A longer chain is a failure of the handshake; the default of OpenSSL, said so that it stays.
    _ = trawl_SSL_CTX_set_max_cert_list(handle, 100 * 1024)
    // A write may be repeated from another address and may be partial: our buffers move and drain.
    _ = trawl_SSL_CTX_set_mode(handle, Int(SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
    // One recv(2) takes header and body of a record, and several records, instead of two calls each.
    _ = trawl_SSL_CTX_set_read_ahead(handle, 1)
    SSL_CTX_set_default_read_buffer_len(handle, 32 * 1024)
    _ = trawl_SSL_CTX_set_session_cache_mode(
      handle,
      Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR)
    )
    SSL_CTX_sess_set_new_cb(handle) { ssl, session in TLSConnection.receivedSession(ssl, session) }
    let protocols: [UInt8] = [8] + Array("http/1.1".utf8)
    // Unlike its siblings this one returns 0 for success (SSL_CTX_set_alpn_protos(3)).
    guard SSL_CTX_set_alpn_protos(handle, protocols, UInt32(protocols.count)) == 0 else { throw failure("ALPN") }
    SSL_CTX_set_verify(handle, policy.verifies ? SSL_VERIFY_PEER : SSL_VERIFY_NONE) { accepted, store in
      TLSConnection.verified(accepted, store)
    }
    if policy.verifies { SSL_CTX_set_cert_verify_callback(handle, { store, _ in TLSConnection.verify(store) }, nil) }
  }

  private static func loadTrust(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    guard policy.verifies else { return }
    guard let pem = policy.authoritiesPEM else {
      guard SSL_CTX_set_default_verify_paths(handle) == 1 else { throw failure("the system's trust anchors") }
      return
    }
    guard let store = SSL_CTX_get_cert_store(handle) else { throw failure("SSL_CTX_get_cert_store") }
    // As with curl, an intermediate authority may be an anchor by itself (X509_VERIFY_PARAM_set_flags(3)).
    X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    let certificates = try PEM.certificates(pem, named: "CA file")
    defer { certificates.forEach { X509_free($0) } }
    for certificate in certificates {
      guard X509_STORE_add_cert(store, certificate) == 1 else { throw failure("CA file") }
    }
  }

  private static func loadIdentity(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    guard let chainPEM = policy.certificatePEM, let keyPEM = policy.privateKeyPEM else { return }
    let chain = try PEM.certificates(chainPEM, named: "client certificate")
    defer { chain.forEach { X509_free($0) } }
    guard SSL_CTX_use_certificate(handle, chain.first) == 1 else { throw failure("client certificate") }
    for intermediate in chain.dropFirst() {
      guard trawl_SSL_CTX_add1_chain_cert(handle, intermediate) == 1 else { throw failure("client certificate") }
    }
    guard let key = PEM.privateKey(keyPEM) else { throw failure("client key") }
    defer { EVP_PKEY_free(key) }
    guard SSL_CTX_use_PrivateKey(handle, key) == 1, SSL_CTX_check_private_key(handle) == 1 else {
      throw failure("client key")
    }
  }
}

extension TLSPolicy.Version {
  fileprivate var number: Int32 {
    switch self {
    case .tls12: TLS1_2_VERSION
    case .tls13: TLS1_3_VERSION
    }
  }
}
