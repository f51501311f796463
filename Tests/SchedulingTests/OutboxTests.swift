import Scheduling
import Testing

@Suite struct OutboxTests {
  private static func outbox(_ payloads: [String]) -> Outbox<String> {
    var outbox = Outbox<String>()
    for payload in payloads { outbox.add(payload, bytes: payload.utf8.count) }
    return outbox
  }

  private static func drain(_ outbox: inout Outbox<String>) -> [String] {
    var sent: [String] = []
    while let block = outbox.takeUnsent() { sent.append("\(block.number) \(block.payload)") }
    return sent
  }

  @Test func `blocks are numbered from one and sent once, oldest first`() {
    var outbox = Self.outbox(["a", "bb"])
    #expect(Self.drain(&outbox) == ["1 a", "2 bb"])
    #expect(Self.drain(&outbox).isEmpty)
    outbox.add("c", bytes: 1)
    #expect(Self.drain(&outbox) == ["3 c"])
    #expect(outbox.bytes == 4 && !outbox.isEmpty && outbox.payloads == ["a", "bb", "c"])
  }

  @Test func `an acknowledgement frees everything up to its block, once`() {
    var outbox = Self.outbox(["a", "bb", "ccc", "dddd"])
    _ = Self.drain(&outbox)
    #expect(outbox.acknowledged(upTo: 2) == 3)
    #expect(outbox.acknowledged(upTo: 2) == 0)
    #expect(outbox.acknowledged(upTo: 0) == 0)
    #expect(outbox.payloads == ["ccc", "dddd"] && outbox.bytes == 7)
    #expect(outbox.acknowledged(upTo: .max) == 7)
    #expect(outbox.isEmpty && outbox.bytes == 0)
  }

  @Test func `what was not sent is not acknowledged, whatever is said`() {
    var outbox = Self.outbox(["a", "bb", "ccc"])
    _ = outbox.takeUnsent()
    #expect(outbox.acknowledged(upTo: .max) == 1)
    #expect(outbox.payloads == ["bb", "ccc"])
    #expect(Self.drain(&outbox) == ["2 bb", "3 ccc"])
  }

  @Test func `another session is sent what is left, numbered from one again`() {
    var outbox = Self.outbox(["a", "bb", "ccc"])
    _ = Self.drain(&outbox)
    _ = outbox.acknowledged(upTo: 1)
    outbox.beginSession()
    #expect(outbox.bytes == 5)
    #expect(Self.drain(&outbox) == ["1 bb", "2 ccc"])
    outbox.add("d", bytes: 1)
    #expect(Self.drain(&outbox) == ["3 d"])
    #expect(outbox.acknowledged(upTo: 2) == 5)
  }

  @Test func `another job is sent nothing of this one`() {
    var outbox = Self.outbox(["a", "bb"])
    _ = outbox.takeUnsent()
    #expect(outbox.removeAll() == 3)
    #expect(outbox.removeAll() == 0)
    #expect(outbox.isEmpty && outbox.bytes == 0 && outbox.takeUnsent() == nil)
    outbox.add("x", bytes: 1)
    #expect(Self.drain(&outbox) == ["1 x"])
  }
}

@Suite struct MessageOrderTests {
  @Test func `messages are numbered from one`() {
    var order = MessageOrder()
    #expect((0..<3).map { _ in order.next() } == [1, 2, 3])
  }

  @Test func `each is admitted once, in order`() {
    var order = MessageOrder()
    #expect(order.admit(1) == .next)
    #expect(order.admit(1) == .repeated)
    #expect(order.admit(2) == .next)
    #expect(order.admit(1) == .repeated)
    #expect(order.admit(3) == .next)
  }

  @Test func `a gap stays one until what is missing comes`() {
    var order = MessageOrder()
    #expect(order.admit(2) == .gap)
    #expect(order.admit(.max) == .gap)
    #expect(order.admit(1) == .next)
    #expect(order.admit(2) == .next)
  }

  @Test func `what has no number is nobody's next`() {
    var order = MessageOrder()
    #expect(order.admit(0) == .repeated)
    #expect(order.admit(1) == .next)
  }
}
