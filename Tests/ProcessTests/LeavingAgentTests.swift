import Foundation
import Testing

/// Agents that are told to end while they work.
@Suite struct `An agent that is told to end` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// Names of the agents in the records so far.
  private func agents(of job: Sandbox.RunningJob) throws -> Set<String> {
    let data = FileManager.default.contents(atPath: "\(job.directory)/results.jsonl") ?? Data()
    let whole = data.lastIndex(of: 0x0A).map { data[...$0] } ?? Data()
    return Set(try Records.lines(Data(whole)).compactMap(\.agent))
  }

  @Test func `finishes the POSTs it has started and leaves the others to the rest`() throws {
    let port = try HeldPort.free()
    let leaving = try sandbox.startAgent(port: port)
    let staying = try sandbox.startAgent(port: port)
    let targets = (0..<500).map { "/latency/200?row=\($0)" }
    let rows = try targets.map { try origin.url($0) }
    let options = ["--cacert", origin.authority, "-d", "x", "-H", "X-Count: 1", "--per-origin", "16"]
    let running = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options)
    try waitUntil("both agents work") { try agents(of: running).count == 2 }
    leaving.signal(SIGTERM)
    #expect(try leaving.wait(within: 10) == .exit(0), "\(leaving.errorText)")
    #expect(running.program.poll() == nil, "the job was over before the agent was")
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.count)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    #expect(!job.program.errorText.contains("lost"), "\(job.program.errorText)")
    for target in targets { #expect(try origin.hits(target) == 1, "\(target)") }
    #expect(staying.poll() == nil)
  }

  @Test func `gives up what takes too long, and by a second signal everything`() throws {
    let port = try HeldPort.free()
    let agent = try sandbox.startAgent(port: port)
    let rows = try (0..<8).map { try origin.url("/latency/60000?row=\($0)") }
    let options = ["--cacert", origin.authority, "--per-origin", "8", "--retry", "0"]
    let running = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options)
    try waitUntil("its requests are there") { try agent.welcomes > 0 && origin.counts().requests > 0 }
    let begin = Date()
    agent.signal(SIGTERM)
    usleep(300_000)
    #expect(agent.poll() == nil, "it does not wait for what it has started")
    agent.signal(SIGINT)
    #expect(try agent.wait(within: 10) == .exit(0), "\(agent.errorText)")
    #expect(Date().timeIntervalSince(begin) < 4 * patience, "the time to finish rows is 5 s")
    try waitUntil("its rows are given out again") { running.program.errorText.contains("given out again") }
    running.program.signal(SIGINT)
    #expect(try running.program.wait(within: 15) == .exit(130))
  }
}

@Suite struct `An origin that asks for a pause with its last answer to a row` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test(arguments: ["/retry-after/2?status=429", "/retry-after/2?status=503", "/retry-after/2?form=date"])
  func `is left alone for as long`(_ target: String) throws {
    let rows = try ([target] + (0..<20).map { "/fixed/1?row=\($0)" }).map { try origin.url($0) }
    let options = ["--cacert", origin.authority, "--per-origin", "1", "--retry", "0"]
    let job = try sandbox.fetch(rows, options)
    let records = try job.records(rows.count)
    try job.summary().expectAgreement(with: records)
    #expect(records.all[0].status == 429 || records.all[0].status == 503)
    #expect(records.all.dropFirst().allSatisfy { $0.status == 200 && $0.attempts == 1 })
    let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
    let begins = try records.all.map { try Date($0.startedAt ?? "", strategy: format) }
    let pause = try #require(begins.dropFirst().min()).timeIntervalSince(begins[0])
    #expect((2..<20).contains(pause), "the next request came after \(pause) s")
  }
}
