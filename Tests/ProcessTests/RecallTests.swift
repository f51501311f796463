import Foundation
import Testing

@Suite struct `Rows that wait at a busy agent` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `are asked back for one that comes later, and none is sent twice`() throws {
    let port = try HeldPort.free()
    let first = try sandbox.startAgent(port: port)
    // Few enough that all of them are with the first agent at once.
    let targets = (0..<30).map { "/latency/500?count=1&row=\($0)" }
    let rows = try targets.map { try origin.url($0) }
    let options = ["--cacert", origin.authority, "--per-origin", "2"]
    let running = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options)
    try sandbox.waitForRecords(running, bytes: 1)
    let second = try sandbox.startAgent(port: port)
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    let records = try job.records(rows.count)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    #expect(Set(records.all.compactMap(\.agent)).count == 2, "\(second.errorText)")
    for target in targets { #expect(try origin.hits(target) == 1, "\(target)") }
    #expect(first.poll() == nil && second.poll() == nil)
  }
}
