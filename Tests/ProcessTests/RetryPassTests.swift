import Foundation
import Testing

@Suite struct `Rows of a job that has ended` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func finished(_ rows: [String], _ options: [String] = []) throws -> Sandbox.RunningJob {
    let all = ["--cacert", origin.authority, "--retry", "0"] + options
    let running = try sandbox.startLocal(input: try sandbox.list(rows), all, agents: 1)
    let job = try running.wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    return running
  }

  /// The rows that a pass has recorded, each once, by seq.
  private func pass(_ number: Int, of job: Sandbox.RunningJob) throws -> [Record] {
    let records = try Records.lines(sandbox.contents(job, "results.retry-\(number).jsonl"))
    #expect(Set(records.map(\.seq)).count == records.count)
    return records.sorted { $0.seq < $1.seq }
  }

  /// What `coordinator records` writes, in its order.
  private func current(_ job: Sandbox.RunningJob) throws -> [Record] {
    try Records.lines(Data(try sandbox.ask("records", of: job).utf8))
  }

  private func withheld(_ job: Sandbox.RunningJob, _ number: Int) throws -> Int {
    struct Part: Decodable { var withheldRows: Int }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Part.self, from: sandbox.contents(job, "summary.retry-\(number).json")).withheldRows
  }

  @Test func `are fetched again into files of their own, but not unsafe ones whose fate is unknown`() throws {
    func post(_ target: String) throws -> String { "{\"url\":\"\(try origin.url(target))\",\"method\":\"POST\"}" }
    let resets = (20..<23).map { "/reset/head?count=1&row=\($0)" }
    var rows = try (0..<10).map { try origin.url("/fixed/10?count=1&row=\($0)") }
    rows += try (10..<15).map { try origin.url("/flaky/1?count=1&row=\($0)") }
    rows += try (15..<20).map { try origin.url("/reset/head?count=1&row=\($0)") }
    rows += try resets.map(post)
    let running = try finished(rows)
    let first = sandbox.contents(running)
    let before = try Records(first, count: rows.count)
    #expect(before.all[10..<15].allSatisfy { $0.status == 503 } && before.all[15...].allSatisfy { $0.error != nil })

    _ = try sandbox.resume(running, ["--only-status", "5xx,429"])
    #expect(try pass(1, of: running).map(\.seq) == Array(10..<15))
    let second = try current(running)
    #expect(second.map(\.seq) == Array(0..<rows.count))
    #expect(second[..<15].allSatisfy { $0.status == 200 })

    _ = try sandbox.resume(running, ["--retry-failed"])
    #expect(try pass(2, of: running).map(\.seq) == Array(15..<20))
    #expect(try withheld(running, 2) == 3)
    var hits = try origin.hits()
    #expect(resets.allSatisfy { hits[$0] == 1 }, "unsafe rows of unknown fate are left alone")

    _ = try sandbox.resume(running, ["--retry-failed", "--retry-unsafe"])
    #expect(try pass(3, of: running).map(\.seq) == Array(15..<23))
    #expect(try withheld(running, 3) == 0)
    hits = try origin.hits()
    #expect(resets.allSatisfy { hits[$0] == 2 }, "\(hits)")
    #expect((0..<10).allSatisfy { hits["/fixed/10?count=1&row=\($0)"] == 1 })

    let none = try sandbox.resume(running, ["--only-status", "418"])
    #expect(none.program.errorText.contains("none of the 23 rows"), "\(none.program.errorText)")
    #expect(!sandbox.exists("\(running.name)/results.retry-4.jsonl"))
    #expect(sandbox.contents(running) == first, "results.jsonl never changes after its job has ended")
    #expect(try current(running).map(\.seq) == Array(0..<rows.count))
    #expect(try sandbox.ask("verify", of: running).contains("18 more records of rows tried again in 3 passes"))
  }

  @Test func `go on being fetched again after a kill`() throws {
    let targets = slowToEnd(600)
    let running = try finished(try targets.map { try origin.url($0) }, ["--per-origin", "32"])
    let first = sandbox.contents(running)
    let retry = try sandbox.startResume(running, ["--only-status", "200-299"])
    try waitUntil("records of the second pass") { sandbox.contents(running, "results.retry-1.jsonl").count > 20_000 }
    try sandbox.kill(retry)
    let refused = try sandbox.resume(running, ["--retry-failed"], expecting: .exit(2))
    #expect(refused.program.errorText.contains("has not ended"), "\(refused.program.errorText)")
    let early = sandbox.contents(running, "results.retry-1.jsonl")
    _ = try sandbox.resume(running)
    #expect(sandbox.contents(running, "results.retry-1.jsonl").starts(with: early.prefix(10_000)))
    let again = try Records(sandbox.contents(running, "results.retry-1.jsonl"), count: targets.count)
    again.expectAllFetched()
    #expect(sandbox.contents(running) == first && !sandbox.exists("\(running.name)/results.retry-2.jsonl"))
    #expect(try origin.hits().values.allSatisfy { $0 <= 3 })
    let current = try current(running)
    #expect(current.map(\.startedAt) == again.all.map(\.startedAt), "the current records are the later ones")
    _ = try sandbox.ask("verify", of: running)
  }
}

@Suite struct `coordinator verify` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `finds what is damaged, doubled and missing, and makes the index anew`() throws {
    let rows = try (0..<300).map { try origin.url("/fixed/10?row=\($0)") }
    let running = try sandbox.startLocal(
      input: try sandbox.list(rows),
      ["--cacert", origin.authority],
      agents: 1
    )
    #expect(try running.wait().ending == .exit(0))
    #expect(try sandbox.ask("verify", of: running).contains("sound: 300 rows, each recorded once"))
    let results = sandbox.contents(running)
    let index = sandbox.contents(running, "results.idx")
    let lines = results.split(separator: 0x0A).map { Data($0) + [0x0A] }
    let seq = try Records.lines(results)[100].seq

    func write(_ name: String, _ data: Data) throws { try sandbox.write("\(running.name)/\(name)", data) }
    func expectFault(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
      let said = try sandbox.ask("verify", of: running, expecting: .exit(1), sourceLocation: sourceLocation)
      #expect(said.contains(text) && said.contains("not sound"), "\(said)", sourceLocation: sourceLocation)
      try write("results.jsonl", results)
      try write("results.idx", index)
    }

    var damaged = lines
    damaged[100][damaged[100].count / 2] = 0
    try write("results.jsonl", Data(damaged.joined()))
    try expectFault("no whole record at byte \(lines[..<100].joined().count)")

    try write("results.jsonl", Data((lines + [lines[100]]).joined()))
    try expectFault("row \(seq)")

    try write("results.jsonl", Data((lines[..<100] + lines[101...]).joined()))
    try expectFault("row \(seq) has no record")

    var flipped = index
    flipped[index.count / 2] ^= 1
    try write("results.idx", flipped)
    try expectFault("results.idx")

    try write("results.idx", flipped)
    _ = try sandbox.ask("verify", of: running, ["--rebuild"])
    #expect(try sandbox.ask("verify", of: running).contains("sound: 300 rows"))
    #expect(sandbox.contents(running) == results)
  }
}
