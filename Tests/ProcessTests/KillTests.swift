import Foundation
import Glibc
import Testing

/// kill -9 of coordinators in the middle of their jobs.
@Suite struct `A job whose coordinator is killed` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private var options: [String] { ["--cacert", origin.authority, "--retry", "0", "--per-origin", "32"] }

  @Test func `goes on, every row is recorded once, and no POST is sent twice`() throws {
    let rows = try MixedRows(1_200, at: origin, "/latency/20")
    let running = try sandbox.startLocal(input: try sandbox.list(rows.lines), options, agents: 2)
    try sandbox.waitForRecords(running, bytes: 60_000)
    try sandbox.kill(running)
    #expect(try sandbox.ask("status", of: running).contains("stopped; go on with: coordinator resume"))
    #expect(try sandbox.ask("verify", of: running, expecting: .exit(1)).contains("not finished"))
    let job = try sandbox.resume(running)
    let records = try job.records(rows.lines.count)
    rows.expectFates(records, hits: try origin.hits(), kills: 1)
    #expect(records.all.count { $0.error != nil } <= 32, "leased against free connections only")
    try job.summary().expectAgreement(with: records)
    #expect(try sandbox.ask("verify", of: running).contains("sound: 1,200 rows"))
    #expect(try sandbox.ask("status", of: running).contains("state       complete"))
  }

  private func asked() throws -> Int { try origin.hits().values.reduce(0, +) }

  /// Every row was fetched, by one request.
  private func expectNothingDoubled(_ job: Job, _ targets: [String]) throws {
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(targets.count)
    records.expectAllFetched()
    let hits = try origin.hits()
    #expect(hits.count == targets.count && hits.values.allSatisfy { $0 == 1 }, "\(hits.filter { $0.value != 1 })")
    try job.summary().expectAgreement(with: records)
  }

  @Test func `is handed what remote agents have finished meanwhile, and nothing is fetched again`() throws {
    let targets = (0..<60).map { "/latency/400?count=1&row=\($0)" }
    let port = try HeldPort.free()
    let agent = try sandbox.startAgent(port: port)
    let list = try sandbox.list(try targets.map { try origin.url($0) })
    let running = try sandbox.startRemote(input: list, port: port, options + ["--per-origin", "20"])
    try waitUntil("the first rows are under way") { try asked() >= 20 }
    // It takes no more results and gives no more rows; the agent has some.
    running.program.signal(SIGSTOP)
    let early = try asked()
    try waitUntil("rows are finished that nobody knows of", within: 5) { try asked() > early }
    try sandbox.kill(running)
    try expectNothingDoubled(try sandbox.resume(running), targets)
    #expect(agent.poll() == nil && agent.welcomes == 2, "\(agent.errorText)")
    _ = try sandbox.ask("verify", of: running)
  }

  @Test func `is told of the POSTs that remote agents still do, and none of them is lost`() throws {
    let targets = (0..<10).map { "/latency/1500?count=1&row=\($0)" }
    let port = try HeldPort.free()
    _ = try sandbox.startAgent(port: port)
    let list = try sandbox.list(try targets.map { try origin.url($0) })
    let running = try sandbox.startRemote(input: list, port: port, options + ["-d", "x"])
    try waitUntil("all are under way") { try asked() == targets.count }
    try sandbox.kill(running)
    try expectNothingDoubled(try sandbox.resume(running), targets)
  }

  @Test func `twice within a lease goes on all the same`() throws {
    let rows = try MixedRows(1_200, at: origin, "/latency/20")
    let port = try HeldPort.free()
    let agents = [try sandbox.startAgent(port: port), try sandbox.startAgent(port: port)]
    var running = try sandbox.startRemote(input: try sandbox.list(rows.lines), port: port, options)
    try sandbox.waitForRecords(running, bytes: 60_000)
    for round in 2...3 {
      try sandbox.kill(running)
      running = try sandbox.startResume(running)
      // The second is killed as soon as it knows one agent again.
      try waitUntil("an agent is welcomed again") { agents.contains { $0.welcomes >= round } }
    }
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.lines.count)
    rows.expectFates(records, hits: try origin.hits(), kills: 2)
    try job.summary().expectAgreement(with: records)
    _ = try sandbox.ask("verify", of: running)
    #expect(agents.allSatisfy { $0.poll() == nil })
  }

  @Test func `goes on when the agents that it had started are gone, and not before`() throws {
    let rows = try MixedRows(400, at: origin, "/latency/20")
    let running = try sandbox.startLocal(input: try sandbox.list(rows.lines), options, agents: 2)
    try sandbox.waitForRecords(running, bytes: 20_000)
    try sandbox.kill(running)
    // As an agent does that does not hear of it and may still send what it has. A stopped one would not do: the kernel
    // hangs it up when its parent is gone (setpgid(2)).
    let lock = Glibc.open("\(running.directory)/lock", O_RDWR | O_CLOEXEC)
    defer { Glibc.close(lock) }
    try waitUntil("the end of its agents") { flock(lock, LOCK_EX | LOCK_NB) == 0 }
    let refused = try sandbox.ask("verify", of: running, ["--rebuild"], expecting: .exit(2))
    #expect(refused.contains("agents of the job in \(running.name) are still ending"), "\(refused)")
    let early = sandbox.contents(running)
    let resumed = try sandbox.startResume(running)
    func open() -> [String] {
      let folder = "/proc/\(resumed.program.identifier)/fd"
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return names.compactMap { try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\($0)") }
    }
    try waitUntil("it looks at the job's folder") { open().contains { $0.hasSuffix("/\(running.name)") } }
    #expect(!open().contains { $0.hasSuffix("/results.jsonl") } && sandbox.contents(running) == early)
    #expect(resumed.program.poll() == nil)
    try #require(flock(lock, LOCK_UN) == 0)
    let job = try resumed.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    rows.expectFates(try job.records(rows.lines.count), hits: try origin.hits(), kills: 1)
    _ = try sandbox.ask("verify", of: running)
  }

  @Test func `before it was one can be started again`() throws {
    let list = try sandbox.list(try (0..<50).map { try origin.url("/fixed/10?row=\($0)") })
    let arguments = ["local", list, "-o", "job", "--agents", "1", "--cacert", origin.authority]
    let first = try sandbox.start("coordinator", arguments)
    try waitUntil("its folder") { sandbox.exists("job") || first.poll() != nil }
    first.signal(SIGKILL)
    try first.wait()
    let job = Sandbox.RunningJob(program: first, name: "job", directory: "\(sandbox.path)/job")
    if sandbox.exists("job/job.json") {
      _ = try sandbox.resume(job).records(50)
    } else {
      let refused = try sandbox.resume(job, expecting: .exit(2))
      #expect(refused.program.errorText.contains("holds no job"), "\(refused.program.errorText)")
      let (ending, program) = try sandbox.run("coordinator", arguments)
      #expect(ending == .exit(0), "\(program.errorText)")
    }
    _ = try Records(sandbox.contents(job), count: 50)
    _ = try sandbox.ask("verify", of: job)
  }
}
