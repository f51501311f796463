import Foundation
import Testing

/// Agents that outlive coordinators and jobs.
@Suite(.serialized) struct `An agent that stays` {
  let sandbox: Sandbox
  let port: Int

  init() throws {
    sandbox = try Sandbox()
    port = try HeldPort.free()
  }

  private func count(_ folder: String, of program: Program) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(program.identifier)/\(folder)").count
  }

  @Test func `does one job after the other, and holds no more after each than before`() throws {
    let origin = try Origin(in: sandbox)
    let agent = try sandbox.startAgent(port: port)
    // Its threads are there, and it has begun to dial.
    try waitUntil("the agent dials") { try count("task", of: agent) >= 5 && count("fd", of: agent) >= 10 }
    var threads: Int?
    var descriptors: Int?
    for number in 1...3 {
      let rows = try (0..<300).map { try origin.url("/fixed/100?job=\(number)&row=\($0)") }
      let options = ["--cacert", origin.authority]
      let job = try sandbox.startRemote(input: try sandbox.list(rows), port: port, options).wait()
      #expect(job.ending == .exit(0), "\(job.program.errorText)")
      let records = try job.records(rows.count)
      records.expectAllFetched()
      #expect(Set(records.all.compactMap(\.url)) == Set(rows))
      try job.summary().expectAgreement(with: records)
      // What the first job leaves is what any job may leave.
      if let threads, let descriptors {
        try waitUntil("threads and descriptors are as after the first job") {
          // One more while it dials.
          try count("task", of: agent) == threads && count("fd", of: agent) <= descriptors
        }
      } else {
        try waitUntil("its connections are closed") { try origin.counts().listeners["https"]?.open == 0 }
        threads = try count("task", of: agent)
        descriptors = try count("fd", of: agent)
      }
    }
    #expect(agent.poll() == nil)
    agent.signal(SIGTERM)
    #expect(try agent.wait(within: 10) == .exit(0), "\(agent.errorText)")
    #expect(!agent.errorText.contains("lost"), "\(agent.errorText)")
  }

  @Test func `with --once ends after its job`() throws {
    let agent = try sandbox.startAgent(port: port, ["--once"])
    let job = try sandbox.startRemote(input: try sandbox.list(["x:"]), port: port, []).wait()
    #expect(job.ending == .exit(0), "\(job.program.errorText)")
    #expect(try agent.wait(within: 10) == .exit(0), "\(agent.errorText)")
    #expect(!agent.errorText.contains("lost"), "\(agent.errorText)")
  }

  // MARK: What is kept

  private static let job = Array(repeating: UInt8(0xA7), count: 16)
  private static let lost = "5 finished rows"

  /// A coordinator takes the results of five rows, acknowledges none of them, and is gone.
  private func loseCoordinator() throws -> RawCoordinator.Message {
    let listener = try Listener(port: port)
    let coordinator = try RawCoordinator(listener, epoch: 1)
    let hello = try coordinator.next(RawCoordinator.hello)
    #expect(hello.body.texts[11] == nil && hello.body.texts[16] == nil, "nothing is held")
    try coordinator.welcome(hello, job: Self.job)
    try coordinator.giveInvalidRows(3..<8, of: Self.job)
    return try coordinator.next(RawCoordinator.results)
  }

  /// One that was started again asks for a hello, and is gone before it answers.
  private func loseCoordinatorAgain() throws {
    let coordinator = try RawCoordinator(try Listener(port: port), epoch: 2)
    let hello = try coordinator.next(RawCoordinator.hello)
    #expect(hello.body.texts[11] == [Self.job])
  }

  @Test func `keeps results for a coordinator that is away, whatever it works for meanwhile`() throws {
    let agent = try sandbox.startAgent(port: port)
    let results = try loseCoordinator()
    #expect(results.body.numbers[3] == 5)
    let other = try sandbox.startRemote(input: try sandbox.list(["x:", "y:"]), port: port, []).wait()
    #expect(other.ending == .exit(0), "\(other.program.errorText)")
    _ = try other.records(2)
    #expect(try other.summary().refused.isEmpty)

    let listener = try Listener(port: port)
    let coordinator = try RawCoordinator(listener, epoch: 3)
    let hello = try coordinator.next(RawCoordinator.hello)
    let kept = try (hello.body.texts[16] ?? []).map { try ProtobufFields($0) }
    #expect(kept.map { $0.texts[1] } == [[Self.job]], "what is kept of the first job is named")
    #expect(try ProtobufFields.packed(kept[0].texts[2]?[0] ?? []) == [3, 4, 5, 6, 7])
    try coordinator.welcome(hello, job: Self.job)
    let again = try coordinator.next(RawCoordinator.results)
    #expect(again.body.texts[1] == [Self.job] && again.body.numbers[2] == 1, "sent as the first block of its session")
    #expect(again.bulk == results.bulk)
    try coordinator.acknowledge(1, of: Self.job)
    try coordinator.endJob(Self.job)
    _ = try coordinator.next(RawCoordinator.jobReport)
    let last = try coordinator.next(RawCoordinator.hello)
    #expect(last.body.texts[14] == nil && last.body.texts[16] == nil, "nothing is left")
    agent.signal(SIGTERM)
    #expect(try agent.wait(within: 10) == .exit(0))
    #expect(!agent.errorText.contains("lost"), "\(agent.errorText)")
  }

  @Test func `drops results that nobody comes for, and says so`() throws {
    let agent = try sandbox.startAgent(port: port, ["--hold", "1"])
    _ = try loseCoordinator()
    try loseCoordinatorAgain()
    try waitUntil("its results are dropped") { agent.errorText.contains(Self.lost) }
    #expect(agent.errorText.contains("a7a7a7a7") && agent.poll() == nil, "\(agent.errorText)")
    let coordinator = try RawCoordinator(try Listener(port: port), epoch: 3)
    let hello = try coordinator.next(RawCoordinator.hello)
    #expect(hello.body.texts[14] == nil, "what was dropped is not held")
  }

  @Test func `with --once ends with an error if nobody comes for its results`() throws {
    let agent = try sandbox.startAgent(port: port, ["--once", "--hold", "1"])
    _ = try loseCoordinator()
    try loseCoordinatorAgain()
    #expect(try agent.wait(within: 20) == .exit(2))
    #expect(agent.errorLines.count { $0.contains(Self.lost) } == 1, "\(agent.errorText)")
  }

  @Test func `that is told to end waits a moment for its coordinator, and says what is lost`() throws {
    let agent = try sandbox.startAgent(port: port)
    _ = try loseCoordinator()
    try loseCoordinatorAgain()
    let begin = Date()
    agent.signal(SIGTERM)
    #expect(try agent.wait(within: 15) == .exit(0))
    #expect(Date().timeIntervalSince(begin) > 4, "the time to get rid of results is 5 s")
    #expect(agent.errorLines.count { $0.contains(Self.lost) } == 1, "\(agent.errorText)")
  }

  // MARK: The lock

  @Test(arguments: [1, 2])
  func `holds a lock that it was started with, and its processes do not`(processes: Int) throws {
    let program = try Sandbox.builtProgram("agent")
    let arguments = [
      "--coordinator", "tcp://127.0.0.1:\(port)", "--threads", "1", "--processes", "\(processes)", "--lock-descriptor",
      "9",
    ]
    let shell = ["-c", "exec 9>lock && exec \"$0\" \"$@\"", program]
    let agent = try sandbox.start("holder", at: "/bin/sh", shell + arguments)
    try waitUntil("it runs") {
      let children = ProcessTable.children(of: agent.identifier).count
      return try processes == 1 ? count("task", of: agent) > 1 : children == processes
    }
    let link = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(agent.identifier)/fd/9")
    #expect(link.hasSuffix("/lock"))
    for child in ProcessTable.children(of: agent.identifier) {
      let folder = "/proc/\(child)/fd"
      let links = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { name in
        try? FileManager.default.destinationOfSymbolicLink(atPath: "\(folder)/\(name)")
      }
      #expect(!links.isEmpty && !links.contains { $0.hasSuffix("/lock") }, "\(links)")
    }
    #expect(agent.poll() == nil, "\(agent.errorText)")
  }
}
