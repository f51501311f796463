import FetchModel
import Glibc
import NameServer
import PosixIO
import Resolver
import Testing

/// Two families, the hosts file, and what resolv.conf says.
@Suite struct LiveSystemTests {
  private let answers: Answers

  init() throws { answers = try Answers() }

  static func write(_ text: String, to path: String) throws {
    guard let file = fopen(path, "we") else { throw SystemError("fopen") }
    defer { fclose(file) }
    guard fputs(text, file) >= 0 else { throw SystemError("fputs") }
  }

  /// A file of that text, for as long as `body` runs.
  static func withFile(_ text: String, _ body: (String) throws -> Void) throws {
    var template = Array("/var/tmp/trawl-resolver-XXXXXX".utf8CString)
    let raw = mkstemp(&template)
    guard raw >= 0 else { throw SystemError("mkstemp") }
    close(raw)
    let path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    defer { unlink(path) }
    try write(text, to: path)
    try body(path)
  }

  @Test func `IPv4 does not wait long for IPv6, which is told later`() throws {
    let server = try NameServer { question in
      .addresses(["192.0.2.1", "2001:db8::1"], to: question)
        .after(question.type == .ipv6 ? .milliseconds(400) : .zero)
    }
    try Resolver.withThread(settings(server)) { resolver in
      let began = Clock.bootTime()
      answers.ask(resolver, "a.example")
      let arrivals = answers.take()
      guard arrivals.count == 2 else { throw Unexpected(arrivals.last?.answer.resolution) }
      #expect(arrivals[0].answer.resolution.texts == ["192.0.2.1"])
      #expect(!arrivals[0].answer.isFinal)
      #expect((50_000_000..<300_000_000).contains(arrivals[0].at.nanoseconds(since: began)))
      #expect(Set(arrivals[1].answer.resolution.texts ?? []) == ["192.0.2.1", "2001:db8::1"])
      #expect(arrivals[1].at.nanoseconds(since: began) >= 400_000_000)
    }
  }

  @Test func `IPv6 does not wait for IPv4`() throws {
    let server = try NameServer { question in
      .addresses(["192.0.2.1", "2001:db8::1"], to: question)
        .after(question.type == .ipv4 ? .milliseconds(400) : .zero)
    }
    try Resolver.withThread(settings(server)) { resolver in
      let began = Clock.bootTime()
      answers.ask(resolver, "a.example")
      let arrivals = answers.take()
      guard arrivals.count == 2 else { throw Unexpected(arrivals.last?.answer.resolution) }
      #expect(arrivals[0].answer.resolution.texts == ["2001:db8::1"])
      #expect(arrivals[0].at.nanoseconds(since: began) < 300_000_000)
    }
  }

  @Test func `addresses that this host can reach come first, families in turns`() throws {
    // Loopback can be reached in any network; documentation addresses may or may not.
    let server = try NameServer { .addresses(["::1", "127.0.0.1", "127.0.0.2"], to: $0) }
    try Resolver.withThread(settings(server)) { resolver in
      let texts = answers.look(resolver, "a.example")?.texts ?? []
      #expect(Set(texts) == ["::1", "127.0.0.1", "127.0.0.2"])
      let four = texts.filter { $0 != "::1" }
      #expect(four == ["127.0.0.1", "127.0.0.2"])
      #expect(texts == ["::1", "127.0.0.1", "127.0.0.2"] || texts.last == "::1")
    }
  }

  @Test func `the hosts file goes before servers, and is read again when it changes`() throws {
    let server = try NameServer { _ in .noSuchName }
    try Self.withFile("192.0.2.1 a.example\n") { path in
      var settings = settings(server)
      settings.hostsPath = path
      try Resolver.withThread(settings) { resolver in
        #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.1"])
        #expect(answers.look(resolver, "a.example", family: 6) == .noAddress)
        #expect(answers.look(resolver, "b.example") == .notFound)
        #expect(resolver.counters == ResolverCounters(queries: 2, hits: 2, failures: 1))
        try Self.write("192.0.2.22 a.example\n", to: path)
        let end = Clock.bootTime() + .seconds(5)
        while answers.look(resolver, "a.example")?.texts == ["192.0.2.1"], Clock.bootTime() < end {
          answers.pause(milliseconds: 50)
        }
        #expect(answers.look(resolver, "a.example")?.texts == ["192.0.2.22"])
      }
    }
    #expect(server.count("a.example", .ipv4) == 0)
  }

  @Test func `a truncated answer in a search domain is asked for again over TCP`() throws {
    let server = try NameServer { question in
      question.name == "web.first.example"
        ? .addresses(["192.0.2.1"], to: question).with(.truncated) : .noSuchName
    }
    try Self.withFile("search first.example second.example\n") { path in
      var settings = settings(server)
      settings.resolvPath = path
      try Resolver.withThread(settings) { resolver in
        #expect(answers.look(resolver, "web", family: 4)?.texts == ["192.0.2.1"])
        #expect(server.count("web.second.example", .ipv4) == 0)
      }
    }
  }

  @Test func `a name without a dot is looked for in the search domains, then by itself`() throws {
    let server = try NameServer { question in
      question.name == "web.second.example" || question.name == "alone"
        ? .addresses(["192.0.2.1"], to: question) : .noSuchName
    }
    try Self.withFile("search first.example second.example\n") { path in
      var settings = settings(server)
      settings.resolvPath = path
      try Resolver.withThread(settings) { resolver in
        #expect(answers.look(resolver, "web", family: 4)?.texts == ["192.0.2.1"])
        #expect(server.count("web.first.example", .ipv4) == 1)
        #expect(answers.look(resolver, "alone", family: 4)?.texts == ["192.0.2.1"])
        #expect(answers.look(resolver, "none", family: 4) == .notFound)
        #expect(answers.look(resolver, "other.name", family: 4) == .notFound)
        #expect(answers.look(resolver, "web.", family: 4) == .notFound)
      }
    }
    #expect(server.count("other.name.first.example", .ipv4) == 0)
    #expect(server.count("web", .ipv4) == 1)
  }

  @Test func `a resolv file that changes takes effect, for what is on its way, too`() throws {
    let server = try NameServer { question in
      question.name == "web.second.example" ? .addresses(["192.0.2.1"], to: question) : .noSuchName
    }
    try Self.withFile("search first.example\n") { path in
      var settings = settings(server)
      settings.resolvPath = path
      try Resolver.withThread(settings) { resolver in
        #expect(answers.look(resolver, "web", family: 4) == .notFound)
        try server.set(.silent)
        let others = try Answers()
        answers.ask(resolver, "web.second.example")
        answers.pause(milliseconds: 20)
        try Self.write("search second.example\n", to: path)
        let end = Clock.bootTime() + .seconds(3)
        while server.count("web.second.example", .ipv4) < 3, Clock.bootTime() < end {
          // Something that wakes the thread.
          others.ask(resolver, "other.example")
          others.pause(milliseconds: 50)
        }
        try server.set(.answering)
        #expect(answers.take().last?.answer.resolution.texts == ["192.0.2.1"])
        #expect(answers.look(resolver, "web", family: 6) == .noAddress)
      }
    }
  }

  @Test func `the system's servers are asked if none is given`() throws {
    // Nothing is there, at an address of this host that nobody uses; the message names it.
    try Self.withFile("nameserver 127.53.53.53\n") { path in
      var settings = ResolverSettings()
      settings.hostsPath = "/dev/null"
      settings.resolvPath = path
      settings.lookupTimeout = .seconds(1)
      try Resolver.withThread(settings) { resolver in
        let found = answers.look(resolver, "a.example", family: 4)
        guard case .unavailable(let text) = found else { throw Unexpected(found) }
        #expect(text.contains("127.53.53.53:53"))
      }
    }
  }
}
