import Foundation
import Testing

/// Twenty thousand rows against nginx, and agents that die on the way. One after the other: each takes the whole
/// machine.
@Suite(.serialized) struct `A large job` {
  private static let count = 20_000

  let sandbox: Sandbox
  let origin: Origin
  let nginx: Nginx

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    nginx = try Nginx(in: sandbox, certificates: origin)
  }

  private func urls(_ range: Range<Int>) -> [String] { range.map(nginx.url) }

  /// Every row has the body of its own path.
  private func expectRightBodies(_ records: Records, sourceLocation: SourceLocation = #_sourceLocation) {
    records.expectAllFetched(sourceLocation: sourceLocation)
    let wrong = records.all.filter { record in
      let body = Array(Nginx.body(record.seq).utf8)
      return record.url != nginx.url(record.seq) || record.bodyBytes != body.count
        || record.bodySha256 != Digest.sha256(body)
    }
    #expect(wrong.isEmpty, "\(wrong.count) rows are wrong, such as \(wrong.prefix(3))", sourceLocation: sourceLocation)
  }

  @Test func `on one box records every row once with the right sum, and its summary agrees`() throws {
    let job = try sandbox.fetch(urls(0..<Self.count), ["--cacert", origin.authority, "--per-origin", "6"], agents: 2)
    let records = try job.records(Self.count)
    expectRightBodies(records)
    let summary = try job.summary()
    summary.expectAgreement(with: records)
    #expect(summary.state == "complete")
    #expect(summary.inputRows == Self.count)
    #expect(summary.refused == [:])
    #expect(summary.effort.attempts == Self.count)
    #expect(summary.effort.instances == 2)
    #expect(summary.effort.instancesWithoutLastReport == 0)
    // Shares move between agents, so more are opened in all than are open at once; a few, not one a request.
    #expect((1...24).contains(summary.effort.connections.opened), "\(summary.effort.connections)")
    #expect(summary.effort.connections.opened + summary.effort.connections.reused == Self.count)
    #expect(summary.effort.handshakes.full + summary.effort.handshakes.resumed == summary.effort.connections.opened)
    #expect(sandbox.names(in: "run").isEmpty, "the local socket's folder is left behind")
  }

  @Test func `over TCP is shared by an agent that came before and one that came after, and both do the next`() throws {
    let port = try HeldPort.free()
    let early = try sandbox.startAgent(port: port)
    let running = try sandbox.startRemote(input: "-", port: port, ["--cacert", origin.authority], pipe: true)
    let half = Self.count / 2
    try running.program.send(urls(0..<half).joined(separator: "\n") + "\n")
    let late = try sandbox.startAgent(port: port)
    try waitUntil("both agents are welcomed") { early.welcomes > 0 && late.welcomes > 0 }
    try running.program.send(urls(half..<Self.count).joined(separator: "\n") + "\n")
    running.program.closeInput()
    let first = try running.wait()
    #expect(first.ending == .exit(0), "\(first.program.errorText)")
    let records = try first.records(Self.count)
    expectRightBodies(records)
    #expect(records.agents.count == 2, "\(records.agents)")
    try first.summary().expectAgreement(with: records)

    #expect(early.poll() == nil && late.poll() == nil, "agents stay for the next job")
    let next = try sandbox.startRemote(
      input: try sandbox.list(urls(0..<Self.count)),
      port: port,
      ["--cacert", origin.authority]
    ).wait()
    #expect(next.ending == .exit(0), "\(next.program.errorText)")
    expectRightBodies(try next.records(Self.count))
    #expect(early.poll() == nil && late.poll() == nil)
  }

  @Test func `on one box loses nothing with an agent that is killed`() throws {
    // Slow enough that the agent holds rows when it dies.
    let rows = try (0..<Self.count).map { try origin.url("/latency/4?row=\($0)") }
    let options = ["--cacert", origin.authority, "--per-origin", "64", "--retry", "0"]
    let begin = Date()
    let running = try sandbox.startLocal(input: try sandbox.list(rows), options, agents: 2)
    try sandbox.waitForRecords(running, bytes: 500_000)
    let agents = ProcessTable.children(of: running.program.identifier)
    try #require(agents.count == 2)
    kill(agents[0], SIGKILL)
    try waitUntil("the death is noticed", within: 5) { running.program.errorText.contains("killed by signal 9") }
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(Self.count)
    records.expectAllFetched()
    let summary = try job.summary()
    summary.expectAgreement(with: records)
    #expect(summary.effort.instancesWithoutLastReport >= 1)
    #expect(records.agents.count >= 2)
    // Nobody waited for a lease: 4 ms for each of 20,000 rows over 64 connections, and some patience.
    #expect(Date().timeIntervalSince(begin) < 30 * patience)
  }

  @Test func `over TCP loses nothing with an agent that is killed`() throws {
    let port = try HeldPort.free()
    let doomed = try sandbox.startAgent(port: port)
    let other = try sandbox.startAgent(port: port)
    let rows = try (0..<Self.count).map { try origin.url("/latency/4?row=\($0)") }
    let running = try sandbox.startRemote(
      input: try sandbox.list(rows),
      port: port,
      ["--cacert", origin.authority, "--per-origin", "64", "--retry", "0"]
    )
    try waitUntil("both agents are welcomed") { doomed.welcomes > 0 && other.welcomes > 0 }
    try sandbox.waitForRecords(running, bytes: 500_000)
    let killedAt = Date()
    doomed.signal(SIGKILL)
    let job = try running.wait(within: 90)
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(Self.count)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    #expect(job.program.errorText.contains("is silent"), "the loss is said")
    // A lease is 11 seconds.
    #expect(Date().timeIntervalSince(killedAt) < 35 * patience)
  }
}
