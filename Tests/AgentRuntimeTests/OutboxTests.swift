import AgentRuntime
import Testing

@Suite struct OutboxTests {
  @Test func `blocks are numbered from one`() {
    var outbox = Outbox()
    #expect((0..<3).map { _ in outbox.add(bytes: 10) } == [1, 2, 3])
  }

  @Test func `an acknowledgement frees everything up to its block, once`() {
    var outbox = Outbox()
    for bytes in [1, 20, 300, 4000] { _ = outbox.add(bytes: bytes) }
    #expect(outbox.acknowledged(upTo: 2) == 21)
    #expect(outbox.acknowledged(upTo: 2) == 0)
    #expect(outbox.acknowledged(upTo: 0) == 0)
    #expect(outbox.acknowledged(upTo: .max) == 4300)
    #expect(outbox.acknowledged(upTo: .max) == 0)
  }

  @Test func `a new session frees what is left and numbers from one again`() {
    var outbox = Outbox()
    for bytes in [5, 6, 7] { _ = outbox.add(bytes: bytes) }
    _ = outbox.acknowledged(upTo: 1)
    #expect(outbox.restart() == 13)
    #expect(outbox.restart() == 0)
    #expect(outbox.add(bytes: 1) == 1)
    #expect(outbox.acknowledged(upTo: 1) == 1)
  }
}
