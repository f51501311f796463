import Foundation
import Testing

/// What is said on standard error may reach nobody; the job is done all the same.
@Suite struct `A job whose standard error` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// `script` runs the coordinator as "$0" "$@" and puts its exit status into the file `status`.
  private func expectDone(_ script: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let rows = try (0..<200).map { try origin.url("/latency/1?row=\($0)") }
    let list = try sandbox.list(rows)
    let program = try sandbox.start(
      "coordinator",
      at: "/bin/sh",
      ["-c", script, Sandbox.builtProgram("coordinator"), "local", list, "-o", "out", "--cacert", origin.authority]
    )
    try program.wait(within: 30)
    let status = FileManager.default.contents(atPath: "\(sandbox.path)/status") ?? Data()
    #expect(String(decoding: status, as: UTF8.self) == "0\n", sourceLocation: sourceLocation)
    let data = FileManager.default.contents(atPath: "\(sandbox.path)/out/results.jsonl") ?? Data()
    try Records(data, count: rows.count, sourceLocation: sourceLocation).expectAllFetched(
      sourceLocation: sourceLocation
    )
  }

  @Test func `is full`() throws { try expectDone(#""$0" "$@" 2>/dev/full; echo $? > status"#) }

  @Test func `is closed`() throws { try expectDone(#""$0" "$@" 2>&-; echo $? > status"#) }

  @Test func `loses its reader`() throws { try expectDone(#"{ "$0" "$@" 2>&1; echo $? > status; } | true"#) }

  @Test func `is full does not hide that an agent failed`() throws {
    // Longer than a socket's path may be (unix(7)).
    let endpoint = "ipc:///" + String(repeating: "a", count: 200)
    let program = try sandbox.start(
      "agent",
      at: "/bin/sh",
      ["-c", #"exec "$0" "$@" 2>/dev/full"#, Sandbox.builtProgram("agent"), "--coordinator", endpoint]
    )
    #expect(try program.wait(within: 10) == .exit(2))
  }
}
