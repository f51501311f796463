import FetchModel
import Testing
import WireProtocol

@Suite struct EnvelopeTests {
  @Test func `a message of an agent arrives with its session and number`() throws {
    var beat = WireBeat()
    beat.stampNs = .max
    let frame = Envelope.encode(session: 42, sequence: 7, .beat(beat))
    let (session, sequence, body) = try Envelope.decodeFromAgent(frame)
    #expect(session == 42 && sequence == 7 && body == .beat(beat))
  }

  @Test func `a message of the coordinator arrives with its session, number and epoch`() throws {
    var acknowledgement = WireAcknowledgement()
    acknowledgement.block = 7
    let frame = Envelope.encode(session: .max, sequence: .max, epoch: 9, .acknowledgement(acknowledgement))
    let (session, sequence, epoch, body) = try Envelope.decodeFromCoordinator(frame)
    #expect(session == .max && sequence == .max && epoch == 9 && body == .acknowledgement(acknowledgement))
  }

  @Test func `a hello arrives with what is held of its job and kept of others`() throws {
    var hello = WireHello()
    hello.job = bytes(Array(repeating: 1, count: 16))
    var held = WireHeld()
    held.rows = [3, .max]
    hello.held = [held]
    for job in [UInt8(2), 3] {
      var kept = WireKept()
      kept.job = bytes(Array(repeating: job, count: 16))
      kept.rows = [0, UInt64(job), 1 << 40]
      hello.kept.append(kept)
    }
    let frame = Envelope.encode(session: 0, sequence: 0, .hello(hello))
    #expect(try Envelope.decodeFromAgent(frame).body == .hello(hello))
  }

  @Test func `an empty body is a body, no body is none`() throws {
    let frame = Envelope.encode(session: 1, sequence: 1, epoch: 2, .drain(WireDrain()))
    #expect(try Envelope.decodeFromCoordinator(frame).body == .drain(WireDrain()))
    #expect(throws: EnvelopeError.noBody) { try Envelope.decodeFromAgent([]) }
    #expect(throws: EnvelopeError.noBody) { try Envelope.decodeFromCoordinator([]) }
    // Field 1, varint 5: a session alone.
    #expect(throws: EnvelopeError.noBody) { try Envelope.decodeFromAgent([0x08, 0x05]) }
  }

  @Test func `a body of a later version is no body`() {
    // Field 15, length 0: unknown today.
    #expect(throws: EnvelopeError.noBody) { try Envelope.decodeFromAgent([0x7A, 0x00]) }
  }

  @Test func `what is no protobuf is refused`() {
    for frame in [[0xFF], [0x0A, 0x05, 0x01], [0x08], Array(repeating: 0xFF, count: 40)] as [[UInt8]] {
      #expect(throws: EnvelopeError.notProtobuf) { try Envelope.decodeFromAgent(frame) }
      #expect(throws: EnvelopeError.notProtobuf) { try Envelope.decodeFromCoordinator(frame) }
    }
  }

  @Test func `no bytes crash the decoders`() {
    var random = WireRandom(seed: 11)
    var hello = WireHello()
    hello.name = "agent"
    var held = WireHeld()
    held.key = bytes(Array("http://localhost:80".utf8))
    held.rows = [1, 2, 300]
    hello.held = [held]
    var kept = WireKept()
    kept.job = bytes(Array(repeating: 5, count: 16))
    kept.rows = [4, 500]
    hello.kept = [kept]
    let valid = Envelope.encode(session: 3, sequence: 0, .hello(hello))
    for round in 0..<5000 {
      var frame = random.bytes(upTo: 60)
      if round % 2 == 0 {
        frame = Array(valid.prefix(Int.random(in: 0...valid.count, using: &random)))
        if !frame.isEmpty { frame[Int.random(in: 0..<frame.count, using: &random)] = random.number(UInt8.self) }
      }
      _ = try? Envelope.decodeFromAgent(frame)
      _ = try? Envelope.decodeFromCoordinator(frame)
    }
  }

  @Test func `the highest version that both sides speak is agreed on`() {
    let (low, high) = (ProtocolVersion.minimum, ProtocolVersion.maximum)
    #expect(ProtocolVersion.agreed(minimum: low, maximum: high) == high)
    #expect(ProtocolVersion.agreed(minimum: 0, maximum: .max) == high)
    #expect(ProtocolVersion.agreed(minimum: high, maximum: high + 5) == high)
    #expect(ProtocolVersion.agreed(minimum: high + 1, maximum: high + 5) == nil)
    #expect(ProtocolVersion.agreed(minimum: 0, maximum: low - 1) == nil)
    #expect(ProtocolVersion.agreed(minimum: high, maximum: low - 1) == nil)
    #expect(ProtocolVersion.agreed(minimum: .max, maximum: 0) == nil)
  }

  @Test func `counters of effort arrive as they were sent`() {
    var effort = EffortCounters()
    effort.attempts = 1
    effort.connectionsOpened = 2
    effort.requestsOnReusedConnections = 3
    effort.handshakesFull = 4
    effort.handshakesResumed = 5
    effort.wireBytesSent = 6
    effort.wireBytesReceived = 7
    effort.resolverQueries = 8
    effort.resolverHits = 9
    effort.resolverFailures = 10
    effort.deferred = 11
    effort.staleRetries = .max
    #expect(EffortCounters(WireEffort(effort)) == effort)
  }
}
