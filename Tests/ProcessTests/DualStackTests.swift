import Foundation
import Glibc
import Testing

/// Names with addresses of both families, on a host where one of them leads into the void.
@Suite(.enabled(if: Hosts.obstacle == nil, "\(Hosts.obstacle ?? "")"))
struct `A name with several addresses` {
  /// Everything that is sent there vanishes: a neighbour is said to be on the cable where nobody is.
  private static let void = "2001:db8::1"

  private let sandbox: Sandbox
  private let hosts: Hosts
  private let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    let sandbox = sandbox
    hosts = try Hosts(1)
    origin = try hosts.on(0) {
      for command in [
        "address add 2001:db8::2/64 dev eth0 nodad",
        "neighbour add \(Self.void) lladdr 02:00:00:00:00:01 dev eth0 nud permanent",
      ] {
        try runTool("/usr/bin/env", ["ip"] + command.split(separator: " ").map(String.init))
      }
      return try Origin(in: sandbox, ["--plain", "[::]:0", "--listen", "[::]:0"])
    }
  }

  private func fetch(_ rows: [String], addresses: String, _ options: [String] = []) throws -> [Record] {
    let job = try hosts.on(0) {
      try sandbox.fetch(rows, ["--cacert", origin.authority, "--resolve", "*:*:\(addresses)"] + options)
    }
    return try job.records(rows.count).all
  }

  @Test func `of which one keeps silent costs a quarter of a second, once`() throws {
    let rows = try (0..<40).map { try origin.url("/fixed/1?row=\($0)", "http", host: "two.origin.test") }
    let options = ["--per-origin", "1", "-H", "Connection: close"]
    let records = try fetch(rows, addresses: "\(Self.void),127.0.0.1", options)
    #expect(records.allSatisfy { $0.gist == "200 1" && $0.remoteIp == "127.0.0.1" && $0.reused == false })
    let times = records.compactMap { $0.time["connect"] }.sorted()
    #expect(times.count == 40)
    let slow = times.filter { $0 >= 0.25 }
    #expect(slow.count == 1, "\(times.suffix(5))")
    #expect(slow.allSatisfy { $0 <= 0.3 * patience }, "\(slow)")
  }

  @Test func `is reached by the first of them that answers, in their order`() throws {
    let rows = [try origin.url("/fixed/1", "http", host: "two.origin.test")]
    #expect(try fetch(rows, addresses: "::1,127.0.0.1").map(\.remoteIp) == ["::1"])
    #expect(try fetch(rows, addresses: "127.0.0.1,::1").map(\.remoteIp) == ["127.0.0.1"])
    #expect(try fetch(rows, addresses: "::1,127.0.0.1", ["-4"]).map(\.remoteIp) == ["127.0.0.1"])
    #expect(try fetch(rows, addresses: "127.0.0.1,::1", ["-6"]).map(\.remoteIp) == ["::1"])
  }

  @Test func `after one that refuses is tried at the next at once`() throws {
    let rows = [try origin.url("/fixed/1", "http", host: "two.origin.test")]
    // Nobody listens there for IPv4 only.
    let plain = try hosts.on(0) { try Origin(in: sandbox, ["--plain", "127.0.0.1:0"]) }
    let records = try fetch(
      [try plain.url("/fixed/1", "http", host: "two.origin.test")] + rows,
      addresses: "::1,127.0.0.1"
    )
    #expect(records.map(\.remoteIp) == ["127.0.0.1", "::1"])
    #expect(records.allSatisfy { ($0.time["connect"] ?? 1) < 0.2 * patience })
  }

  @Test func `all of which fail says what became of each`() throws {
    let port = try hosts.on(0) { try HeldPort.free() }
    let addresses = "\(Self.void),::1,2001:db9::1,127.0.0.1"
    let options = ["--retry", "0", "--connect-timeout", "2"]
    let records = try fetch(["http://dead.origin.test:\(port)/"], addresses: addresses, options)
    // Silence can still become a connection; the rest cannot.
    #expect(records.map(\.gist) == ["connect/connect_timeout"])
    let message = records[0].error?.message ?? ""
    for part in [
      "[\(Self.void)]:\(port): no answer", "[::1]:\(port): Connection refused", "127.0.0.1:\(port): Connection refused",
      "[2001:db9::1]:\(port): Network is unreachable",
    ] {
      #expect(message.contains(part), "\(message)")
    }
    let refused = try fetch(["http://dead.origin.test:\(port)/"], addresses: "2001:db9::1,127.0.0.1", options)
    #expect(refused.map(\.gist) == ["connect/connect_refused"], "a refusal says more than that there is no way")
  }

  @Test func `shows the certificate of the one that answered, whatever became of the others`() throws {
    let url = try origin.url("/fixed/1", host: "two.origin.test").replacingOccurrences(of: "origin.test", with: "other")
    let records = try fetch([url], addresses: "\(Self.void),127.0.0.1", ["--retry", "0"])
    #expect(records.map(\.gist) == ["tls/tls_hostname_mismatch"])
  }

  @Test func `leaves no socket behind of those that lost`() throws {
    let list = try sandbox.list([try origin.url("/latency/3000", "http", host: "two.origin.test")])
    let job = try hosts.on(0) {
      try sandbox.startLocal(input: list, ["--resolve", "*:*:\(Self.void),127.0.0.1"], agents: 1)
    }
    let port = try origin.port("http")
    func isTried() throws -> Bool {
      try hosts.on(0) { SocketTable.read("tcp6").contains { $0.remotePort == port && $0.state == .connecting } }
    }
    try waitUntil("the first address is tried") { try isTried() }
    try waitUntil("the second address has won, and the first is given up") { try !isTried() }
    #expect(job.program.poll() == nil, "the row is under way")
    #expect(try job.wait().records(1).all.map(\.gist) == ["200 1024"])
  }
}
