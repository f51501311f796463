import Foundation
import Testing

/// A host that has too few ports for what it is asked to do.
@Suite(.enabled(if: Hosts.obstacle == nil, "\(Hosts.obstacle ?? "")"))
struct `A host without enough ports` {
  @Test func `does with those it has, and blames no server`() throws {
    let sandbox = try Sandbox()
    let hosts = try Hosts(1)
    let (origin, job) = try hosts.on(0) {
      let origin = try Origin(in: sandbox)
      // Of the namespace of whoever opens the file.
      try Data("61000 61009\n".utf8).write(to: URL(filePath: "/proc/sys/net/ipv4/ip_local_port_range"))
      let rows = try (0..<300).map { try origin.url("/latency/20?row=\($0)", host: "127.0.0.1") }
      return (origin, try sandbox.fetch(rows, ["--cacert", origin.authority, "--per-origin", "50"]))
    }
    let records = try job.records(300)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.attempts == 1 }, "no attempt is spent")
    let warning = try #require(job.program.errorLines.first { $0.contains("for want of something on this host") })
    #expect(warning.contains("Cannot assign requested address"), "\(warning)")
    #expect(try job.summary().errors.isEmpty)
    withExtendedLifetime(origin) {}
  }
}

/// An agent that has too few descriptors for what it is asked to do.
@Suite struct `An agent without enough descriptors` {
  @Test func `closes what rests and goes on with fewer connections`() throws {
    let sandbox = try Sandbox()
    let origin = try Origin(in: sandbox)
    let other = try Origin(in: sandbox)
    let options = ["--insecure", "--per-origin", "50"]
    let job = try sandbox.startLocal(input: "-", options, agents: 1, pipe: true)
    try job.program.send(try origin.url("/fixed/1") + "\n")
    try waitUntil("the first row is asked for") { try origin.counts().requests == 1 }
    let agents = ProcessTable.children(of: job.program.identifier)
    let agent = try #require(agents.count == 1 ? agents.first : nil)
    let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent)/fd").count
    // More than it expected when it began and said how many connections it can hold.
    let prlimit = try Sandbox.installedProgram("prlimit", package: "util-linux")
    try runTool(prlimit, ["--pid", "\(agent)", "--nofile=\(open + 4):\(open + 4)"])
    for row in 0..<200 {
      try job.program.send(try (row % 2 == 0 ? origin : other).url("/latency/20?row=\(row)") + "\n")
    }
    job.program.closeInput()
    let records = try job.wait().records(201)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.attempts == 1 }, "no attempt is spent")
    let warning = try #require(job.program.errorLines.first { $0.contains("for want of something on this host") })
    #expect(warning.contains("Too many open files"), "\(warning)")
  }
}
