// The TLS side of a listener: one immutable SSL_CTX.

import COpenSSL
import COriginShims
import Glibc

/// An SSL_CTX that makes server connections.
package final class ServerContext: Sendable {
  // Set up in `init` and never changed after. SSL_CTX is reference counted with atomics and SSL_new may be called on
  // many threads at once as long as nobody changes the context (openssl-threads(7)); the ticket keys have their own
  // lock inside.
  nonisolated(unsafe) let pointer: OpaquePointer
  /// The newest version that is spoken.
  let highest: TLSVersion
  private let cases: CaseContexts?

  package convenience init(_ credential: Credential, _ policy: ServerPolicy) throws(OriginError) {
    try self.init(credential, policy, cases: nil)
  }

  /// `choosesOtherProtocol`: h2, whether it was offered or not.
  convenience init(
    _ credential: Credential,
    highest: TLSVersion,
    choosesOtherProtocol: Bool = false
  ) throws(OriginError) {
    var policy = ServerPolicy(highest: highest)
    if choosesOtherProtocol { policy.applicationProtocol = .other }
    try self.init(credential, policy, cases: nil)
  }

  /// Shows the certificate of the case that the client's server name asks for, in place of `credential`.
  convenience init(_ credential: Credential, cases: CaseContexts) throws(OriginError) {
    try self.init(credential, cases.policy, cases: cases)
  }

  private init(_ credential: Credential, _ policy: ServerPolicy, cases: CaseContexts?) throws(OriginError) {
    guard let pointer = SSL_CTX_new(TLS_server_method()) else { throw openSSLError("SSL_CTX_new") }
    do throws(OriginError) {
      try Self.configure(pointer, policy)
      try Self.use(credential, pointer)
      try Self.choose(policy.group, pointer)
    } catch {
      SSL_CTX_free(pointer)
      throw error
    }
    self.pointer = pointer
    highest = policy.highest
    self.cases = cases
    // Lives as long as the context, which every connection's thread holds.
    let argument = cases.map { Unmanaged.passUnretained($0).toOpaque() }
    SSL_CTX_set_client_hello_cb(pointer, { ServerContext.receivedHello($0, $1, $2) }, argument)
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

  /// Called before anything is chosen, the version included (SSL_CTX_set_client_hello_cb(3)).
  private static func receivedHello(
    _ connection: OpaquePointer?,
    _ alert: UnsafeMutablePointer<Int32>?,
    _ argument: UnsafeMutableRawPointer?
  ) -> Int32 {
    guard let connection else { return SSL_CLIENT_HELLO_ERROR }
    ServerEnd.of(connection)?.received(ClientHello(of: connection))
    guard let argument else { return SSL_CLIENT_HELLO_SUCCESS }
    let cases = Unmanaged<CaseContexts>.fromOpaque(argument).takeUnretainedValue()
    guard let refusal = cases.select(ClientHello(of: connection), connection) else { return SSL_CLIENT_HELLO_SUCCESS }
    alert?.pointee = refusal
    return SSL_CLIENT_HELLO_ERROR
  }

  // MARK: Setting up

  private static func configure(_ context: OpaquePointer, _ policy: ServerPolicy) throws(OriginError) {
    guard origin_ctx_set_versions(context, policy.lowest.number, policy.highest.number) == 1 else {
      throw openSSLError("SSL_CTX_set_max_proto_version")
    }
    if policy.isWeak {
      SSL_CTX_set_security_level(context, 0)
      // Even level 0 refuses a few things, such as groups of 512 bits.
      SSL_CTX_set_security_callback(context) { _, _, _, _, _, _, _ in 1 }
    }
    if let ciphers = policy.ciphers {
      guard SSL_CTX_set_cipher_list(context, ciphers) == 1 else { throw openSSLError("SSL_CTX_set_cipher_list") }
    }
    if policy.demandsCertificate {
      SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil)
    }
    if let tickets = policy.tickets {
      guard SSL_CTX_set_num_tickets(context, tickets) == 1 else { throw openSSLError("SSL_CTX_set_num_tickets") }
    }
    // Buffers are given back between records: with 8192 idle connections they would be the larger part of the memory.
    origin_ctx_set_mode(context, Int(SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE))
    // Resumption is by tickets only: a cache in the server would grow with every client.
    origin_ctx_disable_session_cache(context)
    // Without a context of ids, a server that asks for certificates refuses every session.
    guard SSL_CTX_set_session_id_context(context, [1], 1) == 1 else {
      throw openSSLError("SSL_CTX_set_session_id_context")
    }
    origin_ctx_enable_read_ahead(context)
    switch policy.applicationProtocol {
    case .http11:
      SSL_CTX_set_alpn_select_cb(
        context,
        { _, chosen, length, offered, offeredLength, _ in
          ServerContext.chooseHTTP11(chosen, length, offered, offeredLength)
        },
        nil
      )
    case .other:
      SSL_CTX_set_alpn_select_cb(
        context,
        { _, chosen, length, _, _, _ in ServerContext.chooseOther(chosen, length) },
        nil
      )
    case .ignored: break
    }
  }

  private static func use(_ credential: Credential, _ context: OpaquePointer) throws(OriginError) {
    guard SSL_CTX_use_certificate(context, credential.certificate) == 1 else {
      throw openSSLError("SSL_CTX_use_certificate")
    }
    guard SSL_CTX_use_PrivateKey(context, credential.key.handle) == 1 else {
      throw openSSLError("SSL_CTX_use_PrivateKey")
    }
    for other in credential.sent {
      guard origin_ctx_add_chain_certificate(context, other.certificate) == 1 else {
        throw openSSLError("SSL_CTX_add1_chain_cert")
      }
    }
  }

  private static func choose(_ group: ServerPolicy.Group?, _ context: OpaquePointer) throws(OriginError) {
    let prime: OpaquePointer
    switch group {
    case nil: return
    case .automatic:
      origin_ctx_choose_group(context)
      return
    case .prime(bits: 1024):
      prime = try number("BN_get_rfc2409_prime_1024") { BN_get_rfc2409_prime_1024($0) == nil ? 0 : 1 }
    case .prime(let bits):
      prime = try number("BN_generate_prime_ex") { BN_generate_prime_ex($0, Int32(bits), 0, nil, nil, nil) }
    case .composite(let bits):
      prime = try number("BN_rand") { BN_rand($0, Int32(bits), BN_RAND_TOP_TWO, BN_RAND_BOTTOM_ODD) }
    }
    guard let made = origin_diffie_hellman_group(prime) else { throw openSSLError("DH_set0_pqg") }
    guard SSL_CTX_set0_tmp_dh_pkey(context, made) == 1 else {
      EVP_PKEY_free(made)
      throw openSSLError("SSL_CTX_set0_tmp_dh_pkey")
    }
  }

  /// A number that `fill` sets, to be freed by the caller.
  private static func number(_ call: String, _ fill: (OpaquePointer) -> Int32) throws(OriginError) -> OpaquePointer {
    guard let number = BN_new() else { throw openSSLError("BN_new") }
    guard fill(number) == 1 else {
      BN_free(number)
      throw openSSLError(call)
    }
    return number
  }

  // MARK: ALPN

  private static func chooseHTTP11(
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?,
    _ offered: UnsafePointer<UInt8>?,
    _ offeredLength: UInt32
  ) -> Int32 {
    guard let offered, let chosen, let chosenLength else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    let list = UnsafeBufferPointer(start: offered, count: Int(offeredLength))
    guard let range = findHTTP11(list) else { return SSL_TLSEXT_ERR_ALERT_FATAL }
    chosen.pointee = offered + range.lowerBound
    chosenLength.pointee = UInt8(range.count)
    return SSL_TLSEXT_ERR_OK
  }

  private static func chooseOther(
    _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?
  ) -> Int32 {
    let name: StaticString = "h2"
    chosen?.pointee = name.utf8Start
    chosenLength?.pointee = UInt8(name.utf8CodeUnitCount)
    return SSL_TLSEXT_ERR_OK
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

extension TLSVersion {
  var number: Int32 {
    switch self {
    case .tls10: TLS1_VERSION
    case .tls11: TLS1_1_VERSION
    case .tls12: TLS1_2_VERSION
    case .tls13: TLS1_3_VERSION
    }
  }
}
