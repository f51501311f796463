import Foundation
import Testing

/// Strangers at the coordinator's port, while a job runs.
@Suite struct `A stranger at the coordinator's port` {
  let sandbox: Sandbox
  let origin: Origin
  let port: Int
  let agent: Program
  let running: Sandbox.RunningJob

  /// Starts a job that goes on for as long as its input is open.
  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    port = try HeldPort.free()
    agent = try sandbox.startAgent(port: port)
    running = try sandbox.startRemote(input: "-", port: port, ["--cacert", origin.authority], pipe: true)
    try running.program.send(try Self.rows(origin, 0..<500))
    try sandbox.waitForRecords(running, bytes: 50_000)
  }

  private static func rows(_ origin: Origin, _ range: Range<Int>) throws -> String {
    try range.map { try origin.url("/fixed/100?row=\($0)") + "\n" }.joined()
  }

  /// Gives the job its other half and expects that nothing is amiss; returns what was refused.
  private func finish(sourceLocation: SourceLocation = #_sourceLocation) throws -> [String: Int] {
    try running.program.send(try Self.rows(origin, 500..<1_000))
    running.program.closeInput()
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)", sourceLocation: sourceLocation)
    let records = try job.records(1_000, sourceLocation: sourceLocation)
    records.expectAllFetched(sourceLocation: sourceLocation)
    #expect(records.agents.count == 1, sourceLocation: sourceLocation)
    #expect(agent.welcomes == 1, "the agent's session was disturbed", sourceLocation: sourceLocation)
    return try job.summary().refused
  }

  @Test func `who talks nonsense does no harm`() throws {
    var random = SystemRandomNumberGenerator()
    var texts: [[UInt8]] = [
      Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), [0xFF], [0x16, 0x03, 0x01, 0x02, 0x00],
      Array(repeating: 0, count: 9),
    ]
    for _ in 0..<20 { texts.append((0..<2_000).map { _ in UInt8.random(in: 0...255, using: &random) }) }
    var clients: [Client] = []
    for text in texts {
      let client = try Client(port: port)
      // The coordinator may have hung up already.
      try? client.send(text)
      clients.append(client)
    }
    try withExtendedLifetime(clients) { _ = try finish() }
  }

  @Test func `who speaks another version is refused and told so`() throws {
    let peer = try RawAgent(port: port)
    try peer.send([RawAgent.hello(minimumVersion: 90, maximumVersion: 99)])
    let answer = String(decoding: try peer.receiveFrame(), as: UTF8.self)
    #expect(answer.contains("protocol versions") && answer.contains("90 to 99"), "\(answer)")
    #expect(try finish() == ["version_mismatch": 1])
    #expect(running.program.errorText.contains("version_mismatch"))
  }

  @Test func `whose hello lacks something is refused`() throws {
    let peer = try RawAgent(port: port)
    try peer.send([RawAgent.hello(minimumVersion: 3, maximumVersion: 3, instanceBytes: 3)])
    let answer = String(decoding: try peer.receiveFrame(), as: UTF8.self)
    #expect(answer.contains("hello"), "\(answer)")
    #expect(try finish() == ["bad_greeting": 1])
  }

  @Test func `who sends other messages is counted, and one who claims a session is sent to say hello`() throws {
    let peer = try RawAgent(port: port)
    try peer.send([Array("this is no message".utf8)])
    try peer.send([[], [], []])
    // Far more frames than any message has.
    try peer.send(Array(repeating: [1], count: 200))
    // A beat of session 1, which belongs to the real agent.
    try peer.send([[0x08, 0x01, 0x1A, 0x02, 0x08, 0x05]])
    // Field 4: hello_again.
    #expect(try peer.receiveFrame().suffix(2) == [0x22, 0x00])
    let refused = try finish()
    #expect(refused["not_this_protocol"] == 2, "\(refused)")
    #expect(refused["too_many_frames"] == 1, "\(refused)")
  }
}
