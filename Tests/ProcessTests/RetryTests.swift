import Foundation
import Testing

@Suite struct `Another attempt` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func fetch(_ rows: [String], _ options: [String]) throws -> [Record] {
    let job = try sandbox.fetch(rows, options + ["--cacert", origin.authority])
    let records = try job.records(rows.count)
    try job.summary().expectAgreement(with: records)
    return records.all
  }

  @Test func `is made after a status that may pass, until there are no more`() throws {
    let targets = ["/flaky/1?count=1", "/flaky/2?count=1", "/flaky/3?count=1", "/status/404?count=1"]
    let found = try fetch(try targets.map { try origin.url($0) }, ["--retry", "2", "--retry-delay", "0.1"])
    #expect(found.map(\.status) == [200, 200, 503, 404])
    #expect(found.map(\.attempts) == [2, 3, 3, 1])
    #expect(try targets.map(origin.hits) == [2, 3, 3, 1])
  }

  @Test func `is made after a failure that may pass`() throws {
    let found = try fetch(
      [try origin.url("/reset/head?count=1"), try origin.url("/", "refused"), try origin.url("/", "expired")],
      ["--retry", "1", "--retry-delay", "0"]
    )
    #expect(found.map(\.attempts) == [2, 2, 1])
    #expect(found.map(\.gist) == ["head/reset", "connect/connect_refused", "tls/tls_certificate_expired"])
  }

  @Test func `is not made with --retry 0`() throws {
    let found = try fetch([try origin.url("/flaky/1?count=1")], ["--retry", "0"])
    #expect(found.map(\.status) == [503] && found.map(\.attempts) == [1])
    #expect(try origin.hits("/flaky/1?count=1") == 1)
  }

  @Test func `is made of a POST with --retry-unsafe only`() throws {
    let options = ["-d", "x", "--retry", "2", "--retry-delay", "0"]
    let once = try fetch([try origin.url("/flaky/1?count=1&a")], options)
    #expect(once.map(\.status) == [503] && once.map(\.attempts) == [1])
    #expect(try origin.hits("/flaky/1?count=1&a") == 1)
    let twice = try fetch([try origin.url("/flaky/1?count=1&b")], options + ["--retry-unsafe"])
    #expect(twice.map(\.status) == [200] && twice.map(\.attempts) == [2])
    let row = #"{"url":"\#(try origin.url("/flaky/1?count=1&c"))","method":"POST"}"#
    #expect(try fetch([row], ["--retry", "2", "--retry-delay", "0"]).map(\.status) == [503])
  }

  @Test func `waits as long as the origin asks`() throws {
    let url = try origin.url("/retry-after/1?status=503&count=1")
    let begin = Date()
    let found = try fetch([url], ["--retry", "1", "--retry-delay", "0"])
    #expect(found.map(\.status) == [503] && found.map(\.attempts) == [2])
    #expect(Date().timeIntervalSince(begin) >= 1)
  }

  @Test func `is not made if it would begin after --retry-max-time`() throws {
    let target = "/retry-after/3600?status=503&count=1"
    let begin = Date()
    let found = try fetch([try origin.url(target)], ["--retry", "3", "--retry-max-time", "10"])
    #expect(found.map(\.status) == [503] && found.map(\.attempts) == [1])
    #expect(try origin.hits(target) == 1)
    #expect(Date().timeIntervalSince(begin) < 8 * patience)
  }
}

@Suite(.serialized) struct `Connections to an origin` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test(arguments: [1, 3, 7]) func `are never more than --per-origin over two agents`(limit: Int) throws {
    let rows = try (0..<400 * limit).map { try origin.url("/latency/2?row=\($0)") }
    let job = try sandbox.fetch(rows, ["--cacert", origin.authority, "--per-origin", "\(limit)"], agents: 2)
    try job.records(rows.count).expectAllFetched()
    let open = try #require(try origin.counts().listeners["https"]).openMax
    // The origin may see a new connection before the end of one that was closed for it.
    #expect((1...limit + 1).contains(open), "\(open) at once, at most \(limit) are allowed")
  }

  @Test func `are limited for each origin by itself, and the limit is used`() throws {
    let port = try origin.port()
    let rows = (0..<600).map { "https://h\($0 % 3).origin.test:\(port)/latency/10?row=\($0)" }
    let options = ["--per-origin", "2", "--resolve", "*:*:127.0.0.1", "--cacert", origin.authority]
    try sandbox.fetch(rows, options).records(rows.count).expectAllFetched()
    let open = try #require(try origin.counts().listeners["https"]).openMax
    #expect((6...9).contains(open), "\(open) at once for three origins with two each")
  }
}
