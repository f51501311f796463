import Foundation
import Testing

/// Many connections at the coordinator's port, of agents and of others.
@Suite struct `A coordinator with many connections` {
  let sandbox: Sandbox
  let origin: Origin
  let port: Int

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    port = try HeldPort.free()
  }

  private func rows(_ range: Range<Int>) throws -> String {
    try range.map { try origin.url("/fixed/100?row=\($0)") + "\n" }.joined()
  }

  private func expectSound(_ job: Job, _ count: Int) throws {
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    try job.records(count).expectAllFetched()
    let (ending, verify) = try sandbox.run("coordinator", ["verify", job.directory])
    #expect(ending == .exit(0), "\(verify.outputText)\(verify.errorText)")
  }

  @Test func `is not disturbed by strangers that flood it, nor by such as begin and never end`() throws {
    let agent = try sandbox.startAgent(port: port)
    let job = try sandbox.startRemote(input: "-", port: port, ["--cacert", origin.authority], pipe: true)
    try job.program.send(try rows(0..<500))
    try sandbox.waitForRecords(job, bytes: 50_000)

    // Nothing at all, a part of a greeting, a greeting without a handshake.
    let greeting: [UInt8] =
      [0xFF] + Array(repeating: 0, count: 8) + [0x7F, 3, 0] + Array("NULL".utf8) + Array(repeating: 0, count: 48)
    let beginnings = [[], Array(greeting.prefix(9)), greeting]
    let begun = Date()
    let halfOpen = try (0..<30).map { number in
      let client = try Client(port: port)
      try client.send(beginnings[number % beginnings.count])
      return client
    }

    var random = SystemRandomNumberGenerator()
    try flood(500, &random)
    try job.program.send(try rows(500..<1_000))

    // Whoever has not shaken hands for ten seconds is hung up on.
    for client in halfOpen {
      try waitUntil("a half-open connection is closed", within: 30) {
        // The coordinator's own greeting comes first; then the end.
        client.receive().isEmpty && Date().timeIntervalSince(begun) > 5
      }
    }
    #expect(Date().timeIntervalSince(begun) < 25 * patience)

    try job.program.send(try rows(1_000..<1_500))
    job.program.closeInput()
    try expectSound(try job.wait(), 1_500)
    #expect(agent.welcomes == 1, "the agent's session was disturbed")
  }

  /// So many connections at a time, each with random bytes, some behind a valid greeting.
  private func flood(_ count: Int, _ random: inout SystemRandomNumberGenerator) throws {
    var clients: [Client] = []
    for number in 0..<count {
      let client = try Client(port: port)
      let bytes = (0..<Int.random(in: 1...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      // The coordinator may have hung up already.
      try? client.send(number.isMultiple(of: 2) ? bytes : [0xFF, 0, 0, 0, 0, 0, 0, 0, 0, 0x7F, 3, 0] + bytes)
      clients.append(client)
    }
    withExtendedLifetime(clients) {}
  }

  @Test func `raises a low limit of descriptors, as do its agents`() throws {
    let limited = ["-c", "ulimit -Sn 64 && exec \"$0\" \"$@\""]
    let agent = try sandbox.start(
      "agent",
      at: "/bin/sh",
      limited + [
        try Sandbox.builtProgram("agent"), "--coordinator", "tcp://127.0.0.1:\(port)", "--threads", "1", "--verbose",
      ]
    )
    let program = try sandbox.start(
      "coordinator",
      at: "/bin/sh",
      limited + [
        try Sandbox.builtProgram("coordinator"), "run", "-", "-o", "job", "--listen", "tcp://127.0.0.1:\(port)",
        "--cacert", origin.authority, "--per-origin", "120",
      ],
      input: .pipe
    )
    let job = Sandbox.RunningJob(program: program, name: "job", directory: "\(sandbox.path)/job")
    try program.send(try rows(0..<100))
    try sandbox.waitForRecords(job, bytes: 20_000)
    // Each shakes hands, for which its connection has to be accepted.
    let others = try (0..<100).map { _ in try RawAgent(port: port) }
    try program.send(try (100..<500).map { try origin.url("/latency/200?row=\($0)") + "\n" }.joined())
    program.closeInput()
    try withExtendedLifetime(others) { try expectSound(try job.wait(), 500) }
    #expect(agent.welcomes == 1)
    #expect(try origin.counts().listeners["https"].map { $0.openMax > 64 } == true)
  }
}
