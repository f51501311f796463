import COpenSSL
import Glibc

/// The client's end of one TLS connection over a non-blocking socket, which the caller owns and which has to
/// outlive it. Confined to one thread.
package final class TLSConnection {
  package enum Handshake: Equatable { case complete, wantsRead, wantsWrite, failed(TLSFailure) }

  package enum Read: Equatable {
    case bytes(Int)
    case wantsRead
    case wantsWrite
    /// close_notify came: nothing was cut.
    case closed
    case failed(TLSFailure)
  }

  package enum Write: Equatable { case bytes(Int), wantsRead, wantsWrite, failed(TLSFailure) }

  /// The name or address that the certificate has to carry.
  package enum Identity: Equatable, Sendable {
    /// A-label, lower case, no dot at the end. Goes into SNI, unless `indication` says otherwise.
    case name([UInt8], indication: [UInt8]?)
    /// Numeric IPv4 or IPv6 address; no SNI (RFC 6066 section 3) unless one is given.
    case address(String, indication: [UInt8]?)
  }

  private let handle: OpaquePointer
  private let context: TLSContext
  private let identity: Identity
  /// nil if the chain is to be verified anew.
  private let chains: VerifiedChains?
  private var failedDepth = -1
  private var isBroken = false
  private var sessions: [TLSSession] = []
  private let socket: SocketBIO

  /// nil if OpenSSL refuses: out of memory, or an identity that must not be verified. `chains` are those of connections
  /// with the same trust; nil verifies each chain anew.
  package init?(
    _ context: TLSContext,
    socket: Int32,
    identity: Identity,
    resuming session: TLSSession?,
    chains: VerifiedChains? = nil
  ) {
    ErrorQueue.clear()
    defer { ErrorQueue.clear() }
    guard let handle = SSL_new(context.handle) else { return nil }
    guard let socket = SocketBIO(socket) else {
      SSL_free(handle)
      return nil
    }
    self.handle = handle
    self.context = context
    self.identity = identity
    // A server that refuses to resume is verified anew in full.
    self.chains = session == nil ? chains : nil
    // Takes the one reference for both directions (SSL_set_bio(3)).
    SSL_set_bio(handle, socket.handle, socket.handle)
    self.socket = socket
    guard SSL_set_ex_data(handle, Self.index, Unmanaged.passUnretained(self).toOpaque()) == 1,
      Self.expect(identity, on: handle)
    else { return nil }
    if let session, session.isGood(for: identity, in: context) { SSL_set_session(handle, session.handle) }
    SSL_set_connect_state(handle)
  }

  deinit { SSL_free(handle) }

  /// Sets SNI and what verification compares, before the handshake; fails closed.
  private static func expect(_ identity: Identity, on handle: OpaquePointer) -> Bool {
    // Partial wildcards and the subject's common name are no identities (RFC 9110 section 4.3.4).
    SSL_set_hostflags(handle, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT))
    switch identity {
    case .name(let name, let indication):
      // An empty name would switch the check off, one with a dot first would match any subdomain
      // (X509_VERIFY_PARAM_set1_host(3)).
      guard let first = name.first, first != UInt8(ascii: "."), isText(name), isText(indication ?? name) else {
        return false
      }
      return withCString(indication ?? name) { trawl_SSL_set_tlsext_host_name(handle, $0) == 1 }
        && withCString(name) { SSL_set1_host(handle, $0) == 1 }
    case .address(let address, let indication):
      guard !address.isEmpty, isText(Array(address.utf8)) else { return false }
      if let indication {
        guard isText(indication), withCString(indication, { trawl_SSL_set_tlsext_host_name(handle, $0) == 1 }) else {
          return false
        }
      }
      return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(handle), address) == 1
    }
  }

  /// Printable ASCII: anything else would be cut or repaired on its way into C.
  private static func isText(_ name: [UInt8]) -> Bool { name.allSatisfy { $0 > 0x20 && $0 < 0x7F } }

  private static func withCString<Result>(_ bytes: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
    String(decoding: bytes, as: UTF8.self).withCString(body)
  }

  /// Before every call that may read or write.
  private func beginCall() {
    ErrorQueue.assertEmpty()
    socket.beginCall()
  }

  /// Goes on with the handshake. Once it is complete, the peer is who `identity` says (if the context verifies).
  package func handshake() -> Handshake {
    ErrorQueue.clear()
    // Certificates are read by trying decoders, which may say that it was not their turn.
    defer { ErrorQueue.clear() }
    beginCall()
    let status = SSL_do_handshake(handle)
    if status == 1 {
      var name: UnsafePointer<UInt8>?
      var length: UInt32 = 0
      SSL_get0_alpn_selected(handle, &name, &length)
      let selected = Array(UnsafeBufferPointer(start: name, count: Int(length)))
      guard selected.isEmpty || selected == Array("http/1.1".utf8) else {
        return .failed(.protocolError("the server chose an application protocol that was not offered"))
      }
      return pinFailure().map { .failed($0) } ?? .complete
    }
    switch outcome(of: status) {
    case .wantsRead: return .wantsRead
    case .wantsWrite: return .wantsWrite
    case .closed: return .failed(.unexpectedEnd)
    case .failed(let failure): return .failed(certificateFailure() ?? failure)
    }
  }

  /// Reads what is there, at most a buffer full. Ask `hasBufferedInput` before waiting for the socket.
  package func read(into buffer: UnsafeMutableRawBufferPointer) -> Read {
    beginCall()
    var count = 0
    let status = SSL_read_ex(handle, buffer.baseAddress, buffer.count, &count)
    // A ticket was read, too, and what that takes may have left something behind.
    defer { if hasSessions { ErrorQueue.clear() } }
    if status == 1 { return .bytes(count) }
    switch outcome(of: status) {
    case .wantsRead: return .wantsRead
    case .wantsWrite: return .wantsWrite
    case .closed: return .closed
    case .failed(let failure): return .failed(failure)
    }
  }

  /// After a failure `read` still gives what came before it.
  package func write(_ bytes: UnsafeRawBufferPointer) -> Write {
    beginCall()
    var count = 0
    let status = SSL_write_ex(handle, bytes.baseAddress, bytes.count, &count)
    if status == 1 { return .bytes(count) }
    switch outcome(of: status) {
    case .wantsRead: return .wantsRead
    case .wantsWrite: return .wantsWrite
    case .closed: return .failed(.unexpectedEnd)
    case .failed(let failure): return .failed(failure)
    }
  }

  /// Whether bytes were read from the socket that no `read` has given yet (SSL_has_pending(3)).
  package var hasBufferedInput: Bool { SSL_has_pending(handle) == 1 }

  /// Sends close_notify without waiting for the peer's; nothing after a failure (SSL_shutdown(3)).
  package func sendCloseNotify() {
    guard !isBroken, socket.writeError == nil, SSL_in_init(handle) == 0 else { return }
    ErrorQueue.clear()
    _ = SSL_shutdown(handle)
    ErrorQueue.clear()
  }

  /// Whether the handshake was a resumption.
  package var wasResumed: Bool { SSL_session_reused(handle) == 1 }

  /// "1.2" or "1.3".
  package var version: StaticString { SSL_version(handle) == TLS1_3_VERSION ? "1.3" : "1.2" }

  /// The cipher suite's name as OpenSSL spells it.
  package var cipher: [UInt8] {
    guard let name = SSL_CIPHER_get_name(SSL_get_current_cipher(handle)) else { return [] }
    return Array(
      UnsafeBufferPointer(start: UnsafeRawPointer(name).assumingMemoryBound(to: UInt8.self), count: strlen(name))
    )
  }

  /// Bytes of TLS read from and written to the socket so far.
  package var wireBytes: (received: UInt64, sent: UInt64) {
    (BIO_number_read(SSL_get_rbio(handle)), BIO_number_written(SSL_get_wbio(handle)))
  }

  /// Whether `takeSessions` would give any.
  package var hasSessions: Bool { !sessions.isEmpty }

  /// Sessions that came since the last call, newest last.
  package func takeSessions() -> [TLSSession] {
    if sessions.isEmpty { return [] }
    defer { sessions.removeAll() }
    return sessions
  }

  private enum Outcome { case wantsRead, wantsWrite, closed, failed(TLSFailure) }

  private func outcome(of status: Int32) -> Outcome {
    let systemError = socket.readError ?? errno
    switch SSL_get_error(handle, status) {
    case SSL_ERROR_WANT_READ: return .wantsRead
    case SSL_ERROR_WANT_WRITE: return socket.writeError.map { .failed(.system(errno: $0)) } ?? .wantsWrite
    case SSL_ERROR_ZERO_RETURN: return .closed
    case SSL_ERROR_SYSCALL:
      isBroken = true
      return .failed(ErrorQueue.takeFailure(systemError: systemError, isSystemCall: true))
    default:
      isBroken = true
      return .failed(ErrorQueue.takeFailure(systemError: systemError, isSystemCall: false))
    }
  }

  /// The reason in terms of the certificate, if verification is what failed.
  private func certificateFailure() -> TLSFailure? {
    let code = SSL_get_verify_result(handle)
    guard context.verifies, failedDepth >= 0, code != X509_V_OK else { return nil }
    let reason = X509_verify_cert_error_string(code).map { String(cString: $0) } ?? "error \(code)"
    return .certificate(code: code, depth: failedDepth, reason: reason)
  }

  /// Judged after the handshake, whether the chain is verified or not; a resumed session keeps the certificate.
  private func pinFailure() -> TLSFailure? {
    if context.pinnedKeys.isEmpty { return nil }
    guard let certificate = SSL_get0_peer_certificate(handle), let digest = PublicKeyDigest(of: certificate) else {
      return .pinMismatch(found: "none")
    }
    return context.pinnedKeys.contains(digest.bytes) ? nil : .pinMismatch(found: digest.text)
  }

  // MARK: Called back by OpenSSL, on the connection's own thread, during one of the calls above

  /// Where an SSL keeps its connection; made once for the process.
  private static let index = trawl_SSL_get_ex_new_index()

  private static func connection(of ssl: OpaquePointer?) -> TLSConnection? {
    guard let ssl, let pointer = SSL_get_ex_data(ssl, index) else { return nil }
    return Unmanaged<TLSConnection>.fromOpaque(pointer).takeUnretainedValue()
  }

  /// 1 keeps the session's reference, 0 lets OpenSSL free it (SSL_CTX_sess_set_new_cb(3)).
  static func receivedSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let session, let connection = connection(of: ssl) else { return 0 }
    // Servers send a few tickets each time; more than these would never be used.
    if connection.sessions.count >= 4 { connection.sessions.removeFirst() }
    connection.sessions.append(TLSSession(owning: session, context: connection.context, identity: connection.identity))
    return 1
  }

  /// Instead of X509_verify_cert(3) alone.
  static func verify(_ store: OpaquePointer?) -> Int32 {
    guard let store else { return 0 }
    let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
    guard let connection = connection(of: ssl.map { OpaquePointer($0) }), let chains = connection.chains else {
      return VerifiedChains.verifyAnew(store)
    }
    return chains.verify(store, for: connection.identity)
  }

  static func verified(_ accepted: Int32, _ store: OpaquePointer?) -> Int32 {
    guard accepted == 0, let store else { return accepted }
    let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx())
    connection(of: ssl.map { OpaquePointer($0) })?.failedDepth = Int(X509_STORE_CTX_get_error_depth(store))
    return 0
  }
}
