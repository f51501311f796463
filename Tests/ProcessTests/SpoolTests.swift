import Foundation
import Testing

@Suite struct `A job that reads standard input` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func start() throws -> Sandbox.RunningJob {
    try sandbox.startLocal(
      input: "-",
      ["--cacert", origin.authority, "--per-origin", "16"],
      agents: 1,
      pipe: true
    )
  }

  private func rows(_ count: Int) throws -> String {
    try (0..<count).map { try origin.url("/latency/20?count=1&row=\($0)") + "\n" }.joined()
  }

  @Test func `to its end goes on with all of it after a kill`() throws {
    let running = try start()
    let text = try slowToEnd(600).map { try origin.url($0) + "\n" }.joined()
    try running.program.send(text)
    running.program.closeInput()
    try sandbox.waitForRecords(running, bytes: 10_000)
    // The end of the input is durable before anybody is told of it.
    try waitUntil("the end of the input") {
      String(decoding: sandbox.contents(running, "status.json"), as: UTF8.self).contains("\"input_has_ended\" : true")
    }
    try sandbox.kill(running)
    #expect(sandbox.contents(running, "input") == Data(text.utf8))
    let job = try sandbox.resume(running)
    let records = try job.records(600)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    #expect(try origin.hits().values.allSatisfy { $0 <= 2 })
    _ = try sandbox.ask("verify", of: running)
  }

  @Test func `that was cut off records exactly what came, and says that there was more`() throws {
    let running = try start()
    let whole = try rows(400)
    try running.program.send(whole + "https://localh")
    try sandbox.waitForRecords(running, bytes: 10_000)
    try waitUntil("all is spooled") { sandbox.size(of: "\(running.name)/input") == whole.utf8.count + 14 }
    try sandbox.kill(running)
    for _ in 1...2 {
      let job = try sandbox.resume(running, expecting: .exit(2))
      #expect(job.program.errorText.contains("standard input was cut off"), "\(job.program.errorText)")
      try job.records(400).expectAllFetched()
      #expect(try job.summary().state == "incomplete_input")
      #expect(sandbox.contents(running, "input") == Data(whole.utf8), "half a line is no row")
    }
    #expect(try origin.hits().count == 400)
  }
}

@Suite struct `A reader of standard output` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `that has enough ends the job quietly and at once`() throws {
    let list = try sandbox.list(try (0..<5_000).map { try origin.url("/latency/100?row=\($0)") })
    let script = "{ \"$0\" \"$@\"; echo $? >status; } | head -n 5"
    let arguments = ["local", list, "-o", "-", "--agents", "1", "--cacert", origin.authority]
    let shell = ["-c", script, try Sandbox.builtProgram("coordinator")] + arguments + ["--quiet"]
    let reader = try sandbox.start("reader", at: "/bin/sh", shell)
    #expect(try reader.wait(within: 15) == .exit(0))
    #expect(reader.outputText.split(separator: "\n").count == 5)
    #expect(reader.errorText == "", "nothing is wrong")
    let status = FileManager.default.contents(atPath: "\(sandbox.path)/status") ?? Data()
    #expect(String(decoding: status, as: UTF8.self) == "2\n", "not every row has an outcome")
    #expect(sandbox.names(in: "run").isEmpty)
  }
}
