import Foundation
import NameServer
import Testing

/// `--interface`: where connections leave from.
@Suite struct `A source of connections` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  /// The addresses of this end of the connections to a port that stand at some moment.
  private func sources(_ list: String) throws -> [Substring: Int] {
    let origin = try Origin(in: sandbox)
    let rows = try (0..<8).map { try origin.url("/latency/3000?row=\($0)", "http", host: "127.0.0.1") }
    let input = try sandbox.list(rows)
    let options = ["--interface", list, "--per-origin", "8"]
    let job = try sandbox.startLocal(input: input, options, agents: 1)
    let port = try origin.port("http")
    var found: [Substring] = []
    try waitUntil("eight connections") {
      let all = SocketTable.read("tcp") + SocketTable.read("tcp6")
      found = all.filter { $0.remotePort == port && $0.state == .established }.map(\.localAddress)
      return found.count == 8
    }
    try job.wait().records(8).expectAllFetched()
    return Dictionary(grouping: found) { $0 }.mapValues(\.count)
  }

  @Test func `takes its turn with the others`() throws {
    #expect(try sources("127.0.0.2,127.0.0.3") == ["0200007F": 4, "0300007F": 4])
    #expect(try sources("127.0.0.2") == ["0200007F": 8])
  }

  @Test func `may be a device`() throws {
    #expect(try sources("lo") == ["0100007F": 8])
  }

  @Test(arguments: [1, 2]) func `is told to an agent that dials in, and to all of its processes`(_ processes: Int)
    throws
  {
    let site = try NamedOrigin(sandbox) { .addresses(["127.0.0.1"], to: $0) }
    let port = try HeldPort.free()
    let options = ["--processes", "\(processes)", "--interface", "127.0.0.2"] + site.options
    _ = try sandbox.startAgent(port: port, options)
    let rows = try (0..<50).map { try site.url("n\($0).test", "/latency/1000") }
    let job = try sandbox.startRemote(input: try sandbox.list(rows), port: port, ["--retry", "0"])
    let target = try site.origin.port("http")
    try waitUntil("connections leave from there") {
      SocketTable.read("tcp").contains { $0.remotePort == target && $0.localAddress == "0200007F" }
    }
    #expect(!SocketTable.read("tcp").contains { $0.remotePort == target && $0.localAddress == "0100007F" })
    let done = try job.wait()
    let records = try done.records(50)
    records.expectAllFetched()
    // Each process has a memory of its own.
    #expect((100...100 * processes).contains(site.names.addressQuestions))
    #expect(try ResolverEffort(of: done).queries == site.names.addressQuestions)
  }

  @Test func `of the wrong family for an address is not used for it`() throws {
    let site = try NamedOrigin(sandbox) { .addresses(["127.0.0.1"], to: $0) }
    let record = try site.fetch([try site.url("a.test")], ["--interface", "::1", "--retry", "0"]).records(1).all[0]
    #expect(record.error?.phase == "connect", "\(record)")
  }

  @Test(
    arguments: [
      ("192.0.2.1", "192.0.2.1"), ("nosuch0", "nosuch0"), ("", "neither an address nor"), ("127.0.0.1,", "neither"),
      ("127.0.0.2,nosuch0", "nosuch0"), ("localhost", "localhost"),
    ]
  )
  func `that this host has not is refused`(_ list: String, _ named: String) throws {
    try expectRefusal(["--interface", list], named: ["--interface", named])
  }

  @Test(arguments: ["", "nonsense", "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1,", "ns.test:53", "[::1", "1.2.3.4:x"])
  func `of answers that is no name server is refused`(_ list: String) throws {
    try expectRefusal(["--dns-servers", list], named: ["--dns-servers"])
  }

  private func expectRefusal(
    _ options: [String],
    named texts: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let list = try sandbox.list(["http://127.0.0.1:1/"])
    let commands = [
      ("coordinator", ["local", list, "-o", sandbox.fresh("job")]), ("agent", ["--coordinator", "tcp://127.0.0.1:1"]),
    ]
    for (name, arguments) in commands {
      let (ending, program) = try sandbox.run(name, arguments + options)
      #expect(ending == .exit(64), "\(name): \(program.errorText)", sourceLocation: sourceLocation)
      for text in texts {
        #expect(program.errorText.contains(text), "\(name): \(program.errorText)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func `counts when the operator is told how many connections there can be`() throws {
    func line(_ program: Program) -> String? {
      program.errorLines.first { $0.contains("this host can make about") }
    }
    let range = try String(contentsOfFile: "/proc/sys/net/ipv4/ip_local_port_range", encoding: .utf8)
    let ends = range.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
    let origin = try Origin(in: sandbox)
    let rows = [try origin.url("/fixed/1", "http", host: "127.0.0.1")]
    for sources in [[], ["--interface", "127.0.0.2,127.0.0.3"]] {
      let job = try sandbox.fetch(rows, sources)
      let agent = try sandbox.start("agent", ["--coordinator", "tcp://127.0.0.1:\(try HeldPort.free())"] + sources)
      try waitUntil("the agent says it") { line(agent) != nil }
      #expect(agent.poll() == nil)
      agent.signal(SIGTERM)
      for said in [try #require(line(job.program)), try #require(line(agent))] {
        #expect(said.contains("new connections a second to one target"), "\(said)")
        #expect(said.contains(" at each of 2 addresses") == !sources.isEmpty, "\(said)")
        let words = said.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        // Some may be reserved.
        #expect(words.contains { $0 > 0 && $0 <= ends[1] - ends[0] + 1 }, "\(said)")
      }
      #expect(job.program.errorText.components(separatedBy: "this host can make about").count == 2, "once")
    }
  }
}
