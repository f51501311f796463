import FetchModel
import PosixIO
import Resolver
import Testing

/// Which questions are sent to which server, and when a look-up is given up.
@Suite struct NameTableQuestionTests {
  private static func limited(to questions: Int, quiet: Int = 0) -> NameTable.Limits {
    var limits = NameTable.Limits()
    (limits.questions, limits.quietQuestions) = (questions, quiet)
    return limits
  }

  private static func isTimedOut(_ resolution: Resolution?) -> Bool {
    if case .timedOut = resolution { true } else { false }
  }

  private static func isUnavailable(_ resolution: Resolution?) -> Bool {
    if case .unavailable = resolution { true } else { false }
  }

  @Test func `no more questions are on their way than allowed; the others follow in order`() {
    var bench = TableBench(limits: Self.limited(to: 3))
    for index in 0..<10 { bench.ask("n\(index)", family: 4) }
    #expect(bench.sent.map(\.name) == ["n0", "n1", "n2"])
    bench.reply(["192.0.2.1"], to: "n1")
    bench.reply(.notFound, to: "n0", .ipv4)
    #expect(bench.sent.map(\.name) == ["n0", "n1", "n2", "n3", "n4"])
    for index in 2..<10 { bench.reply(["192.0.2.1"], to: "n\(index)") }
    #expect(bench.sent.map(\.name) == (0..<10).map { "n\($0)" })
  }

  @Test func `questions that get no answer for a second leave their places to others`() {
    var bench = TableBench(limits: Self.limited(to: 2, quiet: 4))
    for index in 0..<20 { bench.ask("dead\(index)", family: 4) }
    bench.passAlive(milliseconds: 999)
    #expect(bench.sent.count == 2)
    bench.passAlive(milliseconds: 1)
    #expect(bench.sent.count == 4)
    bench.passAlive(milliseconds: 3999)
    #expect(bench.sent.count == 6, "four of them are quiet, and no more may be")
    bench.passAlive(milliseconds: 1)
    #expect(bench.taken().allSatisfy { Self.isTimedOut($0.answer.resolution) })
    #expect(bench.sent.count == 8)
    bench.passAlive(milliseconds: 60_000)
    #expect(bench.sent.count == 20)
    #expect(bench.taken().count == 18)
    for index in 0..<3 { bench.ask("n\(index)", family: 4) }
    #expect(bench.sent.count == 22, "those that have ended count no more")
  }

  @Test func `they keep them while no server says anything`() {
    var bench = TableBench(limits: Self.limited(to: 2, quiet: 4))
    for index in 0..<20 { bench.ask("n\(index)", family: 4) }
    bench.pass(milliseconds: 2000)
    #expect(bench.sent.count == 2)
    bench.replyToProbe(.noAddress)
    #expect(bench.sent.count == 4)
    bench.table.replaceServers(["other"], now: bench.now)
    bench.pass(milliseconds: 900)
    #expect(bench.sent.count == 8, "all four were asked again, and are not quiet")
    bench.replyToProbe(.noAddress)
    bench.pass(milliseconds: 99)
    #expect(bench.sent.count == 8)
    bench.pass(milliseconds: 1)
    #expect(bench.sent.count == 10)
  }

  @Test func `the time of a look-up runs from when its question left`() {
    var bench = TableBench(limits: Self.limited(to: 1))
    bench.ask("a", family: 4)
    bench.ask("b", family: 4)
    bench.passAlive(milliseconds: 5000)
    #expect(Self.isTimedOut(bench.takenOne()?.answer.resolution))
    bench.passAlive(milliseconds: 4999)
    #expect(bench.taken().isEmpty)
    bench.passAlive(milliseconds: 1)
    let answer = bench.takenOne()
    #expect(Self.isTimedOut(answer?.answer.resolution))
    #expect(answer.map { bench.seconds(until: $0.answer.expiresAt) } == 1)
    #expect(bench.table.counters == ResolverCounters(queries: 2, failures: 2, timeouts: 2))
  }

  @Test func `a reply that is too late says only that the server lives`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 5000)
    #expect(bench.taken().count == 1)
    bench.reply(["192.0.2.1"])
    #expect(bench.taken().isEmpty)
    #expect(bench.table.lastHeardAt == bench.now)
  }

  @Test func `a server that fails is followed by the next at once`() {
    var bench = TableBench(servers: 3)
    bench.ask("a", family: 4)
    bench.reply(.failed("SERVFAIL"), .ipv4, server: 0)
    bench.reply(.unreachable("refused"), .ipv4, server: 1)
    #expect(bench.sent.map(\.server) == [0, 1, 2])
    bench.reply(["192.0.2.1"], server: 2)
    #expect(bench.takenOne()?.texts == ["192.0.2.1"])
    #expect(bench.table.counters == ResolverCounters(queries: 1))
    bench.ask("b", family: 4)
    #expect(bench.sent.last?.server == 0)
  }

  @Test func `a server that says nothing for a second is followed by the next, and its answer still counts`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 999)
    #expect(bench.sent.map(\.server) == [0])
    bench.pass(milliseconds: 1)
    #expect(bench.sent.map(\.server) == [0, 1])
    bench.reply(["192.0.2.1"], server: 0)
    #expect(bench.takenOne()?.texts == ["192.0.2.1"])
    bench.ask("b", family: 4)
    #expect(bench.sent.last?.server == 0)
  }

  @Test func `a server that answered where the first said nothing is preferred`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 1000)
    bench.reply(["192.0.2.1"], server: 1)
    bench.ask("b", family: 4)
    #expect(bench.sent.last?.server == 1)
    bench.pass(milliseconds: 1000)
    #expect(bench.sent.last == bench.sent.last { $0.name == "b" && $0.server == 0 })
  }

  @Test func `a failure counts when the other servers have said nothing for a second`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.reply(.failed("SERVFAIL"), .ipv4, server: 0)
    #expect(bench.sent.map(\.server) == [0, 1])
    bench.pass(milliseconds: 999)
    #expect(bench.taken().isEmpty)
    bench.pass(milliseconds: 1)
    #expect(bench.takenOne()?.answer.resolution == .failed("name server server 1 SERVFAIL"))
    bench.ask("b", family: 4)
    bench.pass(milliseconds: 1000)
    bench.reply(.failed("REFUSED"), to: "b", .ipv4, server: 1)
    #expect(bench.taken().isEmpty)
    bench.pass(milliseconds: 1000)
    #expect(bench.takenOne()?.answer.resolution == .failed("name server server 2 REFUSED"))
  }

  @Test func `a server that is deaf while others answer is left out, and probed now and then`() {
    var bench = TableBench(servers: 2)
    func look(_ name: String) {
      bench.ask(name, family: 6)
      bench.reply(.failed("REFUSED"), to: name, .ipv6, server: 0)
    }
    // Others are answered all the time: there is no silence.
    func passHeard(milliseconds: Int) {
      for _ in 0..<(milliseconds / 100) {
        bench.pass(milliseconds: 100)
        bench.replyToProbe(.noAddress, server: 0)
      }
    }
    look("a")
    passHeard(milliseconds: 1000)
    #expect(bench.taken().count == 1)
    #expect(bench.probes == [1])
    look("b")
    #expect(bench.sent.last?.server == 1)
    passHeard(milliseconds: 1000)
    _ = bench.taken()
    for index in 0..<50 {
      look("n\(index)")
      passHeard(milliseconds: 100)
    }
    #expect(bench.taken().count == 50, "at once")
    #expect(bench.sent.filter { $0.server == 1 }.count == 2)
    #expect(bench.probes == [1, 1])
    bench.replyToProbe(.failed("REFUSED"), server: 1)
    look("c")
    #expect(bench.sent.last?.server == 1, "it is back")
  }

  @Test func `a preferred server that is deaf is not asked first`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 1000)
    bench.reply(.failed("SERVFAIL"), .ipv4, server: 1)
    bench.pass(milliseconds: 1000)
    #expect(bench.taken().count == 1)
    bench.ask("b", family: 4)
    #expect(bench.sent.last?.server == 1)
    bench.reply(.failed("SERVFAIL"), to: "b", .ipv4, server: 1)
    #expect(bench.taken().count == 1)
  }

  @Test func `after 200 ms of silence there is a probe, then one a second`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 199)
    #expect(bench.probes.isEmpty)
    bench.pass(milliseconds: 1)
    #expect(bench.probes == [0, 1])
    bench.pass(milliseconds: 999)
    #expect(bench.probes.count == 2)
    bench.pass(milliseconds: 1)
    #expect(bench.probes.count == 4)
    bench.pass(milliseconds: 10_000)
    #expect(bench.probes.count == 24)
    bench.replyToProbe(.failed("REFUSED"), server: 1)
    bench.pass(milliseconds: 10_000)
    #expect(bench.probes.count == 24)
  }

  @Test func `there is no probe as long as answers come`() {
    var bench = TableBench()
    bench.ask("dead", family: 4)
    for index in 0..<20 {
      bench.ask("n\(index)", family: 4)
      bench.pass(milliseconds: 150)
      bench.reply(.notFound, to: "n\(index)", .ipv4)
    }
    #expect(bench.probes.isEmpty)
  }

  @Test func `a second silence has its own 200 ms`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.pass(milliseconds: 250)
    bench.replyToProbe(.noAddress)
    bench.reply(["192.0.2.1"])
    bench.pass(milliseconds: 10_000)
    bench.ask("b", family: 4)
    bench.pass(milliseconds: 199)
    #expect(bench.probes.count == 1)
    bench.pass(milliseconds: 1)
    #expect(bench.probes.count == 2)
  }

  @Test func `servers that have gone just after they were heard are probed until they are back`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.ask("b", family: 4)
    bench.reply(["192.0.2.1"], to: "a")
    bench.reply(.unreachable("refused"), to: "b", .ipv4)
    bench.replyToProbe(.unreachable("refused"))
    #expect(bench.taken().map { Self.isUnavailable($0.answer.resolution) } == [false, true])
    bench.pass(milliseconds: 3000)
    #expect(bench.probes.count == 4)
  }

  @Test func `that nobody answers is not remembered, and holds for those who wait to be asked`() {
    var bench = TableBench(limits: Self.limited(to: 2))
    for index in 0..<10 { bench.ask("n\(index)", family: 4) }
    bench.pass(milliseconds: 5000)
    let answers = bench.taken()
    #expect(answers.count == 10)
    #expect(answers.allSatisfy { Self.isUnavailable($0.answer.resolution) && $0.answer.expiresAt <= bench.now })
    #expect(bench.sent.count == 2)
    bench.ask("n0", family: 4)
    #expect(bench.sent.count == 3)
    bench.reply(["192.0.2.1"], to: "n0")
    #expect(bench.takenOne()?.texts == ["192.0.2.1"])
  }

  @Test func `where all servers are unreachable a probe decides`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(.unreachable("refused"), .ipv4)
    #expect(bench.probes == [0])
    #expect(bench.taken().isEmpty)
    bench.replyToProbe(.failed("REFUSED"))
    guard case .failed = bench.takenOne()?.answer.resolution else {
      Issue.record("a server that answers a probe is there")
      return
    }
    bench.ask("b", family: 4)
    bench.reply(.unreachable("refused"), to: "b", .ipv4)
    bench.replyToProbe(.unreachable("refused"))
    let answer = bench.takenOne()?.answer
    guard case .unavailable(let text) = answer?.resolution else {
      Issue.record("a server that is not there is local trouble")
      return
    }
    #expect(text.contains("refused"))
    #expect(answer.map { bench.seconds(until: $0.expiresAt) } == 0.25)
  }

  @Test func `while servers are unreachable there is one question each quarter of a second`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(.unreachable("refused"), .ipv4)
    bench.replyToProbe(.unreachable("refused"))
    _ = bench.taken()
    for index in 0..<50 { bench.ask("n\(index)") }
    #expect(bench.taken().count == 50)
    #expect(bench.sent.count == 1)
    bench.pass(milliseconds: 250)
    for index in 50..<100 { bench.ask("n\(index)", family: 4) }
    #expect(bench.sent.count == 2)
    bench.reply(.unreachable("refused"), to: "n50", .ipv4)
    for _ in bench.probes.dropFirst() { bench.replyToProbe(.unreachable("refused")) }
    #expect(bench.taken().count == 50)
    #expect(bench.sent.count == 2)
  }

  @Test func `a server that is back ends that at once`() {
    var bench = TableBench()
    bench.ask("a", family: 4)
    bench.reply(.unreachable("refused"), .ipv4)
    bench.replyToProbe(.unreachable("refused"))
    bench.pass(milliseconds: 250)
    for index in 0..<50 { bench.ask("n\(index)", family: 4) }
    #expect(bench.sent.count == 2)
    bench.reply(["192.0.2.1"], to: "n0")
    #expect(bench.sent.count == 51)
  }

  @Test func `when there are other servers what is on its way is asked there`() {
    var bench = TableBench(servers: 2)
    bench.ask("a", family: 4)
    bench.ask("b", family: 4)
    bench.pass(milliseconds: 1000)
    bench.reply(["192.0.2.1"], to: "a", server: 1)
    bench.pass(milliseconds: 1)
    bench.table.replaceServers(["other"], now: bench.now)
    bench.pass(milliseconds: 0)
    #expect(bench.sent.last == .init(question: 2, name: "b", family: .ipv4, server: 0))
    bench.pass(milliseconds: 3998)
    #expect(bench.taken().count == 1)
    bench.pass(milliseconds: 1)
    guard case .unavailable(let text) = bench.takenOne()?.answer.resolution else {
      Issue.record("the new server has said nothing")
      return
    }
    #expect(text.contains("other"))
    let probes = bench.probes.count
    bench.table.replaceServers(["third", "fourth"], now: bench.now)
    bench.pass(milliseconds: 200)
    #expect(bench.probes.count == probes + 2)
  }

  @Test func `what was to be sent to servers that were replaced is not`() {
    let now = Instant(nanoseconds: 1_000_000_000)
    var table = NameTable(servers: ["first", "second"])
    table.hosts = HostsFile(parsing: Array("192.0.2.1 known\n".utf8))
    table.ask(1, name: "known", family: 4, now: now)
    table.ask(2, name: "a", family: 4, now: now)
    table.replied(1, server: 0, .failed("f"), now: now)
    table.replaceServers(["third"], now: now)
    let actions = table.takeActions()
    #expect(actions.count == 2)
    #expect(actions.last == .send(question: 1, name: "a", family: .ipv4, server: 0))
  }

  @Test func `fifty thousand names are two questions each, and then none`() {
    var bench = TableBench()
    let names = (0..<50_000).map { "n\($0).example" }
    for name in names { bench.ask(name) }
    var answered = 0
    while answered < bench.sent.count {
      let sent = bench.sent[answered]
      answered += 1
      let reply: ServerReply =
        sent.family == .ipv4
        ? .addresses([SocketAddress(numeric: "192.0.2.1", port: 0)].compactMap { $0 }, ttlSeconds: 60) : .noAddress
      bench.table.replied(sent.question, server: 0, reply, now: bench.now)
      bench.pass(milliseconds: 0)
    }
    #expect(bench.taken().count == 50_000)
    #expect(bench.table.counters == ResolverCounters(queries: 100_000))
    for name in names { bench.ask(name) }
    #expect(bench.taken().count == 50_000)
    #expect(bench.table.counters.hits == 50_000)
  }
}
