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
}
