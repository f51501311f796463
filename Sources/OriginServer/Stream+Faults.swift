// What a well-behaved server never does with TLS.

import COpenSSL
import COriginShims
import Glibc

extension Stream {
  /// A record that no key of any connection made.
  private static let forgedRecord: [UInt8] = [0x17, 0x03, 0x03, 0x00, 0x40] + [UInt8](repeating: 0x5A, count: 64)

  // MARK: The handshake

  /// The name that the client's first message indicates, which stays in the socket.
  func indicatedName() -> String? {
    let deadline = Deadline(milliseconds: Patience.handshake)
    var bytes = [UInt8](repeating: 0, count: 16_384)
    // Half a hello, which stays as well, must not make the next poll return at once (SO_RCVLOWAT in socket(7)).
    var wanted = 1
    defer { if wanted > 1 { setOption(descriptor, SOL_SOCKET, SO_RCVLOWAT, Int32(1)) } }
    while poll(Int16(POLLIN), until: deadline) != 0 {
      let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_PEEK))
      // Fewer: the peer has ended.
      guard count >= wanted else { return nil }
      switch IndicatedName.find(in: bytes[..<count]) {
      case .found(let name): return name
      case .none: return nil
      case .needsMore:
        wanted = count + 1
        setOption(descriptor, SOL_SOCKET, SO_RCVLOWAT, Int32(wanted))
      }
    }
    return nil
  }

  /// A handshake as it was planned. When it has failed or was cut, TLS is spoken no more.
  func handshake(_ context: ServerContext, _ plan: HandshakePlan) -> HandshakeOutcome {
    guard let tls = context.makeConnection(descriptor) else { return .failed }
    self.tls = tls
    if let tickets = plan.tickets { SSL_set_num_tickets(tls, tickets) }
    if plan.demandsCertificate { SSL_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nil) }
    if plan.isOld, origin_set_versions(tls, TLS1_VERSION, TLS1_1_VERSION) != 1 { return .failed }
    let isComplete = accept(tls, plan)
    guard isComplete, plan.cut == nil else {
      SSL_free(tls)
      self.tls = nil
      return .failed
    }
    return SSL_session_reused(tls) == 1 ? .resumed : .full
  }

  /// Lets OpenSSL write into memory, from where the bytes leave as the plan says.
  private func accept(_ tls: OpaquePointer, _ plan: HandshakePlan) -> Bool {
    guard let memory = BIO_new(BIO_s_mem()) else { return false }
    SSL_set0_wbio(tls, memory)
    var left = plan.cut ?? .max
    let deadline = Deadline(milliseconds: Patience.handshake)
    while true {
      ERR_clear_error()
      let status = SSL_accept(tls)
      let error = SSL_get_error(tls, status)
      let output = Self.drain(memory)
      guard send(output.prefix(left), plan.pace) else { return false }
      left -= min(left, output.count)
      if left == 0 { return false }
      if status == 1 { break }
      guard waitForTLS(error, until: deadline) else { return false }
    }
    guard let socket = BIO_new_socket(descriptor, BIO_NOCLOSE) else { return false }
    SSL_set0_wbio(tls, socket)
    return true
  }

  private static func drain(_ memory: OpaquePointer) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: BIO_ctrl_pending(memory))
    let count = BIO_read(memory, &bytes, Int32(bytes.count))
    return Array(bytes.prefix(Int(max(0, count))))
  }

  private func send(_ bytes: ArraySlice<UInt8>, _ pace: HandshakePlan.Pace?) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let piece = rest.prefix(pace?.size ?? rest.count)
      guard writeBelow(Array(piece)) else { return false }
      rest = rest.dropFirst(piece.count)
      if let pace, !wait(milliseconds: pace.milliseconds) { return false }
    }
    return true
  }

  // MARK: Later

  /// False if the peer has gone.
  func perform(_ act: TLSAct) -> Bool {
    if case .below(let bytes) = act { return writeBelow(bytes) }
    guard let tls else { return true }
    ERR_clear_error()
    switch act {
    case .below: return true
    case .closeNotify: return SSL_shutdown(tls) >= 0
    case .updateKeys: return SSL_key_update(tls, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(tls) == 1
    case .askForHandshake: return SSL_renegotiate(tls) == 1 && SSL_do_handshake(tls) == 1
    case .alert: return sendAlert(tls)
    }
  }

  /// OpenSSL sends alerts only of its own accord, so it is given a reason: a record that the client never sent. What
  /// the client did send and OpenSSL has read already is taken first; a record that it holds a part of is completed.
  private func sendAlert(_ tls: OpaquePointer) -> Bool {
    // It lives as long as the connection, so it has to own its bytes.
    guard let forged = BIO_new(BIO_s_mem()) else { return false }
    SSL_set0_rbio(tls, forged)
    let record = Self.forgedRecord
    var scrap = [UInt8](repeating: 0, count: 16_384)
    while BIO_write(forged, record, Int32(record.count)) == record.count {
      ERR_clear_error()
      let status = SSL_read(tls, &scrap, Int32(scrap.count))
      if status <= 0, SSL_get_error(tls, status) != SSL_ERROR_WANT_READ { return true }
    }
    return false
  }

  /// Writes into the socket without TLS; false if the peer has gone or takes nothing for too long.
  private func writeBelow(_ bytes: [UInt8]) -> Bool {
    let tls = self.tls
    self.tls = nil
    defer { self.tls = tls }
    return bytes.withUnsafeBytes(write)
  }
}
