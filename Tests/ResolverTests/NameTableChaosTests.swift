import FetchModel
import PosixIO
import Resolver
import Testing

/// Whatever servers do: each asker gets exactly one last answer, and at most one before it.
@Suite struct NameTableChaosTests {
  /// SplitMix64.
  private struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var mixed = state
      mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
      mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
      return mixed ^ (mixed >> 31)
    }
  }

  private static let ipv4 = SocketAddress(numeric: "192.0.2.1", port: 0)
  private static let ipv6 = SocketAddress(numeric: "2001:db8::1", port: 0)

  private static func reply(_ family: SocketAddress.Family, _ dice: inout Dice) -> ServerReply {
    switch Int.random(in: 0..<10, using: &dice) {
    case 0: .notFound
    case 1: .noAddress
    case 2: .failed("f")
    case 3: .unreachable("u")
    case 4: .silent
    default:
      .addresses(
        [family == .ipv4 ? ipv4 : ipv6].compactMap { $0 },
        ttlSeconds: UInt32.random(in: 0...3, using: &dice)
      )
    }
  }

  @Test(arguments: 1...40)
  func `each asker gets one last answer`(_ seed: UInt64) {
    var dice = Dice(state: seed)
    var limits = NameTable.Limits()
    limits.questions = 4
    limits.names = 6
    let servers = Int.random(in: 1...3, using: &dice)
    var table = NameTable(servers: (0..<servers).map { "server \($0)" }, limits: limits)
    var now = Instant(nanoseconds: 1_000_000_000)
    var open: [(question: UInt64, family: SocketAddress.Family, server: Int)] = []
    var probes: [Int] = []
    var early: Set<UInt64> = []
    var finished: Set<UInt64> = []
    var asked: UInt64 = 0

    func collect() {
      for action in table.takeActions() {
        switch action {
        case .send(let question, _, let family, let server): open.append((question, family, server))
        case .probe(let server): probes.append(server)
        case .deliver(let asker, let answer):
          #expect(!finished.contains(asker), "asker \(asker) got an answer after the last")
          if answer.isFinal {
            finished.insert(asker)
          } else {
            #expect(early.insert(asker).inserted, "asker \(asker) got two early answers")
            #expect(!answer.resolution.addresses.isEmpty)
          }
        }
      }
    }

    func replySomewhere() {
      if let index = open.indices.randomElement(using: &dice) {
        let entry = open.remove(at: index)
        table.replied(entry.question, server: entry.server, Self.reply(entry.family, &dice), now: now)
      }
    }

    for step in 0..<2000 {
      switch Int.random(in: 0..<10, using: &dice) {
      case 0..<4 where step < 1500:
        asked += 1
        let families: [UInt8] = [0, 0, 4, 6]
        let family = families.randomElement(using: &dice) ?? 0
        table.ask(asked, name: "n\(Int.random(in: 0..<12, using: &dice))", family: family, now: now)
      case 4..<7: replySomewhere()
      case 7:
        if !probes.isEmpty {
          let server = probes.removeFirst()
          table.probeReplied(server: server, Bool.random(using: &dice) ? .silent : .noAddress, now: now)
        }
      case 8 where step % 50 == 0:
        table.replaceServers((0..<servers).map { "new \($0)" }, now: now)
        (open, probes) = ([], [])
      default:
        now = now.adding(nanoseconds: UInt64.random(in: 0...400_000_000, using: &dice))
        table.tick(now: now)
      }
      collect()
    }
    // Nobody replies any more: time alone ends everything.
    for _ in 0..<1000 {
      now = now.adding(nanoseconds: 1_000_000_000)
      table.tick(now: now)
      collect()
    }
    #expect(finished == Set(1...asked))
    #expect(table.nameCount <= 12)
    #expect(table.counters.failures >= table.counters.timeouts)
  }
}
