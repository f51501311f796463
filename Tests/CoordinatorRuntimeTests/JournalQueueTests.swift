import CoordinatorRuntime
import JobStore
import Testing
import WireProtocol

@Suite struct JournalQueueTests {
  private static func hello(_ instance: UInt8, from routing: UInt8, continuing: Bool = false) -> PendingHello {
    var hello = WireHello()
    hello.instance = bytes([instance])
    hello.isContinuing = continuing
    return PendingHello(hello: hello, held: [], routing: [routing], user: [], version: 1)
  }

  private static func joined(_ instance: UInt8) -> JournalEntry { .joined(instance: [instance], isLocal: false) }
  private static func left(_ instance: UInt8) -> JournalEntry { .left(instance: [instance]) }

  /// Who the next coordinator waits for, once these entries are written behind the others.
  private static func awaited(_ earlier: [UInt8], _ entries: [JournalEntry]) -> [UInt8] {
    var agents = earlier
    for entry in entries {
      switch entry {
      case .joined(let instance, _): agents += instance
      case .left(let instance): agents.firstIndex(of: instance[0]).map { _ = agents.remove(at: $0) }
      default: Issue.record("\(entry)")
      }
    }
    return agents
  }

  private static func queue(_ instances: [UInt8] = []) -> JournalQueue {
    JournalQueue(agents: instances.map { ([$0], false) })
  }

  // MARK: Tickets

  @Test func `what waits goes on in order, up to the ticket that is durable, and once`() {
    var queue = Self.queue()
    let rows = JournalQueue.Waiting.rows([3, 1], session: 7)
    let tickets = [queue.add(.hello(routing: [1])), queue.add(rows), queue.add(.part)]
    #expect(tickets == tickets.sorted() && Set(tickets).count == 3)
    let early = queue.take(upTo: tickets[0] - 1)
    let first = queue.take(upTo: tickets[1])
    let again = queue.take(upTo: tickets[1])
    let last = queue.take(upTo: tickets[2])
    #expect(early == [] && first == [.hello(routing: [1]), rows] && again == [] && last == [.part])
    #expect(queue.add(.part) > tickets[2])
  }

  // MARK: Hellos

  @Test func `an agent that joins is written down, and what its hello said is kept for the answer, once`() {
    var queue = Self.queue()
    let entries = queue.join(Self.hello(1, from: 9), isLocal: true)
    #expect(entries == [.joined(instance: [1], isLocal: true)])
    let elsewhere = queue.takeHello(from: [8])
    let found = queue.takeHello(from: [9])
    let again = queue.takeHello(from: [9])
    #expect(elsewhere == nil && found?.instance == [1] && again == nil)
  }

  @Test func `a second hello while the first waits is not written again, and is the one that is answered`() {
    var queue = Self.queue()
    _ = queue.join(Self.hello(1, from: 9), isLocal: false)
    let entries = queue.join(Self.hello(1, from: 9, continuing: true), isLocal: false)
    let found = queue.takeHello(from: [9])
    #expect(entries == [] && found?.hello.isContinuing == true)
    // When it was answered, another counts.
    let later = queue.join(Self.hello(1, from: 9), isLocal: false)
    #expect(later == [Self.joined(1)])
  }

  @Test func `another instance at the same address takes the place of the one that waits`() {
    var queue = Self.queue()
    _ = queue.join(Self.hello(1, from: 9), isLocal: false)
    let entries = queue.join(Self.hello(2, from: 9), isLocal: false)
    #expect(entries == [Self.joined(2)])
    // The one before it is never welcomed.
    let gone = queue.leave(allBut: [])
    #expect(gone == [Self.left(1)])
    let found = queue.takeHello(from: [9])
    #expect(found?.instance == [2])
  }

  // MARK: Leaving

  @Test func `those that hold no lease and wait for no answer have left, and are told of once`() {
    var queue = Self.queue([5])
    _ = queue.join(Self.hello(1, from: 9), isLocal: false)
    _ = queue.join(Self.hello(2, from: 8), isLocal: false)
    _ = queue.takeHello(from: [8])
    let first = queue.leave(allBut: [[2], [5]])
    #expect(first == [], "one waits, one is in session, one has still to be heard of")
    _ = queue.takeHello(from: [9])
    let second = queue.leave(allBut: [[5]])
    #expect(second.count == 2 && second.contains(Self.left(1)) && second.contains(Self.left(2)))
    let third = queue.leave(allBut: [[5]])
    let fourth = queue.leave(allBut: [])
    #expect(third == [] && fourth == [Self.left(5)])
  }

  @Test func `copies of an instance leave one by one`() {
    var queue = Self.queue()
    for routing in UInt8(1)...3 {
      let entries = queue.join(Self.hello(1, from: routing), isLocal: false)
      _ = queue.takeHello(from: [routing])
      #expect(entries == [Self.joined(1)])
    }
    let two = queue.leave(allBut: [[1]])
    let none = queue.leave(allBut: [[1]])
    let last = queue.leave(allBut: [])
    #expect(two == [Self.left(1), Self.left(1)] && none == [] && last == [Self.left(1)])
  }

  // MARK: Over a restart

  @Test func `an agent that goes on takes the place that the journal has for it, at once`() {
    var queue = Self.queue([1, 2])
    let entries = queue.join(Self.hello(1, from: 9, continuing: true), isLocal: false)
    #expect(entries == [Self.joined(1), Self.left(1)])
    // Killed now, or as often as one likes: the next waits for each once, as this one did.
    #expect(Self.awaited([1, 2], entries).sorted() == [1, 2])
    _ = queue.takeHello(from: [9])
    let gone = queue.leave(allBut: [[1]])
    #expect(gone == [Self.left(2)], "the other is there once in the journal, and once it leaves")
    let last = queue.leave(allBut: [])
    #expect(last == [Self.left(1)])
  }

  @Test func `one that goes on again, after its answer, is a copy of the one that came`() {
    var queue = Self.queue([1])
    let first = queue.join(Self.hello(1, from: 9, continuing: true), isLocal: false)
    _ = queue.takeHello(from: [9])
    let second = queue.join(Self.hello(1, from: 8, continuing: true), isLocal: false)
    _ = queue.takeHello(from: [8])
    #expect(first == [Self.joined(1), Self.left(1)] && second == [Self.joined(1)])
    #expect(Self.awaited([1], first + second) == [1, 1])
    let gone = queue.leave(allBut: [[1]])
    #expect(gone == [Self.left(1)])
  }

  @Test func `one that does not go on is a copy of the one that the journal awaits`() {
    var queue = Self.queue([1])
    let entries = queue.join(Self.hello(1, from: 9), isLocal: false)
    _ = queue.takeHello(from: [9])
    #expect(entries == [Self.joined(1)])
    // The one that is awaited may still hold a lease, and may still come.
    let waiting = queue.leave(allBut: [[1], [1]])
    let awaited = queue.join(Self.hello(1, from: 8, continuing: true), isLocal: false)
    #expect(waiting == [] && awaited == [Self.joined(1), Self.left(1)])
  }

  @Test func `of two that the journal awaits under one name, neither takes the other's place`() {
    var queue = Self.queue([1, 1])
    let entries = queue.join(Self.hello(1, from: 9, continuing: true), isLocal: false)
    #expect(entries == [Self.joined(1)])
  }

  @Test func `one that was given up does not come back in its old place`() {
    var queue = Self.queue([1])
    let gone = queue.leave(allBut: [])
    let entries = queue.join(Self.hello(1, from: 9, continuing: true), isLocal: false)
    #expect(gone == [Self.left(1)] && entries == [Self.joined(1)])
  }
}
