import Foundation
import Testing

/// Three agents over TCP and what the origin sees of them. Counts, not times: other load changes nothing.
@Suite(.serialized) struct `A cluster of three agents` {
  let sandbox: Sandbox
  let origin: Origin
  private let port: Int

  init() throws {
    sandbox = try Sandbox()
    // Other load may keep the origin from noticing for a while that a connection was closed; one too many that the
    // cluster keeps would be seen for seconds.
    origin = try Origin(in: sandbox, ["--overlap", "500"])
    port = try HeldPort.free()
  }

  /// Starts a job whose rows are sent later, and waits for its agents.
  private func begin(_ agents: [Program], first row: String, _ options: [String] = []) throws -> Sandbox.RunningJob {
    let running = try sandbox.startRemote(
      input: "-",
      port: port,
      ["--cacert", origin.authority] + options,
      pipe: true
    )
    // Nobody is welcomed before there is a row.
    try running.program.send(row + "\n")
    try waitUntil("all agents are welcomed") { agents.allSatisfy { $0.welcomes > 0 } }
    return running
  }

  @Test func `holds no more connections than allowed while agents are killed and added`() throws {
    let limit = 12
    let rows = try (0..<10_000).map { try origin.url("/latency/5?row=\($0)") }
    var agents = try (0..<3).map { _ in try sandbox.startAgent(port: port) }
    let running = try begin(agents, first: rows[0], ["--per-origin", "\(limit)"])
    try running.program.send(rows[1..<7_000].joined(separator: "\n") + "\n")
    for bytes in [300_000, 600_000] {
      try sandbox.waitForRecords(running, bytes: bytes)
      agents.removeFirst().signal(SIGKILL)
      agents.append(try sandbox.startAgent(port: port))
    }
    try waitUntil("the new ones are welcomed") { agents.allSatisfy { $0.welcomes > 0 } }
    try waitUntil("the leases of the dead are over") {
      running.program.errorText.components(separatedBy: "is gone").count > 2
    }
    // From here on what belonged to the dead is given out again.
    try running.program.send(rows[7_000...].joined(separator: "\n") + "\n")
    running.program.closeInput()
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.count)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    let counts = try origin.counts()
    let seen = try #require(counts.listeners["https"])
    #expect(seen.openSustainedMax <= limit, "\(seen)")
    // The measure measures.
    #expect(seen.openSustainedMax > limit / 2, "\(seen)")
    #expect(counts.requests >= rows.count)
  }

  @Test func `sends nearly all requests on connections that are open, however many origins are mixed`() throws {
    let origins = 200
    let each = 100
    var random = Sequential()
    let https = try origin.port()
    let rows = (0..<origins * each).map { "https://o\($0 % origins).origin.test:\(https)/fixed/100?row=\($0)" }
      .shuffled(using: &random)
    let agents = try (0..<3).map { _ in try sandbox.startAgent(port: port) }
    let running = try begin(agents, first: rows[0], ["--resolve", "*:\(https):127.0.0.1"])
    try running.program.send(rows[1...].joined(separator: "\n") + "\n")
    running.program.closeInput()
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.count)
    records.expectAllFetched()
    let connections = try job.summary().effort.connections
    // On a busy machine origins answer late, and shares grow: up to five connections each.
    #expect(connections.reused * 100 >= rows.count * 95, "\(connections)")
    #expect(connections.opened + connections.reused == rows.count)
    // The agents say what the origin saw.
    #expect(try origin.counts().listeners["https"]?.accepted == connections.opened)
  }
}

/// The same numbers in every run (SplitMix64).
private struct Sequential: RandomNumberGenerator {
  private var state: UInt64 = 20

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}
