import Foundation
import Glibc
import Testing

@Suite struct `A job whose files somebody has touched` {
  private let sandbox: Sandbox
  private let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// A job that was interrupted after all of its short list was read.
  private func interrupted(_ list: String, _ options: [String] = []) throws -> Sandbox.RunningJob {
    let running = try sandbox.startLocal(
      input: list,
      ["--cacert", origin.authority, "--per-origin", "16"] + options,
      agents: 1
    )
    try sandbox.waitForRecords(running, bytes: 5_000)
    try sandbox.interrupt(running)
    return running
  }

  private func list(_ count: Int) throws -> String {
    try sandbox.list(try (0..<count).map { try origin.url("/latency/20?count=1&row=\($0)") })
  }

  private func expectRefusal(_ job: Sandbox.RunningJob, _ text: String, _ options: [String] = []) throws {
    let refused = try sandbox.resume(job, options, expecting: .exit(2)).program
    #expect(refused.errorLines.count == 1 && refused.errorText.contains(text), "\(refused.errorText)")
  }

  @Test func `goes on with a list that only seems younger`() throws {
    let list = try list(400)
    let running = try interrupted(list)
    #expect(utimensat(AT_FDCWD, list, nil, 0) == 0)
    try sandbox.resume(running).records(400).expectAllFetched()
    let hits = try origin.hits()
    #expect(hits.count == 400 && hits.values.allSatisfy { $0 == 1 })
  }

  @Test func `is refused with such a list if it is not known whole, until that has its time back`() throws {
    let list = try list(400)
    let old = timespec(tv_sec: 1_700_000_000, tv_nsec: 12_345)
    #expect(utimensat(AT_FDCWD, list, [old, old], 0) == 0)
    let running = try interrupted(list)
    #expect(utimensat(AT_FDCWD, list, nil, 0) == 0)
    // Hashes of the list are in the journal.
    let journal = "\(running.directory)/journal"
    #expect(FileManager.default.createFile(atPath: journal, contents: Data(repeating: 7, count: 100)))
    try expectRefusal(running, "journal was damaged, so it is not known which requests")
    try expectRefusal(running, "touch -d @1700000000.000012345 \(list)", ["--retry-unsafe"])
    let touch = try sandbox.start("touch", at: "/usr/bin/touch", ["-d", "@1700000000.000012345", list])
    #expect(try touch.wait(within: 10) == .exit(0))
    let again = try sandbox.startResume(running, ["--retry-unsafe"])
    try waitUntil("more records") { sandbox.contents(running).count { $0 == 0x0A } > 100 }
    try sandbox.interrupt(again)
    // Whoever went on knew; this is somebody else.
    try expectRefusal(running, "journal was damaged, so it is not known which requests")
    try sandbox.resume(running, ["--retry-unsafe"]).records(400).expectAllFetched()
    #expect(try sandbox.ask("verify", of: running).contains("sound: 400 rows"))
  }

  @Test func `names a damaged description, and secrets that are none any more`() throws {
    let running = try interrupted(try list(400), ["-H", "X-Api-Key: k3y"])
    let secrets = "\(running.directory)/secrets"
    #expect(chmod(secrets, 0o640) == 0)
    try expectRefusal(running, "secrets is open to others (mode 0640); close it: chmod 600 \(running.name)/secrets")
    #expect(chmod(secrets, 0o600) == 0)
    for (name, bytes) in [("secrets", sandbox.contents(running, "secrets")), ("job.json", Data("{".utf8))] {
      let whole = sandbox.contents(running, name)
      try bytes.dropLast(3).write(to: URL(fileURLWithPath: "\(running.directory)/\(name)"))
      #expect(chmod("\(running.directory)/\(name)", 0o600) == 0)
      try expectRefusal(running, "\(running.name)/\(name) is damaged")
      try expectRefusal(running, "; put it back from a copy, or start a new job")
      try whole.write(to: URL(fileURLWithPath: "\(running.directory)/\(name)"))
    }
    try sandbox.resume(running).records(400).expectAllFetched()
  }
}
