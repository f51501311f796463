import FetchModel
import Resolver
import Testing

/// Who has waited for a turn, and who has been asked for long enough to be blamed.
@Suite struct WaitingLineTests {
  private static func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: 1_000_000 * (1000 + milliseconds)) }

  @Test func `what leaves at once has not waited`() {
    var line = WaitingLine()
    line.come(askedAt: Self.at(0))
    #expect(line.earliest == Self.at(0))
    line.leave(now: Self.at(0))
    line.tick(now: Self.at(0))
    #expect(line.earliest == nil)
  }

  @Test(arguments: [(100, 200), (400, 800), (2000, 2500)])
  func `what has waited counts as waiting for as long again, at most half a second`(_ left: UInt64, _ end: UInt64) {
    var line = WaitingLine()
    line.come(askedAt: Self.at(0))
    line.leave(now: Self.at(left))
    line.tick(now: Self.at(end - 1))
    #expect(line.earliest == Self.at(0))
    line.tick(now: Self.at(end))
    #expect(line.earliest == nil)
  }

  @Test func `the first in the line is the earliest, as others leave`() {
    var line = WaitingLine()
    for index in 0..<10 { line.come(askedAt: Self.at(UInt64(index))) }
    for index in 0..<10 {
      #expect(line.earliest == Self.at(UInt64(index)))
      line.leave(now: Self.at(100))
      line.tick(now: Self.at(1000))
    }
    #expect(line.earliest == nil)
  }

  @Test func `an asker whose clock was read earlier than the one before is not passed over`() {
    var line = WaitingLine()
    for milliseconds: UInt64 in [20, 10, 15, 5, 30] { line.come(askedAt: Self.at(milliseconds)) }
    for earliest: UInt64 in [5, 5, 5, 5, 30] {
      #expect(line.earliest == Self.at(earliest))
      line.leave(now: Self.at(30))
      line.tick(now: Self.at(1000))
    }
    #expect(line.earliest == nil)
  }

  @Test func `a name that waits for its turn has not been asked for, whatever servers do`() {
    var limits = NameTable.Limits()
    limits.questions = 2
    var bench = TableBench(limits: limits)
    let start = bench.now
    for index in 0..<6 { bench.ask("n\(index)", family: 4) }
    func verdict(_ bench: TableBench) -> Pulse.Verdict {
      bench.table.sharedPulse.verdict(since: start, now: bench.now)
    }
    for index in 0..<4 {
      #expect(verdict(bench) == .waiting)
      bench.pass(milliseconds: 100)
      bench.reply(["192.0.2.1"], to: "n\(index)")
    }
    #expect(verdict(bench) == .waiting, "the last two have left just now")
    bench.pass(milliseconds: 100)
    bench.reply(["192.0.2.1"], to: "n4")
    #expect(verdict(bench) == .waiting)
    bench.passAlive(milliseconds: 400)
    #expect(verdict(bench) != .waiting)
    #expect(bench.sent.count == 6)
  }
}
