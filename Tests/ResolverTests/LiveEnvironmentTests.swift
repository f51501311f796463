import FetchModel
import Glibc
import NameServer
import PosixIO
import Resolver
import Testing

/// What belongs to the whole process; each in one of its own, so that nothing else is disturbed.
@Suite struct LiveEnvironmentTests {
  @Test func `what the environment says about domains and aliases does not count`() async {
    await #expect(processExitsWith: .success) { try Self.lookUp() }
  }

  private static func lookUp() throws {
    let answers = try Answers()
    let server = try NameServer { question in
      question.name == "web.file.example" ? .addresses(["192.0.2.1"], to: question) : .noSuchName
    }
    try LiveSystemTests.withFile("search file.example\n") { path in
      try LiveSystemTests.withFile("web alias.environment.example\nother alias.environment.example\n") { aliases in
        for (name, value) in [
          ("LOCALDOMAIN", "environment.example"), ("RES_OPTIONS", "ndots:0"), ("HOSTALIASES", aliases),
          ("CARES_HOSTS", aliases),
        ] { setenv(name, value, 1) }
        var settings = settings(server)
        settings.resolvPath = path
        try Resolver.withThread(settings) { resolver in
          let found = answers.look(resolver, "web", family: 4)
          // By itself it is tried last.
          guard found?.texts == ["192.0.2.1"], server.count("web", .ipv4) == 0 else { throw Unexpected(found) }
          let other = answers.look(resolver, "other", family: 4)
          guard other == .notFound, server.count("other.file.example", .ipv4) == 1, server.addressQuestions == 3 else {
            throw Unexpected(other)
          }
        }
      }
    }
  }

  @Test func `a resolver for which there was no descriptor works as soon as there is`() async {
    await #expect(processExitsWith: .success) { try Self.lookUpLater() }
  }

  private static func lookUpLater() throws {
    let answers = try Answers()
    let server = try NameServer { .addresses(["192.0.2.1"], to: $0) }
    // Now it has its own descriptors.
    try server.set(.answering)
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let whole = limit.rlim_cur
    let next = open("/dev/null", O_RDONLY | O_CLOEXEC)
    close(next)
    // For its mailbox only.
    limit.rlim_cur = rlim_t(next) + 1
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    try Resolver.withThread(settings(server)) { resolver in
      let found = answers.look(resolver, "a.example", family: 4)
      guard case .unavailable = found else { throw Unexpected(found) }
      limit.rlim_cur = whole
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      let end = Clock.bootTime() + .seconds(10)
      while answers.look(resolver, "a.example", family: 4)?.texts == nil {
        guard Clock.bootTime() < end else { throw Unexpected(nil) }
        answers.pause(milliseconds: 50)
      }
    }
  }
}
