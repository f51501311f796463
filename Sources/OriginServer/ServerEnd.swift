// A server's end of one TLS connection that a test drives step by step, in the thread of the client: nothing here
// waits, and what a peer did is told apart exactly.

import COpenSSL
import COriginShims
import Glibc

/// The server's end of a connection over a non-blocking socket, which the caller owns. Confined to one thread.
package final class ServerEnd {
  package enum Failure: Equatable, Sendable {
    /// The client sent this fatal alert (RFC 8446 section 6.2).
    case alert(Int)
    /// The stream ended without close_notify.
    case ended
    case system(errno: Int32)
    case other(String)
  }

  package enum Step: Equatable, Sendable { case done, waits, failed(Failure) }

  package enum Received: Equatable, Sendable {
    case bytes([UInt8])
    case waits
    /// close_notify came.
    case closed
    case failed(Failure)
  }

  package enum Sent: Equatable, Sendable { case bytes(Int), waits, failed(Failure) }

  private let handle: OpaquePointer
  private let context: ServerContext
  private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
  /// What the client said first, once it has.
  package private(set) var hello: ClientHello?

  package init?(_ context: ServerContext, descriptor: Int32) {
    guard let handle = context.makeConnection(descriptor) else { return nil }
    self.handle = handle
    self.context = context
    origin_set_mode(handle, Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
    guard SSL_set_ex_data(handle, Self.index, Unmanaged.passUnretained(self).toOpaque()) == 1 else { return nil }
  }

  deinit { SSL_free(handle) }

  package func handshake() -> Step {
    ERR_clear_error()
    return step(SSL_do_handshake(handle))
  }

  package func read() -> Received {
    ERR_clear_error()
    var count = 0
    let status = SSL_read_ex(handle, &buffer, buffer.count, &count)
    if status == 1 { return .bytes(Array(buffer[..<count])) }
    if SSL_get_error(handle, status) == SSL_ERROR_ZERO_RETURN { return .closed }
    switch step(status) {
    case .failed(let failure): return .failed(failure)
    case .done, .waits: return .waits
    }
  }

  package func write(_ bytes: ArraySlice<UInt8>) -> Sent {
    ERR_clear_error()
    var count = 0
    let status = bytes.withUnsafeBytes { SSL_write_ex(handle, $0.baseAddress, $0.count, &count) }
    if status == 1 { return .bytes(count) }
    switch step(status) {
    case .failed(let failure): return .failed(failure)
    case .done, .waits: return .waits
    }
  }

  package func sendCloseNotify() {
    ERR_clear_error()
    _ = SSL_shutdown(handle)
  }

  /// New keys from the next record on (RFC 8446 section 4.6.3), the client's too if `both`.
  package func updateKeys(both: Bool) -> Step {
    ERR_clear_error()
    guard SSL_key_update(handle, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED) == 1 else {
      return step(0)
    }
    return step(SSL_do_handshake(handle))
  }

  /// One more ticket of TLS 1.3.
  package func sendTicket() -> Step {
    ERR_clear_error()
    guard SSL_new_session_ticket(handle) == 1 else { return step(0) }
    return step(SSL_do_handshake(handle))
  }

  /// HelloRequest of TLS 1.2 (RFC 5246 section 7.4.1.1).
  package func askForRenegotiation() -> Step {
    ERR_clear_error()
    guard SSL_renegotiate(handle) == 1 else { return step(0) }
    return step(SSL_do_handshake(handle))
  }

  /// A CertificateRequest after the handshake of TLS 1.3 (RFC 8446 section 4.6.2).
  package func askForCertificate() -> Step {
    ERR_clear_error()
    SSL_set_verify(handle, SSL_VERIFY_PEER, nil)
    return step(SSL_verify_client_post_handshake(handle))
  }

  package var wasResumed: Bool { SSL_session_reused(handle) == 1 }

  /// Whether anything was compressed.
  package var compresses: Bool { SSL_get_current_compression(handle) != nil }

  private func step(_ status: Int32) -> Step {
    let systemError = errno
    if status == 1 { return .done }
    switch SSL_get_error(handle, status) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .waits
    default: return .failed(Self.failure(systemError))
    }
  }

  private static func failure(_ systemError: Int32) -> Failure {
    let first = ERR_get_error()
    ERR_clear_error()
    guard first != 0 else { return systemError == 0 ? .ended : .system(errno: systemError) }
    let reason = origin_error_reason(first)
    if reason == SSL_R_UNEXPECTED_EOF_WHILE_READING { return .ended }
    // Reasons of received alerts are 1000 plus the alert's number (ssl.h).
    if reason >= SSL_AD_REASON_OFFSET { return .alert(Int(reason - SSL_AD_REASON_OFFSET)) }
    return .other(ERR_reason_error_string(first).map { String(cString: $0) } ?? "error \(first)")
  }

  /// Where an SSL keeps its end; made once for the process. Connections of listeners have none.
  private static let index = origin_new_index()

  static func of(_ connection: OpaquePointer) -> ServerEnd? {
    guard let pointer = SSL_get_ex_data(connection, index) else { return nil }
    return Unmanaged<ServerEnd>.fromOpaque(pointer).takeUnretainedValue()
  }

  func received(_ hello: ClientHello) { self.hello = hello }
}
