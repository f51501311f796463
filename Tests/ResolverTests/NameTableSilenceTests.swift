import FetchModel
import PosixIO
import Resolver
import Testing

/// Whether it is the name's fault that nothing came, or that of servers that say nothing at all.
@Suite struct NameTableSilenceTests {
  private enum Verdict: Equatable { case answered, timedOut, unavailable, other }

  private static func verdict(_ delivery: TableBench.Delivery) -> Verdict {
    switch delivery.answer.resolution {
    case .addresses: .answered
    case .timedOut: .timedOut
    case .unavailable: .unavailable
    default: .other
    }
  }

  private static func verdicts(_ bench: inout TableBench) -> [Verdict] { bench.taken().map(verdict) }

  @Test func `a name that nobody answers for times out at servers that live`() {
    var bench = TableBench()
    bench.ask("dead", family: 4)
    bench.passAlive(milliseconds: 4999)
    #expect(bench.taken().isEmpty)
    bench.passAlive(milliseconds: 1)
    #expect(Self.verdicts(&bench) == [.timedOut])
    #expect(bench.probes.count == 25, "one each 200 ms")
    bench.passAlive(milliseconds: 10_000)
    #expect(bench.probes.count == 25, "nothing is waited for")
  }

  @Test func `servers that fall silent with questions on their way are not the names' fault`() {
    var bench = TableBench()
    for index in 0..<100 { bench.ask("n\(index)", family: 4) }
    bench.pass(milliseconds: 100)
    bench.reply(["192.0.2.1"], to: "n0")
    #expect(bench.probes.isEmpty)
    bench.pass(milliseconds: 200)
    #expect(bench.probes == [0], "though no question has left since")
    bench.pass(milliseconds: 4700)
    #expect(Self.verdicts(&bench) == [.answered] + Array(repeating: .unavailable, count: 99))
  }

  @Test func `nor is it, if they are back when the time is over`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(["192.0.2.1"], to: "a")
    bench.ask("b", family: 4)
    bench.pass(milliseconds: 1500)
    bench.replyToProbe(.noAddress)
    bench.ask("c", family: 4)
    bench.passAlive(milliseconds: 2000)
    bench.ask("d", family: 4)
    bench.passAlive(milliseconds: 1500)
    #expect(Self.verdicts(&bench) == [.answered, .unavailable])
    bench.passAlive(milliseconds: 1500)
    #expect(Self.verdicts(&bench) == [.unavailable], "they had much to catch up with")
    bench.passAlive(milliseconds: 2000)
    #expect(Self.verdicts(&bench) == [.timedOut], "asked for when they surely were back")
  }

  @Test func `that servers fail one name is not heard as silence of any`() {
    var bench = TableBench()
    bench.ask("dead", family: 4)
    for index in 0..<50 {
      bench.ask("n\(index)", family: 4)
      bench.pass(milliseconds: 100)
      bench.reply(.failed("SERVFAIL"), to: "n\(index)", .ipv4)
    }
    #expect(bench.probes.isEmpty)
    #expect(bench.taken().filter { Self.verdict($0) == .timedOut }.count == 1)
  }

  @Test func `where it is unclear at the end, a probe decides`() {
    for lives in [true, false] {
      var bench = TableBench()
      bench.ask("a", family: 4)
      bench.passAlive(milliseconds: 4500)
      bench.pass(milliseconds: 800)
      #expect(bench.taken().isEmpty, "nothing was heard for 700 ms")
      if lives { bench.replyToProbe(.noAddress) }
      #expect(Self.verdicts(&bench) == (lives ? [.timedOut] : []))
      bench.pass(milliseconds: 300)
      #expect(Self.verdicts(&bench) == (lives ? [] : [.unavailable]))
    }
  }

  @Test func `an answer that comes while it is unclear is given`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.passAlive(milliseconds: 4500)
    bench.pass(milliseconds: 800)
    bench.reply(["192.0.2.1"])
    #expect(Self.verdicts(&bench) == [.answered])
  }

  @Test func `a server that has not answered a probe gets no other one for a second, however often others do`() {
    var bench = TableBench(servers: 2)
    bench.ask("dead", family: 4)
    bench.pass(milliseconds: 200)
    for _ in 0..<5 {
      bench.replyToProbe(.noAddress, server: 1)
      bench.pass(milliseconds: 200)
    }
    #expect(bench.probes.filter { $0 == 0 }.count == 1)
    #expect(bench.probes.filter { $0 == 1 }.count == 6)
  }

  @Test func `others judge by the same`() {
    var bench = TableBench()
    let start = bench.now
    bench.ask("dead", family: 4)
    #expect(bench.table.sharedPulse.verdict(since: start, now: bench.now) == .unclear)
    bench.passAlive(milliseconds: 1000)
    #expect(bench.table.sharedPulse.verdict(since: start, now: bench.now) == .living)
    bench.pass(milliseconds: 1199)
    #expect(bench.table.sharedPulse.verdict(since: start, now: bench.now) == .unclear)
    bench.pass(milliseconds: 1)
    #expect(bench.table.sharedPulse.verdict(since: start, now: bench.now) == .silent)
    bench.replyToProbe(.noAddress)
    #expect(bench.table.sharedPulse.verdict(since: start, now: bench.now) == .silent, "it was asked for before")
    #expect(bench.table.sharedPulse.verdict(since: bench.now, now: bench.now) == .silent, "they have to catch up")
    bench.passAlive(milliseconds: 2000)
    let back = bench.now
    bench.passAlive(milliseconds: 100)
    #expect(bench.table.sharedPulse.verdict(since: back, now: bench.now) == .living)
  }
}
