import COpenSSL

/// What a server gave to resume with. Belongs to one worker; a TLS 1.3 session is used once (RFC 8446 appendix C.4).
package final class TLSSession {
  let handle: OpaquePointer

  init(owning handle: OpaquePointer) { self.handle = handle }

  deinit { SSL_SESSION_free(handle) }

  /// Whether it may resume only one connection.
  package var isSingleUse: Bool { SSL_SESSION_get_protocol_version(handle) >= TLS1_3_VERSION }
}
