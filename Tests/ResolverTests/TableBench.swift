import FetchModel
import PosixIO
import Resolver

/// A table with a clock that the test turns, and names for what came of it.
struct TableBench {
  struct Sent: Equatable {
    let question: UInt64
    let name: String
    let family: SocketAddress.Family
    let server: Int
  }

  struct Delivery: Equatable {
    let asker: UInt64
    let answer: ResolverAnswer

    var texts: [String]? { answer.resolution.texts }
  }

  var table: NameTable
  private(set) var now = Instant(nanoseconds: 1_000_000_000)
  private(set) var sent: [Sent] = []
  private(set) var probes: [Int] = []
  private var deliveries: [Delivery] = []
  private var lastAsker: UInt64 = 0

  init(servers: Int = 1, limits: NameTable.Limits = NameTable.Limits()) {
    table = NameTable(servers: (1...servers).map { "server \($0)" }, limits: limits)
  }

  @discardableResult
  mutating func ask(_ name: String = "a", family: UInt8 = 0) -> UInt64 {
    lastAsker += 1
    table.ask(lastAsker, name: name, family: family, now: now)
    collect()
    return lastAsker
  }

  /// Turns the clock while servers answer each probe at once.
  mutating func passAlive(milliseconds: UInt64) {
    let end = now.adding(nanoseconds: milliseconds * 1_000_000)
    while let due = table.nextDueAt, due <= end {
      let before = probes.count
      pass(milliseconds: due.nanoseconds(since: now) / 1_000_000)
      for server in probes[before...] { replyToProbe(.noAddress, server: server) }
    }
    pass(milliseconds: end.nanoseconds(since: now) / 1_000_000)
  }

  /// Turns the clock, stopping whenever the table wants to.
  mutating func pass(milliseconds: UInt64) {
    let end = now.adding(nanoseconds: milliseconds * 1_000_000)
    while let due = table.nextDueAt, due <= end {
      now = max(now, due)
      table.tick(now: now)
      collect()
      // A table that does not do what is due would be asked forever.
      precondition(table.nextDueAt.map { $0 > due } ?? true, "what was due at \(due) is still due")
    }
    now = end
    table.tick(now: now)
    collect()
  }

  /// The last question about that.
  func question(_ name: String = "a", _ family: SocketAddress.Family) -> UInt64? {
    sent.last { $0.name == name && $0.family == family }?.question
  }

  mutating func reply(
    _ reply: ServerReply,
    to name: String = "a",
    _ family: SocketAddress.Family,
    server: Int = 0
  ) {
    guard let question = question(name, family) else { preconditionFailure("\(name) was not asked for") }
    table.replied(question, server: server, reply, now: now)
    collect()
  }

  mutating func reply(_ texts: [String], ttl: UInt32 = 60, to name: String = "a", server: Int = 0) {
    let addresses = texts.compactMap { SocketAddress(numeric: $0, port: 0) }
    reply(.addresses(addresses, ttlSeconds: ttl), to: name, addresses[0].family, server: server)
  }

  mutating func replyToProbe(_ reply: ServerReply, server: Int = 0) {
    table.probeReplied(server: server, reply, now: now)
    collect()
  }

  /// What was delivered since the last call.
  mutating func taken() -> [Delivery] {
    defer { deliveries = [] }
    return deliveries
  }

  /// That, if it is one.
  mutating func takenOne() -> Delivery? {
    let taken = taken()
    return taken.count == 1 ? taken[0] : nil
  }

  func seconds(until instant: Instant) -> Double { Double(instant.nanoseconds(since: now)) / 1e9 }

  private mutating func collect() {
    for action in table.takeActions() {
      switch action {
      case .send(let question, let name, let family, let server):
        sent.append(Sent(question: question, name: name, family: family, server: server))
      case .probe(let server): probes.append(server)
      case .deliver(let asker, let answer): deliveries.append(Delivery(asker: asker, answer: answer))
      }
    }
  }
}
