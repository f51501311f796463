import Foundation
import Glibc
import Testing

@Suite struct `A job that goes on` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func start(_ list: String, _ options: [String] = []) throws -> Sandbox.RunningJob {
    try sandbox.startLocal(input: list, ["--cacert", origin.authority, "--per-origin", "16"] + options, agents: 1)
  }

  @Test func `after SIGINT asks for no row again`() throws {
    let targets = (0..<1_000).map { "/latency/20?count=1&row=\($0)" }
    let running = try start(try sandbox.list(try targets.map { try origin.url($0) }))
    try sandbox.waitForRecords(running, bytes: 20_000)
    try sandbox.interrupt(running)
    #expect(running.program.errorText.contains("go on with  coordinator resume"))
    let status = try sandbox.ask("status", of: running)
    #expect(status.contains("interrupted; go on with: coordinator resume"), "\(status)")
    let early = sandbox.contents(running)
    let job = try sandbox.resume(running)
    #expect(job.data.starts(with: early) && job.data.count > early.count)
    let records = try job.records(targets.count)
    records.expectAllFetched()
    try job.summary().expectAgreement(with: records)
    let hits = try origin.hits()
    #expect(hits.count == targets.count && hits.values.allSatisfy { $0 == 1 })
    _ = try sandbox.ask("verify", of: running)
  }

  @Test func `is silent with --quiet, interrupted or not`() throws {
    let list = try sandbox.list(try (0..<400).map { try origin.url("/latency/20?row=\($0)") })
    let running = try start(list, ["--quiet"])
    try sandbox.waitForRecords(running, bytes: 5_000)
    try sandbox.interrupt(running)
    let job = try sandbox.resume(running, ["--quiet"])
    #expect(running.program.errorText + job.program.errorText == "")
    try job.records(400).expectAllFetched()
  }

  @Test func `while it runs is refused with the number of its process`() throws {
    let running = try start(try sandbox.list(try slowToEnd(400).map { try origin.url($0) }))
    try sandbox.waitForRecords(running, bytes: 5_000)
    try waitUntil("status.json") { sandbox.exists("\(running.name)/status.json") }
    // It is asked about for as long as it takes.
    running.program.signal(SIGSTOP)
    let number = "process \(running.program.identifier)"
    let refused = try sandbox.resume(running, expecting: .exit(2))
    #expect(refused.program.errorLines.count == 1 && refused.program.errorText.contains(number))
    #expect(try sandbox.ask("verify", of: running, expecting: .exit(2)).contains(number))
    let status = try sandbox.ask("status", of: running)
    #expect(status.contains("running, \(number)") && status.contains("rows        "), "\(status)")
    running.program.signal(SIGCONT)
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    try job.records(400).expectAllFetched()
  }

  @Test func `when it is complete says so and changes nothing`() throws {
    let list = try sandbox.list(try (0..<20).map { try origin.url("/fixed/10?row=\($0)") })
    let running = try start(list)
    let ended = try running.wait()
    #expect(ended.ending == .exit(0))
    let summary = sandbox.contents(running, "summary.json")
    let again = try sandbox.resume(running)
    #expect(again.program.errorText.contains("is complete: 20 rows"), "\(again.program.errorText)")
    #expect(again.data == ended.data && sandbox.contents(running, "summary.json") == summary)
    let before = sandbox.files(of: running)
    let (ending, refused) = try sandbox.run("coordinator", ["local", list, "-o", running.name])
    #expect(ending == .exit(2) && refused.errorText.contains("already holds a job"), "\(refused.errorText)")
    #expect(sandbox.files(of: running) == before)
  }

  // MARK: The list

  /// A list longer than what is looked at of its beginning and end, most of it a comment, and with its own times.
  private struct List {
    let path: String
    let text: [UInt8]
    private var times = stat()

    init(in sandbox: Sandbox, rows: [String]) throws {
      let filling = Array(repeating: "# " + String(repeating: "-", count: 997), count: 4_000)
      let lines = rows[..<20] + filling + rows[20...]
      path = try sandbox.list(Array(lines))
      text = Array(FileManager.default.contents(atPath: path) ?? Data())
      guard stat(path, &times) == 0 else { throw Trouble("stat: errno \(errno)") }
    }

    /// Puts something in its place that seems as old.
    func replace(with bytes: [UInt8]) throws {
      guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
        throw Trouble("cannot write \(path)")
      }
      guard utimensat(AT_FDCWD, path, [times.st_atim, times.st_mtim], 0) == 0 else {
        throw Trouble("utimensat: errno \(errno)")
      }
    }
  }

  @Test func `takes no list but its own, and goes on once that is back`() throws {
    let list = try List(in: sandbox, rows: try (0..<500).map { try origin.url("/latency/20?count=1&row=\($0)") })
    let running = try start(list.path)
    // Some after the comment are recorded, so all of it was read.
    try waitUntil("40 records") { sandbox.contents(running).count { $0 == 0x0A } >= 40 }
    try sandbox.interrupt(running)
    let early = sandbox.contents(running)

    var middle = list.text
    middle[2_000_000] = UInt8(ascii: "+")
    let lines = list.text.split(separator: 0x0A, omittingEmptySubsequences: false)
    let swapped = Array(([lines[1], lines[0]] + lines[2...]).joined(separator: [0x0A]))
    let changes: [(what: String, text: [UInt8], reason: String)] = [
      ("a row more", list.text + Array("x:\n".utf8), "it has \(list.text.count + 3) bytes"),
      ("another byte in the middle", middle, "it differs after byte"),
      ("another order", swapped, "its beginning is another"),
      ("a shorter list", Array(list.text.dropLast(10)), "it has \(list.text.count - 10) bytes"),
    ]
    for change in changes {
      try list.replace(with: change.text)
      let refused = try sandbox.resume(running, expecting: .exit(2))
      let said = refused.program.errorText
      #expect(said.contains("is not the list that this job began with"), "\(change.what): \(said)")
      #expect(said.contains(change.reason), "\(change.what): \(said)")
      #expect(refused.data == early, "\(change.what) records nothing")
    }
    try FileManager.default.removeItem(atPath: list.path)
    #expect(try sandbox.resume(running, expecting: .exit(2)).program.errorText.contains("cannot read \(list.path)"))

    try list.replace(with: list.text)
    let records = try sandbox.resume(running).records(500)
    records.expectAllFetched()
    let hits = try origin.hits()
    #expect(hits.values.allSatisfy { $0 == 1 }, "\(hits.filter { $0.value != 1 })")
    _ = try sandbox.ask("verify", of: running)
  }

  // MARK: Secrets

  @Test func `sends the credentials it began with, and nothing but the file for them holds any`() throws {
    let secrets = ["us3r:passw0rd", "dXMzcjpwYXNzdzByZA==", "k3y-of-mine", "b0dy-of-mine", "c00kie-of-mine"]
    let rows = try (0..<20_000).map { try origin.url("/echo?row=\($0)") }
    let running = try sandbox.startLocal(
      input: try sandbox.list(rows),
      [
        "--cacert", origin.authority, "--per-origin", "1", "--body", "inline", "-X", "PUT", "-u", secrets[0], "-H",
        "X-Api-Key: \(secrets[2])", "-d", secrets[3], "-b", "c=\(secrets[4])",
      ],
      agents: 1
    )
    try sandbox.waitForRecords(running, bytes: 20_000)
    try sandbox.kill(running)
    let early = sandbox.contents(running).count { $0 == 0x0A }
    let again = try sandbox.startResume(running)
    try waitUntil("more records") { sandbox.contents(running).count { $0 == 0x0A } > early + 200 }
    try sandbox.interrupt(again)
    let records = try Records.lines(sandbox.contents(running))
    try #require(records.count > early)
    for record in records.suffix(100) {
      // What the server says that it was sent.
      let body = record.body ?? ""
      #expect([secrets[1], secrets[2], secrets[3], secrets[4]].allSatisfy { body.contains($0) }, "\(body)")
    }

    var information = stat()
    #expect(stat("\(running.directory)/secrets", &information) == 0 && information.st_mode & 0o777 == 0o600)
    for name in sandbox.names(in: running.name) where name != "secrets" && name != "results.jsonl" {
      let text = String(decoding: sandbox.contents(running, name), as: UTF8.self)
      #expect(!secrets.contains { text.contains($0) }, "\(name) holds a secret")
    }
    for program in [running.program, again.program] {
      #expect(!secrets.contains { program.errorText.contains($0) }, "\(program.errorText)")
    }
  }
}
