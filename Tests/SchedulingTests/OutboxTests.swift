import Scheduling
import Testing

/// Rows named by letters; each takes one byte. Capitals are only given back.
struct Letters: OutboxPayload, Equatable {
  var text: String

  init(_ text: String) { self.text = text }

  static func row(_ letter: Character) -> UInt64 { UInt64(letter.asciiValue ?? 0) }

  var seqs: [UInt64] { text.map(Self.row) }
  var finishedRows: Int { text.count { !$0.isUppercase } }
  var byteCount: Int { text.utf8.count }

  mutating func remove(_ seqs: Set<UInt64>) { text.removeAll { seqs.contains(Self.row($0)) } }
}

@Suite struct OutboxTests {
  private static func outbox(_ payloads: [String]) -> Outbox<Letters> {
    var outbox = Outbox<Letters>()
    for payload in payloads { outbox.add(Letters(payload)) }
    return outbox
  }

  private static func drain(_ outbox: inout Outbox<Letters>) -> [String] {
    var sent: [String] = []
    while let block = outbox.takeUnsent() { sent.append("\(block.number) \(block.payload.text)") }
    return sent
  }

  private static func rows(_ outbox: Outbox<Letters>) -> String {
    String(decoding: outbox.seqs.map { UInt8($0) }, as: UTF8.self)
  }

  @Test func `blocks are numbered from one and sent once, oldest first`() {
    var outbox = Self.outbox(["a", "bc"])
    #expect(Self.drain(&outbox) == ["1 a", "2 bc"])
    #expect(Self.drain(&outbox).isEmpty)
    outbox.add(Letters("k"))
    #expect(Self.drain(&outbox) == ["3 k"])
    #expect(outbox.bytes == 4 && !outbox.isEmpty && Self.rows(outbox) == "abck" && outbox.count == 3)
  }

  @Test func `rows that are only given back need not be done again`() {
    #expect(Self.outbox(["a", "Bc", "D"]).finishedRows == 2)
    #expect(Self.outbox([]).finishedRows == 0)
  }

  @Test func `an acknowledgement frees everything up to its block, once`() {
    var outbox = Self.outbox(["a", "bc", "def", "ghij"])
    _ = Self.drain(&outbox)
    #expect(outbox.acknowledged(upTo: 2) == 3)
    #expect(outbox.acknowledged(upTo: 2) == 0)
    #expect(outbox.acknowledged(upTo: 0) == 0)
    #expect(Self.rows(outbox) == "defghij" && outbox.bytes == 7)
    #expect(outbox.acknowledged(upTo: .max) == 7)
    #expect(outbox.isEmpty && outbox.bytes == 0)
  }

  @Test func `what was not sent is not acknowledged, whatever is said`() {
    var outbox = Self.outbox(["a", "bc", "def"])
    _ = outbox.takeUnsent()
    #expect(outbox.acknowledged(upTo: .max) == 1)
    #expect(Self.rows(outbox) == "bcdef")
    #expect(Self.drain(&outbox) == ["2 bc", "3 def"])
  }

  @Test func `another session is sent what is left, numbered from one again`() {
    var outbox = Self.outbox(["a", "bc", "def"])
    _ = Self.drain(&outbox)
    _ = outbox.acknowledged(upTo: 1)
    outbox.beginSession()
    #expect(outbox.bytes == 5)
    #expect(Self.drain(&outbox) == ["1 bc", "2 def"])
    outbox.add(Letters("k"))
    #expect(Self.drain(&outbox) == ["3 k"])
    #expect(outbox.acknowledged(upTo: 2) == 5)
  }

  @Test func `one that was emptied begins anew`() {
    var outbox = Self.outbox(["a", "bc"])
    _ = outbox.takeUnsent()
    #expect(outbox.removeAll() == 3)
    #expect(outbox.removeAll() == 0)
    #expect(outbox.isEmpty && outbox.bytes == 0 && outbox.takeUnsent() == nil)
    outbox.add(Letters("x"))
    #expect(Self.drain(&outbox) == ["1 x"])
  }
}

@Suite struct OutboxPruningTests {
  private static func pruned(_ payloads: [String], inHand: String = "") -> [String] {
    var outbox = Outbox<Letters>()
    for payload in payloads { outbox.add(Letters(payload)) }
    let before = outbox.bytes
    let freed = outbox.prune(inHand: inHand.map(Letters.row))
    outbox.beginSession()
    var left: [String] = []
    while let block = outbox.takeUnsent() { left.append("\(block.number) \(block.payload.text)") }
    #expect(before - freed == outbox.bytes && outbox.bytes == outbox.seqs.count)
    return left
  }

  @Test func `rows that are nowhere else stay`() {
    #expect(Self.pruned(["ab", "c"], inHand: "xyz") == ["1 ab", "2 c"])
  }

  @Test func `of a row that came again the last word is left`() {
    #expect(Self.pruned(["abc", "bd", "d", "c"]) == ["1 a", "2 b", "3 d", "4 c"])
  }

  @Test func `nothing is left of a row that is in hand, and no block without rows`() {
    #expect(Self.pruned(["abc", "b", "d"], inHand: "bd") == ["1 ac"])
    #expect(Self.pruned(["a"], inHand: "a").isEmpty)
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
