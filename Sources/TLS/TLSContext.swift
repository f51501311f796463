import COpenSSL
package import FetchModel
import Glibc

// Theory of operation
//
// This module is the only door to OpenSSL. One `TLSContext` exists per TLS configuration of a job and is shared by
// all worker threads: loading trust anchors costs about 15 ms, so it happens once. A `TLSConnection` belongs to one
// worker. Session tickets arrive on the connection that received them and are taken from there by the worker, which
// keeps them: the context itself caches nothing, so threads do not meet in it.
//
// Every call that can fail clears this thread's error queue first, and reads the result directly after
// (SSL_get_error(3)). Would-block and the end of the stream are outcomes; failures are values.

/// A TLS configuration cannot be used: a file's content is wrong, or OpenSSL refused a setting.
package struct TLSConfigurationError: Error, Sendable, CustomStringConvertible {
  package let description: String
}

/// Trust anchors, versions and client certificate of one TLS configuration.
package final class TLSContext: Sendable {
  // SSL_CTX is reference-counted and may be shared by threads once it is configured (openssl-threads(7));
  // nothing is changed after init.
  nonisolated(unsafe) let handle: OpaquePointer

  let verifies: Bool

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
  }

  deinit { SSL_CTX_free(handle) }

  private static func failure(_ what: String) -> TLSConfigurationError {
    TLSConfigurationError(description: "\(what): \(ErrorQueue.takeText())")
  }

  private static func harden(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    let version =
      switch policy.minimumVersion {
      case .tls12: TLS1_2_VERSION
      case .tls13: TLS1_3_VERSION
      }
    guard trawl_SSL_CTX_set_min_proto_version(handle, version) == 1 else { throw failure("minimum TLS version") }
    SSL_CTX_set_security_level(handle, 2)
    SSL_CTX_set_options(handle, UInt64(trawl_SSL_OP_hardening()))
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
  }

  private static func loadTrust(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    guard policy.verifies else { return }
    guard let pem = policy.authoritiesPEM else {
      guard SSL_CTX_set_default_verify_paths(handle) == 1 else { throw failure("the system's trust anchors") }
      return
    }
    guard let store = SSL_CTX_get_cert_store(handle) else { throw failure("SSL_CTX_get_cert_store") }
    let certificates = try certificates(inPEM: pem, named: "CA file")
    defer { certificates.forEach { X509_free($0) } }
    for certificate in certificates {
      guard X509_STORE_add_cert(store, certificate) == 1 else { throw failure("CA file") }
    }
  }

  private static func loadIdentity(_ handle: OpaquePointer, _ policy: TLSPolicy) throws(TLSConfigurationError) {
    guard let chainPEM = policy.certificatePEM, let keyPEM = policy.privateKeyPEM else { return }
    let chain = try certificates(inPEM: chainPEM, named: "client certificate")
    defer { chain.forEach { X509_free($0) } }
    guard SSL_CTX_use_certificate(handle, chain.first) == 1 else { throw failure("client certificate") }
    for intermediate in chain.dropFirst() {
      guard trawl_SSL_CTX_add1_chain_cert(handle, intermediate) == 1 else { throw failure("client certificate") }
    }
    let key = keyPEM.withUnsafeBytes { bytes -> OpaquePointer? in
      guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return nil }
      defer { BIO_free(memory) }
      // A pass phrase is never asked for: nobody is at the terminal of an agent.
      return PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in 0 }, nil)
    }
    guard let key else { throw failure("client key") }
    defer { EVP_PKEY_free(key) }
    guard SSL_CTX_use_PrivateKey(handle, key) == 1, SSL_CTX_check_private_key(handle) == 1 else {
      throw failure("client key")
    }
  }

  /// All certificates of a PEM text, at least one; the caller frees them.
  private static func certificates(inPEM pem: [UInt8], named name: String) throws(TLSConfigurationError)
    -> [OpaquePointer]
  {
    let found = pem.withUnsafeBytes { bytes -> [OpaquePointer] in
      guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(bytes.count)) else { return [] }
      defer { BIO_free(memory) }
      var found: [OpaquePointer] = []
      while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) { found.append(certificate) }
      return found
    }
    // The end of the text stands in the queue as "no start line".
    ERR_clear_error()
    guard !found.isEmpty else { throw TLSConfigurationError(description: "\(name): holds no PEM certificate") }
    return found
  }
}
