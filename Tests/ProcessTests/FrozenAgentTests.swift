import Foundation
import Testing

@Suite struct `An agent frozen for longer than its lease` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `costs nothing but time, and is welcome again afterwards`() throws {
    let port = try HeldPort.free()
    let frozen = try sandbox.startAgent(port: port)
    let other = try sandbox.startAgent(port: port)
    let running = try sandbox.startRemote(
      input: "-",
      port: port,
      ["--cacert", origin.authority, "--per-origin", "16"],
      pipe: true
    )
    func rows(_ range: Range<Int>) throws -> String {
      try range.map { try origin.url("/latency/20?count=1&row=\($0)") + "\n" }.joined()
    }
    try running.program.send(try rows(0..<2_000))
    try waitUntil("both agents are welcomed") { frozen.welcomes > 0 && other.welcomes > 0 }
    try sandbox.waitForRecords(running, bytes: 100_000)
    frozen.signal(SIGSTOP)
    try waitUntil("the lease is over", within: 30) { running.program.errorText.contains("is gone") }
    frozen.signal(SIGCONT)
    try waitUntil("it is welcomed again") { frozen.welcomes > 1 }
    try running.program.send(try rows(2_000..<3_000))
    running.program.closeInput()
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(3_000)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    let lateAgents = Set(records.all.filter { $0.seq >= 2_000 }.compactMap(\.agent))
    #expect(lateAgents.count == 2, "the agent that was frozen works again: \(lateAgents)")
    #expect(frozen.poll() == nil)
  }

  @Test func `does not send a request whose connection came into being meanwhile`() throws {
    let server = try Listener()
    // Takes the only place, so that the agent has to wait for its connection.
    let first = try Client(port: server.port)
    let port = try HeldPort.free()
    let agent = try sandbox.startAgent(port: port)
    let list = try sandbox.list(["http://127.0.0.1:\(server.port)/"])
    let options = ["-d", "x", "--connect-timeout", "60", "-m", "120"]
    let running = try sandbox.startRemote(input: list, port: port, options)
    try waitUntil("the agent connects") { server.isKnockedAt }
    agent.signal(SIGSTOP)
    _ = try server.accept()
    let connection = try withExtendedLifetime(first) { try server.accept(within: 20) }
    let record = try running.wait().records(1)[0]
    #expect(record.gist == "cluster/agent_lost")
    agent.signal(SIGCONT)
    #expect(String(decoding: connection.receive(), as: UTF8.self) == "")
  }
}
