import FetchModel
import OriginServer
import TLS
import Testing

/// Bytes on their way: through narrow sockets, beside failing neighbours, between messages of TLS itself.
@Suite struct `A transfer` {
  static let versions: [TLSVersion] = [.tls12, .tls13]

  private func begun(_ version: TLSVersion, bufferBytes: Int32? = nil) throws -> Conversation {
    let server = try Certificates.server { $0 = ServerPolicy(highest: version) }
    let conversation = try Conversation(Certificates.client(), server, over: SocketPair(bufferBytes: bufferBytes))
    try conversation.begin()
    return conversation
  }

  /// No pattern that repeats at the size of a record or a buffer.
  private static func body(_ count: Int) -> [UInt8] {
    var word: UInt64 = 0x9E37_79B9_7F4A_7C15
    return (0..<count).map { _ in
      word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: word >> 40)
    }
  }

  // MARK: Narrow sockets

  @Test(arguments: versions)
  func `to the server is whole through a socket that takes little`(_ version: TLSVersion) throws {
    let conversation = try begun(version, bufferBytes: 4096)
    let body = Self.body(1 << 20)
    var sent = 0
    var waits = 0
    var received: [UInt8] = []
    var last: [UInt8] = []
    while sent < body.count {
      // From another address each time, as buffers move; the one before is kept, lest its place be taken again.
      let piece = Array(body[sent..<min(body.count, sent + 50_000)])
      defer { last = piece }
      switch piece.withUnsafeBytes({ conversation.client.write($0) }) {
      case .bytes(let count): sent += count
      case .wantsWrite:
        waits += 1
        received += conversation.receivedByServer().bytes
      case .wantsRead, .failed:
        Issue.record("a write stopped after \(sent) bytes")
        return
      }
    }
    received += conversation.receivedByServer().bytes
    #expect(received == body)
    #expect(waits > 10 && !last.isEmpty)
  }

  @Test(arguments: versions)
  func `from the server is whole through a socket that takes little`(_ version: TLSVersion) throws {
    let conversation = try begun(version, bufferBytes: 4096)
    let body = Self.body(1 << 20)
    var sent = 0
    var received: [UInt8] = []
    // Odd sizes: neither a record nor a buffer ends where a read does.
    while sent < body.count {
      if case .bytes(let count) = conversation.server.write(body[sent...]) { sent += count }
      while case .more(let bytes) = conversation.client.readOnce(upTo: 1_237) { received += bytes }
    }
    received += conversation.received().bytes
    #expect(received == body)
  }

  @Test func `waits to write if not even the first message gets out`() throws {
    let sockets = try SocketPair(bufferBytes: 4096)
    // Other bytes fill the way, and the server takes them out again.
    let filling = sockets.fillTowardsServer()
    let conversation = try Conversation(Certificates.client(), Certificates.server(), over: sockets)
    #expect(conversation.client.handshake() == .wantsWrite)
    #expect(conversation.client.handshake() == .wantsWrite)
    try sockets.drainServer(filling)
    try conversation.begin()
  }

  @Test func `is read to its end before the socket is waited for`() throws {
    let conversation = try begun(.tls13)
    _ = conversation.received()
    let body = Self.body(40_000)
    var sent = 0
    while sent < body.count, case .bytes(let count) = conversation.server.write(body[sent...]) { sent += count }
    var received: [UInt8] = []
    repeat {
      guard case .more(let bytes) = conversation.client.readOnce(upTo: 100) else { break }
      received += bytes
      // With nothing more on the socket, the rest of a record still counts.
      if received.count < 16_000 { #expect(conversation.client.hasBufferedInput) }
    } while received.count < body.count
    #expect(received == body)
    #expect(!conversation.client.hasBufferedInput)
  }

  @Test(arguments: versions)
  func `of nothing is nothing`(_ version: TLSVersion) throws {
    let conversation = try begun(version)
    #expect(conversation.received().bytes.isEmpty)
    #expect(conversation.received().last == .wantsRead)
    // Not even from an empty record (RFC 8446 section 5.1).
    #expect(conversation.server.write([]) == .bytes(0))
    #expect(conversation.received() == (bytes: [], last: .wantsRead))
  }

  // MARK: Neighbours

  @Test func `is not disturbed by a neighbour that fails on the same thread`() throws {
    let forged = try Certificates.server(showing: try #require(CertificateCase.named("bad-signature")))
    let steady = try begun(.tls13)
    _ = steady.received()
    for round in 0..<60 {
      let server = round.isMultiple(of: 2) ? forged : try Certificates.server()
      let name = round.isMultiple(of: 2) ? "bad-signature.cases.test" : "origin.test"
      let neighbour = try Conversation(Certificates.client(), server, .name(name))
      // Each step of the neighbour is followed by steps of the steady one.
      var end = TLSConnection.Handshake.wantsRead
      while end == .wantsRead {
        end = neighbour.client.handshake()
        try exchange(over: steady, "round \(round)")
        _ = neighbour.server.handshake()
        try exchange(over: steady, "round \(round)")
      }
      #expect(end.gist == (round.isMultiple(of: 2) ? "certificate 7 at depth 0" : "complete"))
      neighbour.sockets.closeServer()
      let last = neighbour.received().last
      if end == .complete { #expect(last == .failed(.unexpectedEnd)) }
      try exchange(over: steady, "round \(round)")
    }
  }

  private func exchange(over conversation: Conversation, _ text: String) throws {
    #expect(conversation.received() == (bytes: [], last: .wantsRead))
    #expect(conversation.client.write(text) == .bytes(text.utf8.count))
    #expect(conversation.receivedByServer() == (bytes: Array(text.utf8), last: .waits))
    #expect(conversation.server.write(Array(text.utf8)[...]) == .bytes(text.utf8.count))
    #expect(conversation.received() == (bytes: Array(text.utf8), last: .wantsRead))
  }

  // MARK: Messages of TLS

  @Test func `goes on under new keys`() throws {
    let conversation = try begun(.tls13)
    for both in [false, true, true] {
      #expect(conversation.server.updateKeys(both: both) == .done)
      // Nothing of it is a byte of the body, with data behind it or not.
      #expect(conversation.received() == (bytes: [], last: .wantsRead))
      try exchange(over: conversation, "after new keys")
    }
  }

  @Test func `has no ticket in it, however late one comes`() throws {
    let conversation = try begun(.tls13)
    _ = conversation.received()
    _ = conversation.client.takeSessions()
    for _ in 0..<3 {
      #expect(conversation.server.sendTicket() == .done)
      #expect(conversation.received() == (bytes: [], last: .wantsRead))
      #expect(conversation.client.takeSessions().count == 1)
      try exchange(over: conversation, "after a ticket")
    }
  }

  @Test func `has tickets and data in one piece taken apart`() throws {
    let conversation = try begun(.tls13)
    for part in ["a", "b"] {
      #expect(conversation.server.write(Array(part.utf8)[...]) == .bytes(1))
      #expect(conversation.server.sendTicket() == .done)
    }
    #expect(conversation.received() == (bytes: Array("ab".utf8), last: .wantsRead))
  }

  @Test func `cannot be stopped by asking for a certificate, for that was not offered`() throws {
    let conversation = try begun(.tls13)
    #expect(conversation.server.askForCertificate() == .failed(.other("extension not received")))
    try exchange(over: conversation, "goes on")
  }
}
