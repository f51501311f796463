import FetchModel
import PosixIO
import Resolver
import Testing

/// Who gets which answer, and what is remembered.
@Suite struct NameTableTests {
  @Test func `both families are asked for at the same time, IPv6 first`() {
    var bench = TableBench()
    bench.ask()
    #expect(bench.sent.map(\.family) == [.ipv6, .ipv4])
    #expect(bench.table.counters == ResolverCounters(queries: 2))
  }

  @Test func `one family only if that is what is wanted`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.ask("b", family: 6)
    #expect(bench.sent.map(\.family) == [.ipv4, .ipv6])
    bench.reply(["192.0.2.1"], to: "a")
    #expect(bench.takenOne()?.answer.isFinal == true)
  }

  @Test func `addresses of IPv6 are delivered at once, those of both when IPv4 comes`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(["2001:db8::1"], ttl: 60)
    let first = bench.takenOne()
    #expect(first?.texts == ["2001:db8::1"])
    #expect(first?.answer.isFinal == false)
    bench.pass(milliseconds: 200)
    #expect(bench.taken().isEmpty)
    bench.reply(["192.0.2.1"], ttl: 30)
    let last = bench.takenOne()
    #expect(last?.texts == ["2001:db8::1", "192.0.2.1"])
    #expect(last?.answer.isFinal == true)
    #expect(last.map { bench.seconds(until: $0.answer.expiresAt) } == 30)
  }

  @Test func `addresses of IPv4 wait fifty milliseconds for those of IPv6`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(["192.0.2.1"])
    bench.pass(milliseconds: 49)
    #expect(bench.taken().isEmpty)
    bench.pass(milliseconds: 1)
    let first = bench.takenOne()
    #expect(first?.texts == ["192.0.2.1"])
    #expect(first?.answer.isFinal == false)
    bench.reply(["2001:db8::1"])
    #expect(bench.takenOne()?.texts == ["2001:db8::1", "192.0.2.1"])
  }

  @Test func `within that time only the whole answer is delivered`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(["192.0.2.1"])
    bench.pass(milliseconds: 20)
    bench.reply(["2001:db8::1"])
    let answer = bench.takenOne()
    #expect(answer?.texts == ["2001:db8::1", "192.0.2.1"])
    #expect(answer?.answer.isFinal == true)
    bench.pass(milliseconds: 100)
    #expect(bench.taken().isEmpty)
  }

  @Test(arguments: [ServerReply.noAddress, .notFound, .failed("SERVFAIL")])
  func `if the other family has nothing the answer is final at once`(_ nothing: ServerReply) {
    for nothingFirst in [true, false] {
      var bench = TableBench()
      bench.ask()
      if nothingFirst { bench.reply(nothing, .ipv6) }
      #expect(bench.taken().isEmpty)
      bench.reply(["192.0.2.1"])
      if !nothingFirst { bench.reply(nothing, .ipv6) }
      let answer = bench.takenOne()
      #expect(answer?.texts == ["192.0.2.1"])
      #expect(answer?.answer.isFinal == true)
    }
  }

  @Test func `after an early answer one more comes, even if the other family fails`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(["2001:db8::1"])
    #expect(bench.takenOne()?.answer.isFinal == false)
    bench.pass(milliseconds: 5000)
    let last = bench.takenOne()
    #expect(last?.texts == ["2001:db8::1"])
    #expect(last?.answer.isFinal == true)
    #expect(bench.table.counters.failures == 0)
  }

  @Test func `who comes later shares the question, and gets the same`() {
    var bench = TableBench()
    let first = bench.ask()
    bench.reply(["192.0.2.1"])
    bench.pass(milliseconds: 30)
    let second = bench.ask()
    bench.pass(milliseconds: 20)
    #expect(bench.takenOne()?.asker == first)
    bench.pass(milliseconds: 30)
    #expect(bench.takenOne()?.asker == second)
    let third = bench.ask("a", family: 4)
    #expect(bench.takenOne()?.asker == third)
    bench.reply(.noAddress, .ipv6)
    #expect(bench.taken().map(\.asker) == [first, second])
    #expect(bench.sent.count == 2)
    #expect(bench.table.counters == ResolverCounters(queries: 2, hits: 2))
  }

  @Test func `a thousand askers are one question`() {
    var bench = TableBench()
    for _ in 0..<1000 { bench.ask("a", family: 4) }
    #expect(bench.sent.count == 1)
    bench.reply(["192.0.2.1"])
    #expect(bench.taken().map(\.asker) == Array(1...1000))
    #expect(bench.table.counters == ResolverCounters(queries: 1, hits: 999))
  }

  @Test func `addresses are remembered for their TTL, to the nanosecond`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(["192.0.2.1"], ttl: 7)
    let end = bench.takenOne()?.answer.expiresAt
    #expect(end == bench.now + .seconds(7))
    bench.pass(milliseconds: 6999)
    bench.ask("a", family: 4)
    #expect(bench.takenOne()?.answer.expiresAt == end)
    bench.pass(milliseconds: 1)
    bench.ask("a", family: 4)
    #expect(bench.taken().isEmpty)
    #expect(bench.sent.count == 2)
  }

  @Test func `a TTL of 0 serves those who wait, and nobody else`() {
    var bench = TableBench()
    bench.ask()
    bench.ask()
    bench.reply(["192.0.2.1"], ttl: 0)
    bench.pass(milliseconds: 10)
    bench.reply(["2001:db8::1"], ttl: 0)
    let answers = bench.taken()
    #expect(answers.map(\.texts) == [["2001:db8::1", "192.0.2.1"], ["2001:db8::1", "192.0.2.1"]])
    #expect(answers.allSatisfy { $0.answer.expiresAt <= bench.now && $0.answer.isFinal })
    bench.ask()
    #expect(bench.taken().isEmpty)
    #expect(bench.sent.count == 4)
  }

  @Test func `nothing is remembered for more than a day`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(["192.0.2.1"], ttl: 4_000_000_000)
    #expect(bench.takenOne()?.answer.expiresAt == bench.now + .seconds(86_400))
  }

  @Test(arguments: [
    (ServerReply.notFound, Resolution.notFound, 10.0), (.noAddress, .noAddress, 10.0),
    (.failed("said no"), .failed("name server server 1 said no"), 1.0), (.unaskable, .notFound, 10.0),
  ])
  func `what is negative is remembered for ten seconds, a failure for one`(
    _ reply: ServerReply,
    _ resolution: Resolution,
    _ seconds: Double
  ) {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(reply, .ipv4)
    let answer = bench.takenOne()?.answer
    #expect(answer?.resolution == resolution)
    #expect(answer.map { bench.seconds(until: $0.expiresAt) } == seconds)
    bench.pass(milliseconds: UInt64(seconds * 1000) - 1)
    bench.ask("a", family: 4)
    #expect(bench.takenOne()?.answer.resolution == resolution)
    #expect(bench.table.counters == ResolverCounters(queries: 1, hits: 1, failures: 1))
    bench.pass(milliseconds: 1)
    bench.ask("a", family: 4)
    #expect(bench.sent.count == 2)
  }

  @Test(arguments: [
    (ServerReply.notFound, ServerReply.notFound, Resolution.notFound), (.notFound, .noAddress, .noAddress),
    (.failed("f"), .notFound, .failed("name server server 1 f")),
    (.noAddress, .failed("f"), .failed("name server server 1 f")),
  ])
  func `without addresses, what may be otherwise soon outweighs what is certain`(
    _ four: ServerReply,
    _ six: ServerReply,
    _ resolution: Resolution
  ) {
    var bench = TableBench()
    bench.ask()
    bench.reply(four, .ipv4)
    bench.reply(six, .ipv6)
    #expect(bench.takenOne()?.answer.resolution == resolution)
    #expect(bench.table.counters.failures == 1)
  }

  @Test func `that a host has no IPv6 is believed as long as its IPv4 holds`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(.noAddress, .ipv6)
    bench.reply(["192.0.2.1"], ttl: 300)
    #expect(bench.takenOne().map { bench.seconds(until: $0.answer.expiresAt) } == 300)
    bench.pass(milliseconds: 299_000)
    bench.ask()
    #expect(bench.takenOne()?.answer.isFinal == true)
    #expect(bench.sent.count == 2)
  }

  @Test func `that IPv6 failed is believed for ten seconds beside IPv4`() {
    var bench = TableBench()
    bench.ask()
    bench.reply(["192.0.2.1"], ttl: 300)
    bench.reply(.failed("f"), .ipv6)
    #expect(bench.takenOne().map { bench.seconds(until: $0.answer.expiresAt) } == 10)
    bench.pass(milliseconds: 9_999)
    bench.ask()
    #expect(bench.takenOne()?.answer.isFinal == true)
    bench.pass(milliseconds: 1)
    bench.ask()
    #expect(bench.sent.map(\.family) == [.ipv6, .ipv4, .ipv6])
  }

  @Test func `names of the hosts file are not asked for, in no family`() {
    var bench = TableBench()
    bench.table.hosts = HostsFile(parsing: Array("192.0.2.1 a\n192.0.2.2 b\n2001:db8::2 b\n".utf8))
    bench.ask("a")
    let answer = bench.takenOne()
    #expect(answer?.texts == ["192.0.2.1"])
    #expect(answer.map { bench.seconds(until: $0.answer.expiresAt) } == 60)
    bench.ask("a", family: 6)
    #expect(bench.takenOne()?.answer.resolution == .noAddress)
    bench.ask("b")
    #expect(bench.takenOne()?.texts == ["2001:db8::2", "192.0.2.2"])
    bench.ask("b", family: 4)
    #expect(bench.takenOne()?.texts == ["192.0.2.2"])
    #expect(bench.sent.isEmpty)
    #expect(bench.table.counters == ResolverCounters(hits: 4))
  }

  @Test func `what is expired is forgotten`() {
    var bench = TableBench()
    for index in 0..<1000 {
      bench.ask("n\(index)", family: 4)
      bench.reply(["192.0.2.1"], ttl: UInt32(1 + index % 10), to: "n\(index)")
    }
    #expect(bench.table.nameCount == 1000)
    bench.pass(milliseconds: 5000)
    bench.ask("new", family: 4)
    #expect(bench.table.nameCount == 501)
    bench.pass(milliseconds: 60_000)
    bench.ask("newer", family: 4)
    #expect(bench.table.nameCount <= 2)
  }

  @Test func `a name that is asked about again and again is to expire once`() {
    var bench = TableBench()
    for _ in 0..<10_000 {
      bench.ask("a")
      bench.reply(["192.0.2.1"], ttl: 0)
      bench.reply(["2001:db8::1"], ttl: 3600)
      bench.ask("a", family: 4)
      bench.reply(["192.0.2.1"], ttl: 0)
    }
    #expect(bench.table.nameCount == 1)
    #expect(bench.table.expiryCount == 1)
    bench.pass(milliseconds: 3_600_000)
    bench.ask("b", family: 4)
    #expect(bench.table.nameCount == 1)
    #expect(bench.table.expiryCount == 0)
  }

  @Test func `a name that has learned more is kept until that has expired`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(["192.0.2.1"], ttl: 10)
    bench.ask("a", family: 6)
    bench.reply(["2001:db8::1"], ttl: 60)
    _ = bench.taken()
    bench.pass(milliseconds: 59_999)
    bench.ask("a", family: 6)
    #expect(bench.taken().count == 1)
    bench.pass(milliseconds: 1)
    bench.ask("b", family: 4)
    #expect(bench.table.nameCount == 1)
  }

  @Test func `when there is no room what expires next is forgotten`() {
    var limits = NameTable.Limits()
    limits.names = 100
    var bench = TableBench(limits: limits)
    for index in 0..<100 {
      bench.ask("n\(index)", family: 4)
      bench.reply(["192.0.2.1"], ttl: UInt32(1000 - index), to: "n\(index)")
    }
    bench.ask("new", family: 4)
    #expect(bench.table.nameCount == 100)
    _ = bench.taken()
    bench.ask("n98", family: 4)
    #expect(bench.taken().count == 1)
    bench.ask("n99", family: 4)
    #expect(bench.taken().isEmpty)
  }

  @Test func `names that are waited for are never forgotten`() {
    var limits = NameTable.Limits()
    limits.names = 10
    var bench = TableBench(limits: limits)
    for index in 0..<50 { bench.ask("n\(index)", family: 4) }
    for index in 0..<50 { bench.reply(["192.0.2.1"], to: "n\(index)") }
    #expect(bench.taken().map(\.asker) == Array(1...50))
    bench.ask("new", family: 4)
    #expect(bench.table.nameCount == 10)
  }
}
