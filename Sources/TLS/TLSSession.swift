import COpenSSL

/// What a server gave to resume with. Belongs to one worker; a TLS 1.3 session is used once (RFC 8446 appendix C.4).
package final class TLSSession {
  let handle: OpaquePointer
  private let context: TLSContext
  private let identity: TLSConnection.Identity

  init(owning handle: OpaquePointer, context: TLSContext, identity: TLSConnection.Identity) {
    self.handle = handle
    self.context = context
    self.identity = identity
  }

  /// Whoever resumes is not verified again (RFC 8446 section 2.2): a session stands for the identity and the trust it
  /// was made with, and for no other.
  package func isGood(for identity: TLSConnection.Identity, in context: TLSContext) -> Bool {
    context === self.context && identity == self.identity
  }

  deinit { SSL_SESSION_free(handle) }

  /// Whether it may resume only one connection.
  package var isSingleUse: Bool { SSL_SESSION_get_protocol_version(handle) >= TLS1_3_VERSION }
}
