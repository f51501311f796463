import DequeModule
package import JobStore
package import Scheduling
package import WireProtocol

/// What may happen only when the journal says so durably, in order, and who the journal says may hold a lease. Pure.
package struct JournalQueue {
  package enum Waiting: Equatable {
    /// The agent at that address is to be welcomed, with the last hello that it said.
    case hello(routing: [UInt8])
    /// Rows that must not be sent twice are to leave.
    case rows([UInt64], session: UInt64)
    /// The pass is whole: agents may go.
    case part
  }

  private var lastTicket: UInt64 = 0
  private var waiting: Deque<(ticket: UInt64, what: Waiting)> = []
  /// By address: a stalled disk makes agents say hello again and again.
  private var hellos: [[UInt8]: PendingHello] = [:]
  /// Instances that joined, as often as they did, less those that left.
  private var joined: [[UInt8]: Int] = [:]
  /// Of these, instances that joined before this start, and of which nothing was heard since.
  private var earlier: [[UInt8]: Int] = [:]

  /// `agents`: what the journal says from before this start.
  package init(agents: [(instance: [UInt8], isLocal: Bool)]) {
    for agent in agents { joined[agent.instance, default: 0] += 1 }
    earlier = joined
  }

  package mutating func add(_ what: Waiting) -> UInt64 {
    lastTicket += 1
    waiting.append((lastTicket, what))
    return lastTicket
  }

  /// Everything up to that ticket is durable.
  package mutating func take(upTo ticket: UInt64) -> [Waiting] {
    var taken: [Waiting] = []
    while let first = waiting.first, first.ticket <= ticket {
      taken.append(first.what)
      waiting.removeFirst()
    }
    return taken
  }

  /// A hello came. The entries to write before the agent is welcomed; none if they are being written already.
  package mutating func join(_ hello: PendingHello, isLocal: Bool) -> [JournalEntry] {
    let instance = hello.instance
    let previous = hellos.updateValue(hello, forKey: hello.routing)
    if previous?.instance == instance { return [] }
    let entry = JournalEntry.joined(instance: instance, isLocal: isLocal)
    // The one that is awaited has come, and not a copy of it. Told at once: a coordinator that is killed now would
    // leave two of them behind, and the next would wait for the lease of one that does not exist.
    if hello.hello.isContinuing, earlier.removeValue(forKey: instance) == 1 {
      return [entry, .left(instance: instance)]
    }
    joined[instance, default: 0] += 1
    return [entry]
  }

  /// The last hello from there, once.
  package mutating func takeHello(from routing: [UInt8]) -> PendingHello? { hellos.removeValue(forKey: routing) }

  /// The entries to write when these instances, and no others, may hold a lease.
  package mutating func leave(allBut present: [[UInt8]]) -> [JournalEntry] {
    var counts: [[UInt8]: Int] = [:]
    for instance in present { counts[instance, default: 0] += 1 }
    for hello in hellos.values { counts[hello.instance, default: 0] += 1 }
    var entries: [JournalEntry] = []
    for (instance, count) in joined.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let surplus = count - (counts[instance] ?? 0)
      guard surplus > 0 else { continue }
      joined[instance] = count == surplus ? nil : count - surplus
      earlier[instance] = nil
      entries += Array(repeating: .left(instance: instance), count: surplus)
    }
    return entries
  }
}

/// A hello that is in order, and where its answer goes.
package struct PendingHello {
  package let hello: WireHello
  package let held: [Holding]
  package let routing: [UInt8]
  /// The key that its sender has shown; empty where there are none.
  package let user: [UInt8]
  package let version: UInt32

  package init(hello: WireHello, held: [Holding], routing: [UInt8], user: [UInt8], version: UInt32) {
    self.hello = hello
    self.held = held
    self.routing = routing
    self.user = user
    self.version = version
  }

  package var instance: [UInt8] { Array(hello.instance) }
}
