import Foundation
import Testing

/// Folders that cannot take what a job writes.
@Suite(.enabled(if: SmallDisk.obstacle == nil, "\(SmallDisk.obstacle ?? "")"))
struct `A job on a bad disk` {
  private let sandbox: Sandbox
  private let origin: Origin
  private let disk: SmallDisk

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    disk = try SmallDisk(in: sandbox, kibibytes: 1_024)
  }

  private let folder = "disk/job"

  private func start(_ count: Int, latency: Int) throws -> Sandbox.RunningJob {
    let list = try sandbox.list(try (0..<count).map { try origin.url("/latency/\(latency)?row=\($0)") })
    let options = ["-o", folder, "--agents", "1", "--cacert", origin.authority, "--quiet"]
    let program = try sandbox.start("coordinator", ["local", list] + options)
    return Sandbox.RunningJob(program: program, name: folder, directory: "\(sandbox.path)/\(folder)")
  }

  /// The job ends soon with exit status 2 and says why in one line.
  private func expectRefusal(
    _ program: Program,
    _ parts: [String],
    within seconds: Double = 10,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    #expect(try program.wait(within: seconds) == .exit(2), "\(program.errorText)", sourceLocation: sourceLocation)
    #expect(program.errorLines.count == 1, "\(program.errorText)", sourceLocation: sourceLocation)
    for part in parts {
      #expect(program.errorText.contains(part), "\(part): \(program.errorText)", sourceLocation: sourceLocation)
    }
  }

  @Test func `that is full stops, and goes on when there is space`() throws {
    let job = try start(5_000, latency: 1)
    let path = "\(folder)/results"
    try expectRefusal(job.program, [path, "No space left on device", "make space", "coordinator resume"], within: 30)
    let data = FileManager.default.contents(atPath: "\(job.directory)/results.jsonl") ?? Data()
    let whole = try Records.lines(data)
    #expect(!whole.isEmpty && Set(whole.map(\.seq)).count == whole.count)
    // Nothing has changed, and nothing is spoiled by trying.
    let (again, second) = try sandbox.run("coordinator", ["resume", folder, "--quiet"])
    #expect(again == .exit(2), "\(second.errorText)")
    #expect(second.errorText.contains("No space left on device"), "\(second.errorText)")

    try disk.resize(kibibytes: 65_536)
    let (ending, resumed) = try sandbox.run("coordinator", ["resume", folder, "--quiet"])
    #expect(ending == .exit(0), "\(resumed.errorText)")
    let finished = Job(ending: ending, program: resumed, directory: job.directory)
    let records = try finished.records(5_000)
    records.expectAllFetched()
    try finished.summary().expectAgreement(with: records)
    let (verdict, verify) = try sandbox.run("coordinator", ["verify", folder])
    #expect(verdict == .exit(0), "\(verify.outputText)\(verify.errorText)")
  }

  // Pages of 4 KiB: one for job.json, one each for the first bytes of index and journal.
  @Test(arguments: [4, 8]) func `that is full before the first record leaves no folder behind`(kibibytes: Int) throws {
    try disk.resize(kibibytes: kibibytes)
    try expectRefusal(try start(1, latency: 1).program, ["\(folder)/", "No space left on device"])
    #expect(!sandbox.exists(folder))
  }

  @Test func `whose folder is removed meanwhile stops`() throws {
    try disk.resize(kibibytes: 65_536)
    let job = try start(20_000, latency: 20)
    try sandbox.waitForRecords(job, bytes: 20_000)
    try FileManager.default.removeItem(atPath: job.directory)
    try expectRefusal(job.program, [folder, "was removed"])
  }

  @Test func `whose records are removed meanwhile stops`() throws {
    try disk.resize(kibibytes: 65_536)
    let job = try start(20_000, latency: 20)
    try sandbox.waitForRecords(job, bytes: 20_000)
    try FileManager.default.removeItem(atPath: "\(job.directory)/results.jsonl")
    try expectRefusal(job.program, ["\(folder)/results.jsonl was removed", "start the job anew"])
  }

  @Test func `that takes nothing does not begin`() throws {
    try disk.makeReadOnly()
    try expectRefusal(try start(1, latency: 1).program, [folder, "Read-only file system"])
  }

  @Test func `that becomes read-only stops and goes on`() throws {
    try disk.resize(kibibytes: 65_536)
    let (first, _) = try sandbox.run(
      "coordinator",
      ["local", try sandbox.list(["x:"]), "-o", folder, "--agents", "1", "--quiet"]
    )
    #expect(first == .exit(0))
    try disk.makeReadOnly()
    let (ending, program) = try sandbox.run("coordinator", ["resume", folder, "--retry-failed"])
    #expect(ending == .exit(2), "\(program.errorText)")
    #expect(program.errorLines.count == 1, "\(program.errorText)")
    #expect(program.errorText.contains("Read-only file system"), "\(program.errorText)")
  }
}

/// Records that go to another program.
@Suite struct `A job whose records nobody reads for a while` {
  @Test(.enabled(if: Sanitizer.current == nil, "its 270 MB take many minutes under a sanitizer"))
  func `waits with its agents, in bounded memory, and delivers all of them`() throws {
    let sandbox = try Sandbox()
    let origin = try Origin(in: sandbox)
    let port = try HeldPort.free()
    let count = 4_500
    let list = try sandbox.list(try (0..<count).map { try origin.url("/fixed/60000?row=\($0)") })
    let pipe = "\(sandbox.path)/records"
    try #require(mkfifo(pipe, 0o600) == 0)
    let agent = try sandbox.startAgent(port: port)
    // Opened for writing, too, so that neither this nor the shell waits for the other.
    let reader = open(pipe, O_RDWR | O_CLOEXEC)
    try #require(reader >= 0)
    defer { close(reader) }
    let arguments = [
      "run", list, "-o", "-", "--listen", "tcp://127.0.0.1:\(port)", "--cacert", origin.authority, "--body", "inline",
    ]
    let shell = ["-c", "exec \"$0\" \"$@\" >records", try Sandbox.builtProgram("coordinator")]
    let program = try sandbox.start("coordinator", at: "/bin/sh", shell + arguments)
    // Longer than a lease, from when everything is full: the agent gets nothing acknowledged any more.
    var asked = -1
    try waitUntil("nobody asks for anything any more", within: 60) {
      let before = asked
      asked = try origin.counts().requests
      usleep(500_000)
      return asked > 0 && asked == before
    }
    #expect(asked < count, "the job is too small for this test")
    usleep(12_500_000)
    #expect(try origin.counts().requests == asked)
    #expect(program.poll() == nil && agent.welcomes == 1)
    #expect(!program.errorText.contains("is gone"), "\(program.errorText)")
    let peak = try peakMemory(program) / 1_024
    #expect(peak < 400, "the coordinator took \(peak) MiB")

    var seqs = Set<Int>()
    var rest: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while seqs.count < count {
      let got = read(reader, &buffer, buffer.count)
      try #require(got > 0)
      rest += buffer[..<got]
      // A line is some 60 KB: only its beginning is looked at.
      while let end = rest.firstIndex(of: 0x0A) {
        let text = String(decoding: rest[..<min(end, 32)], as: UTF8.self)
        let number = try #require(Int(text.dropFirst(7).prefix { $0.isNumber }))
        #expect(text.hasPrefix("{\"seq\":") && rest[end - 1] == 0x7D && seqs.insert(number).inserted, "\(text)")
        rest.removeFirst(end + 1)
      }
    }
    #expect(seqs == Set(0..<count) && rest.isEmpty)
    #expect(try program.wait(within: 30) == .exit(0), "\(program.errorText)")
    #expect(agent.welcomes == 1)
  }

  /// VmHWM in KiB (proc(5)).
  private func peakMemory(_ program: Program) throws -> Int {
    let status = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(program.identifier)/status")).readToEnd()
    let line = String(decoding: status ?? Data(), as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return try #require(line.flatMap { Int($0.dropFirst(6).filter(\.isNumber)) })
  }
}
