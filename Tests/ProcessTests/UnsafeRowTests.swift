import Foundation
import Testing

/// What must not be sent twice, in the places where a retry would begin with the row's own request again.
@Suite struct `A request that must not be sent twice` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func post(_ target: String) throws -> String { "{\"url\":\"\(try origin.url(target))\",\"method\":\"POST\"}" }

  private func finished(_ rows: [String], _ options: [String] = []) throws -> Sandbox.RunningJob {
    let running = try sandbox.startLocal(
      input: try sandbox.list(rows),
      ["--cacert", origin.authority, "--retry-delay", "0.1"] + options,
      agents: 1
    )
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    return running
  }

  @Test func `is not sent again when the page that its answer points to cannot be reached`() throws {
    let there = try origin.url("/", "refused").addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? ""
    let targets = (0..<3).map { "/redirect-to?count=1&row=\($0)&status=303&url=\(there)" }
    let running = try finished(try targets.map(post), ["-L"])
    var hits = try origin.hits()
    #expect(targets.allSatisfy { hits[$0] == 1 }, "\(hits)")
    let job = try sandbox.resume(running, ["--retry-failed"])
    hits = try origin.hits()
    #expect(targets.allSatisfy { hits[$0] == 1 }, "\(hits)")
    #expect(job.program.errorText.contains("left alone  3"), "\(job.program.errorText)")
  }

  @Test func `is not sent again because of its status unless that is asked for`() throws {
    let targets = (0..<3).map { "/status/502?count=1&row=\($0)" }
    let running = try finished(try targets.map(post))
    _ = try sandbox.resume(running, ["--only-status", "5xx"])
    #expect(try targets.allSatisfy { try origin.hits()[$0] == 1 })
    _ = try sandbox.resume(running, ["--only-status", "5xx", "--retry-unsafe"])
    let hits = try origin.hits()
    #expect(targets.allSatisfy { hits[$0] ?? 0 > 1 }, "\(hits)")
  }

  @Test func `is not lost by an interruption if it was not sent`() throws {
    let targets = (0..<1_500).map { "/latency/20?count=1&row=\($0)" }
    let running = try sandbox.startLocal(
      input: try sandbox.list(try targets.map(post)),
      ["--cacert", origin.authority, "--per-origin", "16"],
      agents: 2
    )
    try sandbox.waitForRecords(running, bytes: 20_000)
    running.program.signal(SIGINT)
    #expect(try running.program.wait(within: 20) == .exit(130), "\(running.program.errorText)")
    let job = try sandbox.resume(running)
    let records = try job.records(targets.count)
    records.expectAllFetched()
    #expect(try origin.hits().values.allSatisfy { $0 == 1 })
  }

  @Test func `is repeated only by the run that was told to`() throws {
    let targets = (0..<60).map { "/latency/200?count=1&row=\($0)" }
    let running = try sandbox.startLocal(
      input: try sandbox.list(try targets.map(post)),
      ["--cacert", origin.authority, "--per-origin", "4"],
      agents: 1
    )
    try waitUntil("hits") { try origin.hits().count >= 8 }
    try sandbox.kill(running)
    let second = try sandbox.startResume(running, ["--retry-unsafe"])
    try waitUntil("more hits") { try origin.hits().count >= 20 }
    try sandbox.kill(second)
    let before = try origin.hits()
    let job = try sandbox.resume(running)
    _ = try job.records(targets.count)
    let after = try origin.hits()
    #expect(before.allSatisfy { after[$0.key] == $0.value }, "what had left is not sent by the third run")
  }
}
