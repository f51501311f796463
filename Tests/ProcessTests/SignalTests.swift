import Foundation
import Testing

/// The ends of coordinators and agents that are not their own idea.
@Suite(.serialized) struct `A job that is stopped` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// A local job of slow rows, under way, with its agents.
  private func startSlowJob(count: Int = 20_000) throws -> (job: Sandbox.RunningJob, agents: [pid_t]) {
    let rows = try (0..<count).map { try origin.url("/latency/20?row=\($0)") }
    let job = try sandbox.startLocal(input: try sandbox.list(rows), ["--cacert", origin.authority], agents: 2)
    try sandbox.waitForRecords(job, bytes: 50_000)
    let agents = ProcessTable.children(of: job.program.identifier)
    try #require(agents.count == 2)
    return (job, agents)
  }

  /// Waits until so many rows are recorded. What came after them is under way then: what was not started is not waited
  /// for.
  private func waitForLines(_ job: Sandbox.RunningJob, _ count: Int) throws {
    try waitUntil("\(count) records") {
      let data = FileManager.default.contents(atPath: "\(job.directory)/results.jsonl") ?? Data()
      return data.count { $0 == 0x0A } >= count
    }
  }

  /// All lines are whole, none is there twice.
  private func expectWholeRecords(_ job: Sandbox.RunningJob, atLeast count: Int) throws -> [Record] {
    let data = FileManager.default.contents(atPath: "\(job.directory)/results.jsonl") ?? Data()
    let records = try Records.lines(data)
    #expect(Set(records.map(\.seq)).count == records.count, "a row is there twice")
    #expect(records.count >= count)
    return records
  }

  private func expectGone(_ agents: [pid_t], within seconds: Double = 5) throws {
    try waitUntil("the end of the agents", within: seconds) { agents.allSatisfy { !ProcessTable.isAlive($0) } }
  }

  @Test(arguments: [SIGINT, SIGTERM]) func `by a signal ends with 130 and keeps what it has`(signal: Int32) throws {
    let (job, agents) = try startSlowJob()
    job.program.signal(signal)
    #expect(try job.program.wait(within: 15) == .exit(130), "\(job.program.errorText)")
    let records = try expectWholeRecords(job, atLeast: 50)
    #expect(records.count < 20_000)
    #expect(records.allSatisfy { $0.status == 200 })
    let summary = try Summary(of: job.directory)
    #expect(summary.state == "interrupted" && summary.rows == records.count)
    try expectGone(agents)
    #expect(sandbox.names(in: "run").isEmpty)
  }

  @Test func `by two signals does not wait for what is under way`() throws {
    let rows = try (0..<200).map { try origin.url("/latency/\($0 < 100 ? 1 : 60_000)?row=\($0)") }
    let options = ["--cacert", origin.authority, "--per-origin", "200"]
    let job = try sandbox.startLocal(input: try sandbox.list(rows), options, agents: 1)
    try waitForLines(job, 100)
    let agents = ProcessTable.children(of: job.program.identifier)
    job.program.signal(SIGINT)
    try waitUntil("the first is heard") { job.program.errorText.contains("interrupted") }
    let begin = Date()
    job.program.signal(SIGINT)
    #expect(try job.program.wait(within: 15) == .exit(130))
    #expect(Date().timeIntervalSince(begin) < 4.5 * patience, "the time to finish rows is 5 s")
    _ = try expectWholeRecords(job, atLeast: 80)
    try expectGone(agents)
  }

  @Test func `while rows take too long ends after a while`() throws {
    let rows = try (0..<100).map { try origin.url("/latency/\($0 < 80 ? 1 : 60_000)?row=\($0)") }
    let options = ["--cacert", origin.authority, "--per-origin", "200"]
    let job = try sandbox.startLocal(input: try sandbox.list(rows), options, agents: 1)
    try waitForLines(job, 80)
    let begin = Date()
    job.program.signal(SIGTERM)
    #expect(try job.program.wait(within: 15) == .exit(130))
    #expect(Date().timeIntervalSince(begin) > 4, "the time to finish rows is 5 s")
    _ = try expectWholeRecords(job, atLeast: 80)
  }

  @Test func `before the first row came ends, too`() throws {
    // The pipe stays open and empty.
    let job = try sandbox.startLocal(input: "-", [], agents: 1, pipe: true)
    let tasks = "/proc/\(job.program.identifier)/task"
    // Signals are dealt with before the first thread is started.
    try waitUntil("the input thread") {
      (try? FileManager.default.contentsOfDirectory(atPath: tasks).count) ?? 0 >= 2
    }
    job.program.signal(SIGINT)
    #expect(try job.program.wait(within: 5) == .exit(130))
    #expect(!FileManager.default.fileExists(atPath: job.directory))
  }

  @Test func `before any agent came ends, too`() throws {
    let list = try sandbox.list(["https://localhost/"])
    let job = try sandbox.startRemote(input: list, port: try HeldPort.free(), [])
    try waitUntil("it waits") { job.program.errorText.contains("waiting") }
    job.program.signal(SIGINT)
    #expect(try job.program.wait(within: 15) == .exit(130), "\(job.program.errorText)")
    #expect(!FileManager.default.fileExists(atPath: job.directory), "the folder can be named again")
  }

  @Test func `by SIGKILL leaves no agent and no torn line`() throws {
    let (job, agents) = try startSlowJob()
    job.program.signal(SIGKILL)
    #expect(try job.program.wait() == .signal(SIGKILL))
    try expectGone(agents)
    let data = FileManager.default.contents(atPath: "\(job.directory)/results.jsonl") ?? Data()
    // A kill may fall into a write, which leaves at most the last line unfinished.
    let end = data.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    #expect(try Records.lines(Data(data[..<end])).count >= 50)
  }

  @Test func `for an agent alone says goodbye, and the other goes on`() throws {
    let port = try HeldPort.free()
    let leaving = try sandbox.startAgent(port: port)
    let staying = try sandbox.startAgent(port: port)
    let rows = try (0..<3_000).map { try origin.url("/latency/10?row=\($0)") }
    let options = ["--cacert", origin.authority, "--per-origin", "32"]
    let running = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options)
    try waitUntil("both agents are welcomed") { leaving.welcomes > 0 && staying.welcomes > 0 }
    try sandbox.waitForRecords(running, bytes: 50_000)
    let begin = Date()
    leaving.signal(SIGTERM)
    #expect(try leaving.wait(within: 10) == .exit(0), "\(leaving.errorText)")
    let job = try running.wait()
    #expect(job.ending == .exit(0))
    try job.records(rows.count).expectAllFetched()
    #expect(Date().timeIntervalSince(begin) < 10 * patience, "nobody waits for the lease of one that said goodbye")
  }

  @Test func `with one that is left waiting, an agent with --once ends after the job`() throws {
    let port = try HeldPort.free()
    let agent = try sandbox.startAgent(port: port, ["--once"])
    let list = try sandbox.list([try origin.url("/fixed/1")])
    let job = try sandbox.startRemote(input: list, port: port, ["--cacert", origin.authority]).wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    #expect(try agent.wait(within: 10) == .exit(0))
  }
}

@Suite struct `A POST held by an agent that is killed` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `is never sent twice, and its record says that it is lost`() throws {
    let targets = (0..<400).map { "/latency/50?row=\($0)" }
    let rows = try targets.map { try origin.url($0) }
    let options = ["--cacert", origin.authority, "-d", "x", "-H", "X-Count: 1", "--per-origin", "16"]
    let running = try sandbox.startLocal(input: try sandbox.list(rows), options, agents: 2)
    try sandbox.waitForRecords(running, bytes: 20_000)
    let agents = ProcessTable.children(of: running.program.identifier)
    try #require(!agents.isEmpty)
    for agent in agents { kill(agent, SIGKILL) }
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.count)
    try job.summary().expectAgreement(with: records)
    let lost = records.all.filter { $0.error?.code == "agent_lost" }
    #expect(!lost.isEmpty && lost.allSatisfy { $0.error?.phase == "cluster" && $0.status == nil }, "\(lost)")
    // Leased against free connections only.
    #expect(lost.count <= 16, "\(lost.count) rows were lost with 16 connections")
    #expect(records.all.allSatisfy { $0.status == 200 || $0.error?.code == "agent_lost" })
    for (record, target) in zip(records.all, targets) {
      let hits = try origin.hits(target)
      #expect(record.error == nil ? hits == 1 : hits <= 1, "\(target): \(hits) times, \(record.gist)")
    }
  }
}
