import FetchModel
import NameServer
import PosixIO
import Resolver
import Testing

/// Servers that say nothing, fail, or are gone.
@Suite struct LiveSilenceTests {
  private let answers: Answers

  init() throws { answers = try Answers() }

  private static func patience(_ arrival: Answers.Arrival?, since began: Instant) -> Double {
    Double((arrival?.at ?? .distantFuture).nanoseconds(since: began)) / 1e9
  }

  @Test func `a name that nobody answers for is timed out, when the server lives`() throws {
    let server = try NameServer { $0.name == "dead.example" ? .silent : .refused }
    try Resolver.withThread(settings(server, timeout: .seconds(1))) { resolver in
      let began = Clock.bootTime()
      answers.ask(resolver, "dead.example")
      let arrival = answers.take().last
      guard case .timedOut(let text) = arrival?.answer.resolution else { throw Unexpected(arrival?.answer.resolution) }
      #expect(text.contains("127.0.0.1"))
      #expect((0.99...4).contains(Self.patience(arrival, since: began)))
      #expect((1...5).contains(server.total(of: .nameServer)))
      #expect(resolver.pulse.verdict(since: began, now: Clock.bootTime()) == .living)
      #expect(resolver.counters == ResolverCounters(queries: 2, failures: 1, timeouts: 1))
    }
    // Repeated meanwhile.
    #expect(server.count("dead.example", .ipv4) >= 2)
  }

  @Test(arguments: [NameServer.Mode.silent, .frozen])
  func `without a server that says anything the resolver is unavailable, until one does`(
    _ mode: NameServer.Mode
  ) throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try server.set(mode)
    try Resolver.withThread(settings(server, timeout: .seconds(1))) { resolver in
      let began = Clock.bootTime()
      for index in 0..<600 { answers.ask(resolver, "n\(index).example", family: 4) }
      let arrivals = answers.take(final: 600)
      #expect(arrivals.count == 600)
      for arrival in arrivals {
        guard case .unavailable(let text) = arrival.answer.resolution else {
          throw Unexpected(arrival.answer.resolution)
        }
        #expect(text.contains("--dns-servers") && text.contains(server.text))
      }
      #expect((0.99...4).contains(Self.patience(arrivals.last, since: began)))
      #expect(resolver.pulse.verdict(since: began, now: Clock.bootTime()) == .silent)
      try server.set(.answering)
      #expect(answers.look(resolver, "n0.example", family: 4)?.texts == ["192.0.2.1"])
      #expect(resolver.pulse.verdict(since: began, now: Clock.bootTime()) == .silent, "it was asked before")
      // They have two seconds to catch up.
      answers.pause(milliseconds: 2100)
      let back = Clock.bootTime()
      #expect(answers.look(resolver, "n1.example", family: 4)?.texts == ["192.0.2.1"])
      #expect(resolver.pulse.verdict(since: back, now: Clock.bootTime()) == .living)
    }
  }

  @Test func `probes tell that a server is back, without a look-up`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try server.set(.silent)
    try Resolver.withThread(settings(server, timeout: .milliseconds(500))) { resolver in
      _ = answers.look(resolver, "a.example", family: 4)
      let back = Clock.bootTime()
      try server.set(.answering)
      let end = back + .seconds(5)
      while resolver.pulse.lastHeardAt.map({ $0 < back }) ?? true, Clock.bootTime() < end {
        answers.pause(milliseconds: 20)
      }
      #expect(resolver.pulse.lastHeardAt.map { $0 >= back } ?? false)
    }
  }

  @Test func `servers that refuse make it unavailable soon, without a storm, until one is back`() throws {
    let first = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    let port = first.port
    let settings = settings(first)
    first.stop()
    try Resolver.withThread(settings) { resolver in
      let began = Clock.bootTime()
      var asks = 0
      while Clock.bootTime() < began + .seconds(1) {
        asks += 1
        guard case .unavailable(let text) = answers.look(resolver, "n\(asks).example", family: 4) else {
          throw Unexpected(nil)
        }
        #expect(text.contains("refused"))
      }
      #expect(asks > 10)
      #expect(resolver.counters.queries < 10)
      let second = try NameServer(port: port) { .addresses(["192.0.2.2"], to: $0) }
      defer { second.stop() }
      let end = Clock.bootTime() + .seconds(5)
      var found: Resolution?
      while found?.texts == nil, Clock.bootTime() < end {
        found = answers.look(resolver, "a.example", family: 4)
        answers.pause(milliseconds: 20)
      }
      #expect(found?.texts == ["192.0.2.2"])
    }
  }

  @Test func `thousands of names at a server that is gone end soon`() throws {
    let server = try NameServer { _ in .silent }
    let settings = settings(server)
    server.stop()
    try Resolver.withThread(settings) { resolver in
      let began = Clock.bootTime()
      for index in 0..<5000 { answers.ask(resolver, "n\(index).example") }
      let arrivals = answers.take(final: 5000)
      #expect(arrivals.count == 5000)
      #expect(Self.patience(arrivals.last, since: began) < 4)
      #expect(resolver.counters.queries <= 2200)
    }
  }

  @Test func `a server that fails or is gone is made up for by the next`() throws {
    let failing = try NameServer { _ in .serverFailure }
    let gone = try NameServer { _ in .silent }
    let good = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    let settings = settings(failing, gone, good)
    gone.stop()
    try Resolver.withThread(settings) { resolver in
      let began = Clock.bootTime()
      #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.1"])
      #expect(Clock.bootTime().nanoseconds(since: began) < 950_000_000)
    }
    #expect(failing.count("a.example", .ipv4) == 1)
  }

  @Test func `after a server that says nothing the next is asked, and preferred from then on`() throws {
    let silent = try NameServer { _ in .silent }
    let good = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(silent, good)) { resolver in
      var began = Clock.bootTime()
      #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.1"])
      #expect((950_000_000...4_000_000_000).contains(Clock.bootTime().nanoseconds(since: began)))
      began = Clock.bootTime()
      #expect(answers.look(resolver, "b.example")?.texts == ["192.0.2.1"])
      #expect(Clock.bootTime().nanoseconds(since: began) < 950_000_000)
      #expect(silent.count("b.example", .ipv4) == 0)
    }
  }

  @Test func `thousands of names that nobody answers for do not keep others waiting`() throws {
    let server = try NameServer { question in
      question.name.hasPrefix("dead") ? .silent : .addresses(["192.0.2.1"], to: question)
    }
    try Resolver.withThread(settings(server)) { resolver in
      let began = Clock.bootTime()
      for index in 0..<3000 { answers.ask(resolver, "dead\(index).example", family: 4) }
      for index in 0..<1000 { answers.ask(resolver, "good\(index).example", family: 4) }
      let arrivals = answers.take(final: 1000)
      #expect(arrivals.count == 1000)
      #expect(arrivals.allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
      #expect(Self.patience(arrivals.last, since: began) < 4.9)
    }
  }

  @Test func `a server that says nothing does not delay what another refuses, but for the first seconds`() throws {
    let living = try NameServer { $0.type == .ipv6 ? .refused : .addresses(["192.0.2.1"], to: $0) }
    let dead = try NameServer { _ in .silent }
    try Resolver.withThread(settings(living, dead)) { resolver in
      let began = Clock.bootTime()
      var last = Duration.seconds(5)
      var asked = 0
      while last > .milliseconds(500), Clock.bootTime() < began + .seconds(10) {
        asked += 1
        let start = Clock.bootTime()
        #expect(answers.look(resolver, "n\(asked).example")?.texts == ["192.0.2.1"])
        last = .nanoseconds(Int64(Clock.bootTime().nanoseconds(since: start)))
        #expect(last < .seconds(4))
      }
      #expect(last <= .milliseconds(500))
      let known = dead.addressQuestions
      for index in 0..<100 { answers.ask(resolver, "m\(index).example") }
      #expect(answers.take(final: 100).allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
      #expect(dead.addressQuestions == known)
    }
  }

  @Test func `if all servers fail the last failure is told`() throws {
    let first = try NameServer { _ in .serverFailure }
    let second = try NameServer { _ in .refused }
    try Resolver.withThread(settings(first, second)) { resolver in
      let found = answers.look(resolver, "a.example")
      guard case .failed(let text) = found else { throw Unexpected(found) }
      #expect(text.contains("REFUSED"))
    }
  }

  @Test func `it goes on by itself after a server has said nothing for ten seconds`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(server, timeout: .seconds(2))) { resolver in
      #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.1"])
      try server.set(.frozen)
      let end = Clock.bootTime() + .seconds(10)
      var asked = 0
      while Clock.bootTime() < end {
        asked += 1
        let found = answers.look(resolver, "n\(asked).example")
        guard case .unavailable = found else { throw Unexpected(found) }
      }
      try server.set(.answering)
      let began = Clock.bootTime()
      for index in 0..<100 { answers.ask(resolver, "m\(index).example") }
      let arrivals = answers.take(final: 100)
      #expect(arrivals.count >= 100)
      #expect(arrivals.allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
      #expect(Self.patience(arrivals.last, since: began) < 4)
    }
  }

  @Test(arguments: [NameServer.Mode.silent, .frozen])
  func `names on their way when it falls silent are not timed out`(_ mode: NameServer.Mode) throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0).after(.milliseconds(100)) }
    try Resolver.withThread(settings(server, timeout: .seconds(1))) { resolver in
      for index in 0..<3000 { answers.ask(resolver, "n\(index).example", family: 4) }
      let end = Clock.bootTime() + .seconds(5)
      while server.addressQuestions < 1500, Clock.bootTime() < end { answers.pause(milliseconds: 1) }
      try server.set(mode)
      let arrivals = answers.take(final: 3000)
      #expect(arrivals.count == 3000)
      let timedOut = arrivals.filter { if case .timedOut = $0.answer.resolution { true } else { false } }
      #expect(timedOut.isEmpty, "\(timedOut.count)")
      #expect(arrivals.contains { $0.answer.resolution.texts == ["192.0.2.1"] })
    }
  }

  @Test func `at a slow server names that wait for their turn are known to`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0).after(.milliseconds(350)) }
    try Resolver.withThread(settings(server)) { resolver in
      let began = Clock.bootTime()
      for index in 0..<5000 { answers.ask(resolver, "n\(index).example", family: 4, askedAt: began) }
      func verdict() -> Pulse.Verdict { resolver.pulse.verdict(since: began, now: Clock.bootTime()) }
      // Until the thread has taken them in.
      while verdict() != .waiting, Clock.bootTime() < began + .seconds(10) { answers.pause(milliseconds: 1) }
      var verdicts: [Pulse.Verdict] = []
      while Clock.bootTime() < began + .seconds(10) {
        answers.pause(milliseconds: 10)
        let verdict = verdict()
        // All have left: the server may not have got to them yet.
        if resolver.counters.queries == 5000 { break }
        verdicts.append(verdict)
      }
      #expect(verdicts.count > 20)
      #expect(verdicts.allSatisfy { $0 == .waiting }, "\(verdicts.filter { $0 != .waiting })")
      #expect(answers.take(final: 5000).allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
    }
  }

  @Test func `a name whose server refuses TCP has failed, and others are resolved`() throws {
    let server = try NameServer { question in
      question.name == "big.example"
        ? .noData.with(.truncated) : question.name.isEmpty ? .refused : .addresses(["192.0.2.1"], to: question)
    }
    try server.closeListener()
    try Resolver.withThread(settings(server, timeout: .seconds(2))) { resolver in
      let found = answers.look(resolver, "big.example", family: 4)
      guard case .failed = found else { throw Unexpected(found) }
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
    }
  }

  @Test func `a server that comes and goes costs nobody an answer`() throws {
    var server = try NameServer { question in
      question.name.hasPrefix("big")
        ? .addresses(["192.0.2.1"], to: question).with(.truncated)
        : .addresses(["192.0.2.1", "2001:db8::1"], to: question)
    }
    try Resolver.withThread(settings(server, timeout: .milliseconds(700))) { resolver in
      let modes: [NameServer.Mode?] = [.answering, .frozen, .answering, nil, .silent, .answering, nil, .answering]
      for (round, mode) in modes.enumerated() {
        if let mode {
          try server.set(mode)
        } else {
          server.stop()
        }
        for index in 0..<200 { answers.ask(resolver, "\(index % 5 == 0 ? "big" : "n").\(round).\(index).example") }
        answers.pause(milliseconds: 60)
        if mode == nil { server = try NameServer(port: server.port) { .addresses(["192.0.2.1"], to: $0) } }
      }
      let arrivals = answers.take(final: 1600)
      let names = arrivals.filter(\.answer.isFinal).map(\.name)
      #expect(names.count == 1600)
      #expect(Set(names).count == 1600)
      // Nor is anything left that stands in the way of the next; where all is slow one try may time out.
      let end = Clock.bootTime() + .seconds(10)
      var last = answers.look(resolver, "last.example", family: 4)
      while last?.texts == nil, Clock.bootTime() < end {
        last = answers.look(resolver, "last.example", family: 4)
        answers.pause(milliseconds: 20)
      }
      guard last?.texts == ["192.0.2.1"] else { throw Unexpected(last) }
    }
  }

  @Test func `it ends promptly, whatever hangs`() throws {
    let server = try NameServer { _ in .silent }
    let began = Clock.bootTime()
    try Resolver.withThread(settings(server)) { resolver in
      for index in 0..<2000 { answers.ask(resolver, "n\(index).example") }
      while server.addressQuestions == 0, Clock.bootTime() < began + .seconds(5) { answers.pause(milliseconds: 5) }
    }
    #expect(Clock.bootTime().nanoseconds(since: began) < 1_000_000_000)
  }

  @Test(arguments: ["[::1]", "::1", "[2001:db8::53]", "2001:db8::53", "[::1]:1", "127.0.0.1"])
  func `a server is no trouble to the others, however it is written`(_ text: String) throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    var settings = settings(server)
    settings.servers = "\(server.text),\(text)"
    try Resolver.withThread(settings) { resolver in
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
    }
    settings.servers = text
    settings.lookupTimeout = .milliseconds(300)
    try Resolver.withThread(settings) { resolver in
      // Whatever listens there, it is asked.
      _ = answers.look(resolver, "a.example", family: 4)
      #expect(resolver.counters.queries == 1)
    }
  }

  @Test func `a list of servers that is none makes it unavailable`() throws {
    try Resolver.withThread(ResolverSettings(servers: "nonsense")) { resolver in
      let found = answers.look(resolver, "a.example")
      guard case .unavailable(let text) = found else { throw Unexpected(found) }
      #expect(text.contains("nonsense") || text.contains("name server"))
    }
  }
}
