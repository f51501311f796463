// The TLS side of a listener: one immutable SSL_CTX.

import COpenSSL
import COriginShims
import Glibc

/// The highest protocol version offered; the lowest is always 1.2.
package enum TLSVersion: String, CaseIterable, Sendable {
  case tls12 = "1.2"
  case tls13 = "1.3"
}

/// An SSL_CTX that makes server connections.
final class ServerContext: Sendable {
  // Set up in `init` and never changed after. SSL_CTX is reference counted with atomics and SSL_new may be called on
  // many threads at once as long as nobody changes the context (openssl-threads(7)); the ticket keys have their own
  // lock inside.
  private nonisolated(unsafe) let pointer: OpaquePointer

  /// `choosesOtherProtocol`: h2, whether it was offered or not.
  init(_ credential: Credential, highest: TLSVersion, choosesOtherProtocol: Bool = false) throws(OriginError) {
    guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw openSSLError("SSL_CTX_new") }
    do throws(OriginError) {
      try Self.configure(pointer, credential, highest)
      if choosesOtherProtocol { Self.chooseOtherProtocol(pointer) }
    } catch {
      SSL_CTX_free(pointer)
      throw error
    }
    self.pointer = pointer
  }

  deinit {
    SSL_CTX_free(pointer)
  }

  /// A server connection on `descriptor`, to be freed by the caller with SSL_free.
  func makeConnection(_ descriptor: Int32) -> OpaquePointer? {
    guard let connection = SSL_new(pointer) else { return nil }
    guard SSL_set_fd(connection, descriptor) == 1 else {
      SSL_free(connection)
      return nil
    }
    SSL_set_accept_state(connection)
    return connection
  }

  private static func configure(
    _ context: OpaquePointer,
    _ credential: Credential,
    _ highest: TLSVersion
  ) throws(OriginError) {
    let version = highest == .tls13 ? TLS1_3_VERSION : TLS1_2_VERSION
    guard origin_ctx_set_versions(context, TLS1_2_VERSION, version) == 1 else {
      throw openSSLError("SSL_CTX_set_max_proto_version")
    }
    guard SSL_CTX_use_certificate(context, credential.certificate) == 1 else {
      throw openSSLError("SSL_CTX_use_certificate")
    }
    guard SSL_CTX_use_PrivateKey(context, credential.key) == 1 else { throw openSSLError("SSL_CTX_use_PrivateKey") }
    // Buffers are given back between records: with 8192 idle connections they would be the larger part of the memory.
    origin_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE))
    // Resumption is by tickets only: a cache in the server would grow with every client.
    origin_ctx_disable_session_cache(context)
    origin_ctx_enable_read_ahead(context)
    SSL_CTX_set_alpn_select_cb(
      context,
      { _, chosen, chosenLength, offered, offeredLength, _ in
        guard let offered, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
        guard let range = ServerContext.findHTTP11(list) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        chosen.pointee = offered + range.lowerBound
        chosenLength.pointee = UInt8(range.count)
        return SSL_TLSEXT_ERR_OK
      },
      nil
    )
  }

  private static func chooseOtherProtocol(_ context: OpaquePointer) {
    SSL_CTX_set_alpn_select_cb(
      context,
      { _, chosen, chosenLength, _, _, _ in
        let name: StaticString = "h2"
        chosen?.pointee = name.utf8Start
        chosenLength?.pointee = UInt8(name.utf8CodeUnitCount)
        return SSL_TLSEXT_ERR_OK
      },
      nil
    )
  }

  /// Where `http/1.1` lies in a list of names, each preceded by its length.
  private static func findHTTP11(_ list: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    var index = 0
    while index < list.count {
      let name = (index + 1)..<(index + 1 + Int(list[index]))
      guard name.upperBound <= list.count else { return nil }
      if list[name].elementsEqual("http/1.1".utf8) { return name }
      index = name.upperBound
    }
    return nil
  }
}
