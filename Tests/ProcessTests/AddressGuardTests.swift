import Foundation
import Testing

/// `--deny-private` and `--allow-ports`.
@Suite struct `An agent that may not reach everything` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  /// All of these lead to this host.
  private static let spellings = [
    "127.0.0.1", "localhost", "a.localhost", "2130706433", "0x7f.1", "0177.0.0.1", "[::1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "0.0.0.0", "[::]", "named.test", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254",
  ]

  @Test func `connects to no address that is not global, however it is spelled`() throws {
    let port = try origin.port("http")
    let rows = Self.spellings.map { "http://\($0):\(port)/fixed/1" }
    let job = try sandbox.fetch(rows, ["--deny-private", "--resolve", "named.test:\(port):127.0.0.1,::1"])
    for record in try job.records(rows.count).all {
      #expect(record.gist == "policy/address_blocked", "\(record)")
      #expect(record.error?.retryable == false && record.attempts == 1)
      #expect(record.error?.message.contains("--deny-private") == true)
    }
    #expect(try origin.counts().listeners["http"]?.accepted == 1, "only the connection that asks for the counts")
  }

  @Test func `connects to no port that was not allowed`() throws {
    let port = try origin.port("http")
    let other = try origin.port()
    let rows = ["http://127.0.0.1:\(port)/fixed/1", "https://localhost:\(other)/fixed/1"]
    let job = try sandbox.fetch(rows, ["--allow-ports", "443,\(port)"])
    let records = try job.records(2)
    #expect(try records[0].gist == "200 1" && records[1].gist == "policy/address_blocked")
    #expect(try records[1].error?.message.contains("\(other)") == true)
  }

  @Test func `goes on with the same limits when the job is resumed`() throws {
    let port = try origin.port("http")
    let job = try sandbox.fetch(["http://127.0.0.1:\(port)/fixed/1"], ["--deny-private"])
    let name = URL(filePath: job.directory).lastPathComponent
    // Also if other agents are asked for.
    for options in [["--retry-failed"], ["--retry-failed", "--agents", "2"]] {
      let (ending, program) = try sandbox.run("coordinator", ["resume", name] + options)
      #expect(ending == .exit(0), "\(program.errorText)")
      let again = try sandbox.run("coordinator", ["records", name]).1.outputText
      #expect(again.contains("address_blocked"), "\(options): \(again)")
    }
  }
}

/// Redirects from the open internet into a network of one's own.
@Suite(.enabled(if: Hosts.obstacle == nil, "\(Hosts.obstacle ?? "")"))
struct `A redirect from a global address` {
  /// Global by the registries; here it belongs to a host of our own.
  private static let global = "8.8.4.4"

  private let sandbox: Sandbox
  private let hosts: Hosts
  private let origin: Origin
  private let port: Int

  init() throws {
    sandbox = try Sandbox()
    let sandbox = sandbox
    hosts = try Hosts(1)
    origin = try hosts.on(0) {
      try runTool("/usr/bin/env", ["ip", "address", "add", "\(Self.global)/32", "dev", "lo"])
      return try Origin(in: sandbox, ["--plain", "0.0.0.0:0", "--listen", "0.0.0.0:0"])
    }
    port = try origin.port("http")
  }

  private func redirect(to url: String, from host: String = global) -> String {
    "http://\(host):\(port)/redirect-to?url=\(url)"
  }

  private func fetch(_ rows: [String], _ options: [String] = []) throws -> [String] {
    let job = try hosts.on(0) {
      try sandbox.fetch(rows, ["-L", "--retry", "0", "--resolve", "inside.test:\(port):127.0.0.1"] + options)
    }
    return try job.records(rows.count).all.map(\.gist)
  }

  @Test func `does not lead to one that is not, unless the job allows it`() throws {
    let inside = "http://127.0.0.1:\(port)/fixed/5"
    let rows = [
      inside, redirect(to: inside), redirect(to: inside, from: "127.0.0.1"),
      redirect(to: redirect(to: inside)), redirect(to: "http://\(Self.global):\(port)/fixed/6"),
    ]
    let blocked = "policy/address_blocked"
    #expect(try fetch(rows) == ["200 5", blocked, "200 5", blocked, "200 6"])
    #expect(try fetch(rows, ["--redirects-to-private"]) == ["200 5", "200 5", "200 5", "200 5", "200 6"])
  }

  @Test func `changes nothing about what is verified`() throws {
    let https = try origin.port()
    let rows = ["localhost", "other.test"].map { "https://\($0):\(https)/fixed/7" }
    let options = ["--deny-private", "--cacert", origin.authority, "--resolve", "*:\(https):127.0.0.1,\(Self.global)"]
    #expect(try fetch(rows, options) == ["200 7", "tls/tls_hostname_mismatch"])
  }

  @Test func `does not find its way over a connection that is open already`() throws {
    let inside = "http://inside.test:\(port)/fixed/5"
    // One connection an origin, in the order of the list.
    let rows = [inside, redirect(to: inside), inside, redirect(to: inside)]
    let found = try fetch(rows, ["--per-origin", "1"])
    #expect(found == ["200 5", "policy/address_blocked", "200 5", "policy/address_blocked"])
  }
}
