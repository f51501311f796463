import FetchModel
import NameServer
import PosixIO
import Resolver
import Testing

/// What single answers of a real server come to.
@Suite struct LiveAnswerTests {
  private let answers: Answers

  init() throws { answers = try Answers() }

  /// Looks a name up at a server that answers so.
  private func look(
    _ name: String,
    family: UInt8 = 4,
    timeout: Duration = .seconds(5),
    _ answer: @escaping @Sendable (Question) -> Response
  ) throws -> (resolution: Resolution?, counters: ResolverCounters) {
    let server = try NameServer(answer)
    var result: (Resolution?, ResolverCounters) = (nil, ResolverCounters())
    try Resolver.withThread(settings(server, timeout: timeout)) { resolver in
      result = (answers.look(resolver, name, family: family), resolver.counters)
    }
    return result
  }

  @Test func `no such name`() throws {
    let (resolution, counters) = try look("a.example", family: 0) { _ in .noSuchName }
    #expect(resolution == .notFound)
    #expect(counters == ResolverCounters(queries: 2, failures: 1))
  }

  @Test func `a name without addresses`() throws {
    let (resolution, counters) = try look("a.example", family: 0) { _ in .noData }
    #expect(resolution == .noAddress)
    #expect(counters == ResolverCounters(queries: 2, failures: 1))
  }

  @Test func `an alias that leads to nothing`() throws {
    let (resolution, _) = try look("a.example") { .aliases([("b.example", 60)], [], to: $0) }
    #expect(resolution == .noAddress)
  }

  @Test(arguments: [
    (Response(.serverFailure), "SERVFAIL"), (Response(.refused), "REFUSED"), (Response(.notImplemented), "NOTIMP"),
    (Response(.formatError), "FORMERR"), (Response(.typeNotImplemented), "RCODE 11"),
    (Response.noData.with(.alwaysTruncated), "truncated"),
  ])
  func `a server that fails says how, at once`(_ response: Response, _ word: String) throws {
    let began = Clock.bootTime()
    let (resolution, counters) = try look("a.example") { _ in response }
    guard case .failed(let text) = resolution else { throw Unexpected(resolution) }
    #expect(text.contains(word))
    #expect(text.contains("127.0.0.1"))
    #expect(Clock.bootTime().nanoseconds(since: began) < 2_000_000_000)
    #expect(counters == ResolverCounters(queries: 1, failures: 1))
  }

  @Test func `an answer that ends inside a record is a failure`() throws {
    let (resolution, _) = try look("a.example") { .addresses(["192.0.2.1"], to: $0).with(.cutShort) }
    guard case .failed(let text) = resolution else { throw Unexpected(resolution) }
    #expect(text.contains("malformed"))
  }

  @Test(arguments: [
    [Record.Content.raw(.ipv4, [192, 0, 2])], [.address([192, 0, 2, 1]), .raw(.ipv4, [192, 0, 2])],
    [.raw(.ipv6, [UInt8](repeating: 1, count: 17))],
  ])
  func `a record that is no address makes the answer a failure`(_ contents: [Record.Content]) throws {
    let (resolution, _) = try look("a.example", family: 0) { question in
      Response(.noError, contents.map { Record(question.name, ttl: 60, $0) })
    }
    guard case .failed(let text) = resolution else { throw Unexpected(resolution) }
    #expect(text.contains("malformed"))
  }

  @Test(arguments: [Response.Fault.wrongID, .wrongQuestion, .garbage, .empty])
  func `answers to something else are not taken`(_ fault: Response.Fault) throws {
    let (resolution, _) = try look("a.example", timeout: .milliseconds(600)) {
      // Probes get an answer.
      $0.name.isEmpty ? .refused : .addresses(["192.0.2.1"], to: $0).with(fault)
    }
    guard case .timedOut = resolution else { throw Unexpected(resolution) }
  }

  @Test func `a server that does not know EDNS is asked without`() throws {
    let server = try NameServer { $0.hasEDNS ? Response(.formatError) : .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      for index in 0..<500 { answers.ask(resolver, "n\(index).example") }
      let arrivals = answers.take(final: 500)
      #expect(arrivals.filter(\.answer.isFinal).count == 500)
      #expect(arrivals.allSatisfy { $0.answer.resolution.texts == ["192.0.2.1"] })
    }
  }

  @Test func `questions say that answers may have 1,232 bytes`() throws {
    let server = try NameServer { $0.room == 1232 ? .addresses(["192.0.2.1"], to: $0) : .refused }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
    }
  }

  @Test func `an answer that does not fit comes over TCP`() throws {
    let server = try NameServer { .addresses((1...40).map { "192.0.2.\($0)" }, to: $0).with(.truncated) }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == (1...40).map { "192.0.2.\($0)" })
      // Two at once, on the connection that is there or a new one.
      answers.ask(resolver, "b.example", family: 4)
      answers.ask(resolver, "c.example", family: 4)
      #expect(answers.take(final: 2).allSatisfy { $0.answer.resolution.texts?.count == 40 })
    }
  }

  @Test func `where all answers are truncated and TCP is refused names fail, soon`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0).with(.truncated) }
    try server.closeListener()
    try Resolver.withThread(settings(server)) { resolver in
      let began = Clock.bootTime()
      for index in 0..<100 { answers.ask(resolver, "n\(index).example") }
      let arrivals = answers.take(final: 100)
      #expect(arrivals.count == 100)
      for arrival in arrivals {
        guard case .failed(let text) = arrival.answer.resolution else { throw Unexpected(arrival.answer.resolution) }
        #expect(text.contains("TCP"))
      }
      #expect(Clock.bootTime().nanoseconds(since: began) < 3_000_000_000)
      #expect(resolver.pulse.verdict(since: began, now: Clock.bootTime()) == .living)
    }
    #expect((1...200).contains(server.total(of: .nameServer)))
  }

  @Test func `more addresses than are of use are cut`() throws {
    let (resolution, _) = try look("a.example") { question in
      .addresses((0..<100).map { "192.0.2.\($0)" }, to: question)
    }
    #expect(resolution?.texts == (0..<64).map { "192.0.2.\($0)" })
  }

  @Test func `aliases are followed, and the shortest TTL of the chain counts`() throws {
    let server = try NameServer {
      .aliases([("b.example", 30), ("c.example", 7)], ["192.0.2.1", "192.0.2.2"], ttl: 100, to: $0)
    }
    try Resolver.withThread(settings(server)) { resolver in
      for family in [UInt8(4), 6] {
        answers.ask(resolver, "a.example", family: family)
        guard let arrival = answers.take().last else { throw Unexpected(nil) }
        if family == 6 {
          #expect(arrival.answer.resolution == .noAddress)
          continue
        }
        #expect(arrival.answer.resolution.texts == ["192.0.2.1", "192.0.2.2"])
        let lifetime = arrival.answer.expiresAt.nanoseconds(since: arrival.at)
        #expect((6_000_000_000...7_000_000_000).contains(lifetime))
      }
    }
  }

  @Test func `with a TTL of 0 each look-up asks anew`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], ttl: 0, to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      for _ in 0..<3 { #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"]) }
      #expect(resolver.counters == ResolverCounters(queries: 3))
    }
    #expect(server.count("a.example", .ipv4) == 3)
  }

  @Test func `a short TTL is kept to`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], ttl: 1, to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      answers.ask(resolver, "a.example", family: 4)
      guard let first = answers.take().last else { throw Unexpected(nil) }
      while Clock.bootTime() < first.answer.expiresAt {
        #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
        if Clock.bootTime() < first.answer.expiresAt { #expect(server.count("a.example", .ipv4) == 1) }
      }
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
      #expect(server.count("a.example", .ipv4) == 2)
    }
  }

  @Test func `a slow answer counts, though the question was repeated meanwhile`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0).after(.milliseconds(1500)) }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, "a.example", family: 4)?.texts == ["192.0.2.1"])
      #expect(server.count("a.example", .ipv4) == 2)
      #expect(resolver.counters == ResolverCounters(queries: 1))
    }
  }

  @Test func `a dot at the end of a name is not sent`() throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, "a.example.", family: 4)?.texts == ["192.0.2.1"])
      #expect(server.count("a.example", .ipv4) == 1)
    }
  }

  @Test(arguments: [String(repeating: "a", count: 64) + ".example", "a..example", "a.onion", "a.onion."])
  func `a name that no server can be asked for is not found`(_ name: String) throws {
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      #expect(answers.look(resolver, name, family: 4) == .notFound)
      #expect(resolver.pulse.lastHeardAt == nil)
      #expect(server.addressQuestions == 0)
    }
  }
}

/// A result that the test cannot go on with.
struct Unexpected: Error {
  let text: String

  init(_ resolution: Resolution?) { text = resolution.map { "\($0)" } ?? "nothing" }
}
