import Foundation
import Testing

/// Real programs that know each other by keys.
@Suite(.serialized) struct `A cluster with keys` {
  let sandbox: Sandbox
  let origin: Origin
  let port: Int

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    port = try HeldPort.free()
  }

  private func makeKeys(_ folder: String = "keys", agents: Int) throws {
    let (ending, program) = try sandbox.run("coordinator", ["keygen", folder, "--agents", "\(agents)"])
    #expect(ending == .exit(0), "\(program.errorText)")
  }

  private func rows(_ range: Range<Int>, _ target: String = "/fixed/100?count=1&row=") throws -> String {
    try range.map { try origin.url("\(target)\($0)") + "\n" }.joined()
  }

  private func start(_ options: [String] = []) throws -> Sandbox.RunningJob {
    try sandbox.startRemote(
      input: "-",
      port: port,
      ["--keys", "keys", "--cacert", origin.authority] + options,
      pipe: true
    )
  }

  /// Ends the input and expects every row to be fetched, once.
  private func finish(_ running: Sandbox.RunningJob, _ count: Int, sourceLocation: SourceLocation = #_sourceLocation)
    throws -> (records: Records, refused: [String: Int])
  {
    running.program.closeInput()
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)", sourceLocation: sourceLocation)
    let records = try job.records(count, sourceLocation: sourceLocation)
    records.expectAllFetched(sourceLocation: sourceLocation)
    return (records, try job.summary().refused)
  }

  @Test func `does a job`() throws {
    try makeKeys(agents: 2)
    let agents = try [1, 2].map { try sandbox.startAgent(port: port, ["--keys", "keys/agent-\($0)"]) }
    // Options that hold secrets are no matter where all is encrypted.
    let running = try start(["-u", "name:password"])
    try running.program.send(try rows(0..<1))
    try waitUntil("both are welcomed") { agents.allSatisfy { $0.welcomes > 0 } }
    try running.program.send(try rows(1..<2_000))
    let (_, refused) = try finish(running, 2_000)
    #expect(refused == [:])
  }

  @Test func `lets no stranger in, counts them and names each once`() throws {
    try makeKeys(agents: 1)
    try makeKeys("others", agents: 1)
    // A key of its own, and the coordinator's real one.
    try FileManager.default.removeItem(atPath: "\(sandbox.path)/others/agent-1/coordinator.pub")
    try FileManager.default.copyItem(
      atPath: "\(sandbox.path)/keys/coordinator.pub",
      toPath: "\(sandbox.path)/others/agent-1/coordinator.pub"
    )
    try makeKeys("wrong", agents: 1)
    let unknown = try sandbox.startAgent(port: port, ["--keys", "others/agent-1"])
    let mistaken = try sandbox.startAgent(port: port, ["--keys", "wrong/agent-1"])
    let bare = try sandbox.startAgent(port: port)
    let running = try start()
    try running.program.send(try rows(0..<10))
    let strangers: [(agent: Program, words: String)] = [
      (unknown, "allowed-agents"), (mistaken, "coordinator.pub"), (bare, "--keys"),
    ]
    for (agent, words) in strangers {
      try waitUntil("the stranger says why: \(words)") { agent.errorText.contains(words) }
    }
    let agent = try sandbox.startAgent(port: port, ["--keys", "keys/agent-1"])
    try waitUntil("the agent is welcomed") { agent.welcomes > 0 }
    try running.program.send(try rows(10..<500))
    let (records, refused) = try finish(running, 500)
    #expect(records.agents.count == 1)
    #expect(refused["unknown_key", default: 0] > 0, "\(refused)")
    // One that encrypts nothing, and one that encrypts for somebody else.
    #expect(refused["handshake_failed", default: 0] > 1, "\(refused)")
    let lines = running.program.errorLines.filter { $0.contains("unknown_key") }
    #expect(lines.count == 1 && lines.first?.contains("127.0.0.1") == true, "\(running.program.errorText)")
    for (agent, words) in strangers {
      #expect(agent.welcomes == 0 && agent.poll() == nil)
      #expect(agent.errorText.components(separatedBy: words).count == 2, "\(agent.errorText)")
    }
  }

  @Test func `takes an agent in that gets its key later`() throws {
    try makeKeys(agents: 0)
    let running = try start()
    try running.program.send(try rows(0..<100))
    try makeKeys(agents: 1)
    let agent = try sandbox.startAgent(port: port, ["--keys", "keys/agent-1"])
    try waitUntil("the agent is welcomed") { agent.welcomes > 0 }
    _ = try finish(running, 100)
  }

  @Test func `is left by an agent whose key is removed, and others do its rows`() throws {
    try makeKeys(agents: 2)
    let agents = try [1, 2].map { try sandbox.startAgent(port: port, ["--keys", "keys/agent-\($0)"]) }
    let running = try start(["--per-origin", "16"])
    try running.program.send(try rows(0..<1_500, "/latency/20?count=1&row="))
    try waitUntil("both are welcomed") { agents.allSatisfy { $0.welcomes > 0 } }
    try sandbox.waitForRecords(running, bytes: 50_000)
    let path = "\(sandbox.path)/keys/allowed-agents"
    let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
    try Data((lines.filter { !$0.hasSuffix(" agent-1") }.joined(separator: "\n") + "\n").utf8)
      .write(to: URL(fileURLWithPath: path), options: .atomic)
    try waitUntil("the agent is told") { agents[0].errorText.contains("not on the list") }
    #expect(running.program.errorText.contains("is gone"))
    try running.program.send(try rows(1_500..<2_000, "/latency/20?count=1&row="))
    let (records, refused) = try finish(running, 2_000)
    let late = Set(records.all.filter { $0.seq >= 1_500 }.compactMap(\.agent))
    #expect(late.count == 1, "\(late)")
    #expect(refused["key_removed", default: 0] > 0, "\(refused)")
    #expect(agents[0].welcomes == 1 && agents[1].welcomes == 1)
    // Debug lines are there for each try.
    let notices = agents[0].errorLines.filter { $0.contains("notice") && $0.contains("not on the list") }
    #expect(notices.count == 1, "\(agents[0].errorText)")
  }

  @Test func `keeps its keys when more are made`() throws {
    try makeKeys(agents: 1)
    let names = ["coordinator.key", "coordinator.pub", "agent-1/agent.key"].map { "\(sandbox.path)/keys/\($0)" }
    let before = names.map { FileManager.default.contents(atPath: $0) }
    try makeKeys(agents: 2)
    #expect(names.map { FileManager.default.contents(atPath: $0) } == before)
    #expect(before.allSatisfy { $0?.count == 41 })
    #expect(sandbox.names(in: "keys").filter { $0.hasPrefix("agent-") } == ["agent-1", "agent-2", "agent-3"])
  }

  @Test func `may listen for other hosts`() throws {
    try makeKeys(agents: 1)
    let list = try sandbox.list(try (0..<10).map { try origin.url("/fixed/100?row=\($0)") })
    let agent = try sandbox.startAgent(port: port, ["--keys", "keys/agent-1", "--once"])
    let options = ["--listen", "tcp://0.0.0.0:\(port)", "--keys", "keys", "--cacert", origin.authority]
    let (ending, program) = try sandbox.run("coordinator", ["run", list, "-o", "out"] + options)
    #expect(ending == .exit(0), "\(program.errorText)")
    #expect(try agent.wait() == .exit(0))
  }

  @Test func `uses no key that others can read, and no folder that is another's`() throws {
    try makeKeys(agents: 1)
    let list = try sandbox.list([try origin.url("/fixed/100")])
    let coordinator = ["run", list, "-o", "out", "--listen", "tcp://127.0.0.1:\(port)"]
    let agent = ["--coordinator", "tcp://127.0.0.1:\(port)"]
    for (name, program, arguments) in [
      ("coordinator.key", "coordinator", coordinator + ["--keys", "keys"]),
      ("agent-1/agent.key", "agent", agent + ["--keys", "keys/agent-1"]),
    ] {
      let path = "\(sandbox.path)/keys/\(name)"
      try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
      try expectRefusal(program, arguments, saying: ["keys/\(name)", "0644", "chmod 600"])
      try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }
    try expectRefusal("agent", agent + ["--keys", "keys"], saying: ["--keys keys/agent-1"])
    try expectRefusal("agent", agent + ["--keys", "absent"], saying: ["absent"])
    try expectRefusal("coordinator", coordinator + ["--keys", "keys/agent-1"], saying: ["coordinator keygen"])
    try expectRefusal("coordinator", ["keygen", "keys/allowed-agents"], saying: ["keys/allowed-agents"])
    try expectRefusal(
      "coordinator",
      coordinator + ["--keys", "keys", "--insecure-plaintext"],
      saying: ["--insecure-plaintext", "coordinator run --help"],
      ending: .exit(64)
    )
    #expect(!sandbox.exists("out"))
  }

  private func expectRefusal(
    _ name: String,
    _ arguments: [String],
    saying words: [String],
    ending expected: Ending = .exit(2),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let (ending, program) = try sandbox.run(name, arguments, within: 20)
    #expect(ending == expected, sourceLocation: sourceLocation)
    let speaksOfUsage = program.errorText.contains("--help")
    #expect(speaksOfUsage == (expected == .exit(64)), "\(program.errorText)", sourceLocation: sourceLocation)
    #expect(program.errorLines.count == 1, "\(program.errorText)", sourceLocation: sourceLocation)
    for word in words {
      #expect(program.errorText.contains(word), "\(program.errorText)", sourceLocation: sourceLocation)
    }
  }
}
