import NameServer
import Testing

/// How often name servers are asked.
@Suite struct `A host name` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// Connections that are opened one after another, for some seconds.
  private func series(_ site: NamedOrigin, _ host: String) throws -> Job {
    let rows = try (0..<30).map { try site.url(host, "/latency/100?row=\($0)") }
    let job = try site.fetch(rows, ["--per-origin", "1", "-H", "Connection: close"])
    let records = try job.records(30)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.reused == false })
    return job
  }

  @Test func `is asked for once in each family, however many want it`() throws {
    // Late enough that many ask before there is an answer.
    let site = try NamedOrigin(sandbox) { .loopback(to: $0).after(.milliseconds(100)) }
    let names = (0..<50).map { "n\($0).test" }
    let rows = try (0..<4000).map { try site.url(names[$0 % 50], "/fixed/1?row=\($0)") }
    let options = ["--threads", "4", "--per-origin", "8", "-H", "Connection: close"]
    let job = try site.fetch(rows, options)
    try job.records(4000).expectAllFetched()
    let often = names.filter { site.names.count($0, .ipv4) != 1 || site.names.count($0, .ipv6) != 1 }
    #expect(often.isEmpty, "\(often)")
    #expect(site.names.addressQuestions == 100)
    let effort = try ResolverEffort(of: job)
    #expect(effort.queries == 100)
    #expect(effort.failures == 0 && effort.timeouts == 0)
    let opened = try job.summary().effort.connections.opened
    #expect(opened == 4000)
    // Whoever opens a connection asks; most of them know, or wait for whoever asked first.
    #expect((opened - 100 - 50 * 8 * 4...opened - 50).contains(effort.hits), "\(effort)")
  }

  @Test func `whose time is over is asked for anew`() throws {
    let site = try NamedOrigin(sandbox) { .loopback(ttl: 1, to: $0) }
    let job = try series(site, "short.test")
    let duration = try job.summary().latencySeconds.mean * 30
    let asked = site.names.count("short.test", .ipv4)
    #expect(asked >= 3 && Double(asked) <= duration + 2 * patience, "\(asked) times in \(duration) s")
    #expect(try ResolverEffort(of: job).queries == site.names.addressQuestions)
  }

  @Test func `whose time is long is not`() throws {
    let site = try NamedOrigin(sandbox) { .loopback(ttl: 600, to: $0) }
    let job = try series(site, "long.test")
    #expect(site.names.addressQuestions == 2)
    #expect(try ResolverEffort(of: job) == ResolverEffort(queries: 2, hits: 29, failures: 0, timeouts: 0))
    let line = "names       2 questions to name servers, 29 answers without, 0 timed out"
    #expect(job.program.errorText.contains(line), "\(job.program.errorText)")
  }

  @Test func `that must not be remembered is asked for by each connection`() throws {
    let site = try NamedOrigin(sandbox) { .loopback(ttl: 0, to: $0) }
    let job = try series(site, "fleeting.test")
    #expect(site.names.count("fleeting.test", .ipv4) == 30)
    #expect(try ResolverEffort(of: job).queries == site.names.addressQuestions)
  }

  @Test func `that does not exist is not asked for by each row`() throws {
    let site = try NamedOrigin(sandbox) { _ in .noSuchName }
    // Few: after some failures an origin is left in peace for a while.
    let rows = try (0..<40).map { try site.url("no.test", "/fixed/1?row=\($0)") }
    let job = try site.fetch(rows)
    #expect(try job.records(40).all.allSatisfy { $0.gist == "dns/dns_not_found" })
    #expect(site.names.addressQuestions == 2)
    let effort = try ResolverEffort(of: job)
    #expect(effort.queries == 2 && effort.failures == 1 && effort.timeouts == 0, "\(effort)")
  }

  @Test(arguments: [("-4", RecordType.ipv4, RecordType.ipv6), ("-6", .ipv6, .ipv4)])
  func `is asked for in one family if one is wanted`(_ option: String, _ wanted: RecordType, _ other: RecordType) throws
  {
    let site = try NamedOrigin(sandbox) { .addresses(["127.0.0.1", "::1"], to: $0) }
    let record = try site.fetch([try site.url("a.test")], [option, "--retry", "0"]).records(1).all[0]
    // Nobody listens on ::1.
    #expect(option == "-4" ? record.gist == "200 1" : record.error?.phase == "connect", "\(record)")
    #expect(site.names.count("a.test", wanted) == 1)
    #expect(site.names.total(of: other) == 0)
  }
}
