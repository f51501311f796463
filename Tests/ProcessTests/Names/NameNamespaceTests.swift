import Foundation
import Glibc
import NameServer
import Testing

/// A host with a network and a name server of its own.
@Suite(.enabled(if: Hosts.obstacle == nil, "\(Hosts.obstacle ?? "")"))
struct `On a host with a name server` {
  private static let void = "2001:db8::1"

  private let sandbox: Sandbox
  private let hosts: Hosts

  init() throws {
    sandbox = try Sandbox()
    hosts = try Hosts(1)
  }

  /// Nobody is on the cable where that neighbour is said to be.
  private func layVoid() throws {
    for command in [
      "address add 2001:db8::2/64 dev eth0 nodad",
      "neighbour add \(Self.void) lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
    ] {
      try runTool("/usr/bin/env", ["ip"] + command.split(separator: " ").map(String.init))
    }
  }

  @Test func `an IPv6 address that keeps silent costs each origin a quarter of a second, once`() throws {
    let sandbox = sandbox
    let job = try hosts.on(0) {
      try layVoid()
      let site = try NamedOrigin(sandbox) { .addresses([Self.void, "127.0.0.1"], to: $0) }
      let rows = try (0..<40).map { try site.url("n\($0 % 2).test", "/fixed/1?row=\($0)") }
      return try site.fetch(rows, ["--per-origin", "1", "-H", "Connection: close"])
    }
    let records = try job.records(40).all
    #expect(records.allSatisfy { $0.gist == "200 1" && $0.remoteIp == "127.0.0.1" && $0.reused == false })
    for origin in 0..<2 {
      let times = records.filter { $0.seq % 2 == origin }.compactMap { $0.time["connect"] }
      let slow = times.filter { $0 >= 0.25 }
      // A second one may be this machine's: a pause in which nothing of the job ran.
      #expect(times.count == 20 && (1...2).contains(slow.count), "\(times.sorted().suffix(5))")
      #expect(slow.min().map { $0 <= 0.3 * patience } ?? false, "\(slow)")
      #expect(times.sorted()[times.count / 2] < 0.05 * patience, "\(times.sorted())")
    }
  }

  @Test(arguments: [("192.0.2.53", "no route"), (Self.void, "nobody there")])
  func `that cannot be reached no row is blamed`(_ server: String, _ why: String) throws {
    let sandbox = sandbox
    let job = try hosts.on(0) {
      try layVoid()
      let list = try sandbox.list((0..<10).map { "http://n\($0).test/" })
      return try sandbox.startLocal(input: list, ["--dns-servers", server, "--retry", "0"], agents: 1)
    }
    try waitUntil("the operator is told") { job.program.errorText.contains("resolver: no name server") }
    job.program.signal(SIGINT)
    let done = try job.wait(within: 20)
    #expect(done.ending == .exit(130), "\(why)")
    #expect(try Records.lines(done.data).isEmpty, "\(why)")
  }

  @Test func `two addresses have twice the ports of one`() throws {
    func connections(_ list: String) throws -> Int {
      try hosts.on(0) {
        let origin = try Origin(in: sandbox)
        let rows = try (0..<60).map { try origin.url("/latency/500?row=\($0)", "http", host: "127.0.0.1") }
        // Of the namespace of whoever opens the file.
        let range = URL(filePath: "/proc/sys/net/ipv4/ip_local_port_range")
        let before = try Data(contentsOf: range)
        try Data("61000 61009\n".utf8).write(to: range)
        defer { try? before.write(to: range) }
        let job = try sandbox.fetch(rows, ["--interface", list, "--per-origin", "60"])
        let records = try job.records(60)
        records.expectAllFetched()
        #expect(records.all.allSatisfy { $0.attempts == 1 }, "no attempt is spent")
        #expect(try job.summary().errors.isEmpty)
        return try origin.counts().listeners["http"]?.openMax ?? 0
      }
    }
    let (one, two) = (try connections("127.0.0.2"), try connections("127.0.0.3,127.0.0.4"))
    // The one that asks for the counts is counted.
    #expect((9...11).contains(one), "\(one)")
    #expect((19...21).contains(two), "\(two)")
  }

  @Test(.enabled(if: SmallDisk.obstacle == nil, "\(SmallDisk.obstacle ?? "")"))
  func `the hosts file goes before it, and its list of search domains counts`() throws {
    let (sandbox, tools) = (sandbox, try Sandbox.installedProgram("unshare", package: "util-linux"))
    let configuration = try sandbox.write("resolv.conf", "nameserver 127.0.0.1\nsearch corp.test\n")
    let file = try sandbox.write("hosts", "127.0.0.1 localhost fixed.test alias.test # no other.test\n::1 six.test\n")
    try hosts.on(0) {
      let origin = try Origin(in: sandbox)
      let server = try NameServer(port: 53) { question in
        question.name.hasSuffix("six.test") ? .refused : .loopback(to: question)
      }
      let rows = try ["fixed.test", "alias.test", "six.test", "other.test", "intranet"].map {
        try origin.url("/fixed/1", "http", host: $0)
      }
      let list = try sandbox.list(rows)
      // In a mount namespace of its own, where these files are those of the host.
      let script = """
        mount --bind "$1" /etc/resolv.conf && mount --bind "$2" /etc/hosts && shift 2 && exec "$@"
        """
      let program = try sandbox.start(
        "unshare",
        at: tools,
        [
          "--mount", "sh", "-c", script, "sh", configuration, file, try Sandbox.builtProgram("coordinator"), "local",
          list, "-o", "job", "--retry", "0", "--agents", "1",
        ]
      )
      #expect(try program.wait() == .exit(0), "\(program.errorText)")
      let job = Job(ending: .exit(0), program: program, directory: "\(sandbox.path)/job")
      let gists = try job.records(5).all.map(\.gist)
      #expect(gists == ["200 1", "200 1", "connect/connect_refused", "200 1", "200 1"])
      #expect(server.count("fixed.test", .ipv4) == 0 && server.count("alias.test", .ipv4) == 0)
      #expect(server.count("six.test", .ipv4) == 0 && server.count("six.test", .ipv6) == 0)
      #expect(server.count("other.test", .ipv4) == 1)
      #expect(server.count("intranet.corp.test", .ipv4) == 1)
    }
  }
}
