import NameServer
import Synchronization
import Testing

/// What name servers say, and what becomes of the rows.
@Suite struct `An answer of a name server` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// Once for questions of each type, another thing afterwards.
  private static func first(_ first: Response.Fault) -> @Sendable (Question) -> Response {
    let seen = Mutex<Set<String>>([])
    return { question in
      let isFirst = seen.withLock { $0.insert("\(question.name) \(question.type.code)").inserted }
      return isFirst ? .loopback(to: question).with(first) : .loopback(to: question)
    }
  }

  @Test func `gives each kind of failure a code of its own`() throws {
    let site = try NamedOrigin(sandbox) { question in
      switch question.name {
      case "missing.test": .noSuchName
      case "empty.test": .noData
      case "alias.test": .aliases([("nowhere.test", 60)], [], to: question)
      case "failing.test": .serverFailure
      case "refused.test": .refused
      default: .loopback(to: question)
      }
    }
    let hosts = ["missing", "empty", "alias", "failing", "refused", "good"].map { "\($0).test" }
    let job = try site.fetch(try hosts.map { try site.url($0) }, ["--retry", "0"])
    let records = try job.records(hosts.count).all
    #expect(
      records.map(\.gist) == [
        "dns/dns_not_found", "dns/dns_no_address", "dns/dns_no_address", "dns/dns_servfail", "dns/dns_servfail",
        "200 1",
      ]
    )
    for (record, host) in zip(records, hosts).dropLast() {
      #expect(record.error?.message.contains(host) == true, "\(record)")
    }
    #expect(records[3].error?.message.contains("SERVFAIL") == true, "\(records[3])")
    #expect(records[4].error?.message.contains("REFUSED") == true, "\(records[4])")
    #expect(records.compactMap(\.error?.retryable) == [false, false, false, true, true])
    try job.summary().expectAgreement(with: job.records(hosts.count))
    #expect(try ResolverEffort(of: job).failures == 5)
  }

  @Test func `that it failed is not its last word`() throws {
    let failures = Mutex(2)
    let site = try NamedOrigin(sandbox) { question in
      guard question.type == .ipv4 else { return .serverFailure }
      let fails = failures.withLock { left in
        left -= 1
        return left >= 0
      }
      return fails ? .serverFailure : .loopback(to: question)
    }
    let record = try site.fetch([try site.url("a.test")], ["--retry", "3", "--retry-delay", "1"]).records(1).all[0]
    #expect(record.gist == "200 1")
    #expect(record.attempts == 3, "\(record)")
  }

  @Test(arguments: [[], ["--connect-timeout", "1"]])
  func `that never comes while others do is a timeout`(_ options: [String]) throws {
    let site = try NamedOrigin(sandbox) { $0.name == "mute.test" ? .silent : .loopback(to: $0) }
    let rows = [try site.url("mute.test"), try site.url("a.test")]
    let job = try site.fetch(rows, ["--retry", "0"] + options)
    let records = try job.records(2).all
    #expect(records.map(\.gist) == ["dns/dns_timeout", "200 1"])
    #expect(records[0].error?.message.contains("mute.test") == true, "\(records[0])")
    let total = records[0].time["total"] ?? 0
    #expect(options.isEmpty ? total > 4 : total > 0.9 && total < 2 * patience, "\(total)")
    #expect(!job.program.errorText.contains("for want of something"), "the host lacks nothing")
    if options.isEmpty {
      #expect(try ResolverEffort(of: job) == ResolverEffort(queries: 4, hits: 0, failures: 1, timeouts: 1))
    }
  }

  @Test func `through aliases, and over TCP if it is long, is as good as any`() throws {
    let addresses = ["127.0.0.1"] + (2...60).map { "127.0.0.\($0)" }
    let site = try NamedOrigin(sandbox) { question in
      switch question.name {
      case "chain.test": .aliases([("b.test", 60), ("c.cdn.test", 60)], ["127.0.0.1"], to: question)
      case "long.test": .addresses(addresses, to: question).with(.truncated)
      default: .noSuchName
      }
    }
    let job = try site.fetch([try site.url("chain.test"), try site.url("long.test")])
    try job.records(2).expectAllFetched()
    // Over UDP, and then over TCP.
    #expect(site.names.count("long.test", .ipv4) == 2)
    #expect(try ResolverEffort(of: job) == ResolverEffort(queries: 4, hits: 0, failures: 0, timeouts: 0))
  }

  @Test(arguments: [Response.Fault.wrongID, .wrongQuestion, .garbage])
  func `to something else is passed over`(_ fault: Response.Fault) throws {
    let site = try NamedOrigin(sandbox, Self.first(fault))
    let rows = try (0..<20).map { try site.url("n\($0).test") }
    let records = try site.fetch(rows, ["--retry", "0"]).records(20)
    records.expectAllFetched()
    // The wrong one was waited out.
    #expect(records.all.allSatisfy { ($0.time["dns"] ?? 0) > 0.1 }, "\(records.all[0])")
  }

  @Test func `is asked for by the name that DNS knows`() throws {
    let site = try NamedOrigin(sandbox)
    let port = try site.origin.port("http")
    let rows = ["UPPER.Test", "upper.test", "bücher.test", "BÜCHER.test", "xn--bcher-kva.test"]
      .map { "http://\($0):\(port)/fixed/1" }
    try site.fetch(rows).records(rows.count).expectAllFetched()
    for name in ["upper.test", "xn--bcher-kva.test"] {
      #expect(site.names.count(name, .ipv4) == 1 && site.names.count(name, .ipv6) == 1, "\(name)")
    }
    #expect(site.names.addressQuestions == 4)
  }

  @Test func `is not needed for what says itself where it is`() throws {
    let site = try NamedOrigin(sandbox) { _ in .refused }
    let hosts = ["localhost", "127.0.0.1", "x.localhost", "LOCALHOST", "2130706433", "no.invalid"]
    let job = try site.fetch(try hosts.map { try site.url($0) })
    #expect(try job.records(hosts.count).all.map(\.gist) == Array(repeating: "200 1", count: 5) + ["dns/dns_not_found"])
    #expect(site.names.addressQuestions == 0)
    #expect(try ResolverEffort(of: job) == ResolverEffort(queries: 0, hits: 0, failures: 0, timeouts: 0))
  }
}

extension ResolverEffort {
  init(queries: Int, hits: Int, failures: Int, timeouts: Int) {
    (self.queries, self.hits, self.failures, self.timeouts) = (queries, hits, failures, timeouts)
  }
}
