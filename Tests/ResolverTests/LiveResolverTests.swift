import FetchModel
import NameServer
import PosixIO
import Resolver
import Testing

@Suite struct LiveResolverTests {
  private let answers: Answers

  init() throws { answers = try Answers() }

  @Test func `the addresses of a name come from the server`() throws {
    let server = try NameServer { .addresses(["192.0.2.1", "192.0.2.2"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.1", "192.0.2.2"])
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1", "192.0.2.2"])
      #expect(answers.look(resolver, "a.example", family: 6) == .noAddress)
      #expect(resolver.counters == ResolverCounters(queries: 2, hits: 2))
    }
    #expect(server.count("a.example", .ipv4) == 1)
    #expect(server.count("a.example", .ipv6) == 1)
  }

  @Test func `a name is asked for once, whatever a thousand want`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0).after(.milliseconds(50)) }
    try Resolver.withThread(settings(server)) { resolver in
      for _ in 0..<1000 { answers.ask(resolver, "a.example") }
      let arrivals = answers.take(final: 1000)
      #expect(arrivals.filter(\.answer.isFinal).count == 1000)
      #expect(arrivals.allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
      #expect(resolver.counters == ResolverCounters(queries: 2, hits: 999))
    }
    #expect(server.addressQuestions == 2)
  }

  @Test func `twenty thousand names are resolved in seconds`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      for index in 0..<20_000 { answers.ask(resolver, "n\(index).example") }
      let arrivals = answers.take(final: 20_000, within: 30)
      #expect(arrivals.filter(\.answer.isFinal).count == 20_000)
      #expect(arrivals.allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
      #expect(resolver.counters.queries == 40_000)
      #expect(resolver.counters.failures == 0)
    }
  }
}
