import NameServer
import Testing

/// Addresses that come when a connection has begun with others.
@Suite struct `Addresses that come late` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func `are of the target, and nobody takes them for the proxy's`() throws {
    // It does not answer, and while it is waited for the rest of the target's addresses comes.
    let proxy = try Listener()
    let first = try Client(port: proxy.port)
    let elsewhere = try Listener(number: 5, port: proxy.port)
    let names = try NameServer { question in
      question.type == .ipv6
        ? .addresses(["::1"], ttl: 60, to: question)
        : .addresses(["127.0.0.5"], ttl: 60, to: question).after(.milliseconds(200))
    }
    let options = ["-x", "socks5://me:secret@127.0.0.1:\(proxy.port)", "--dns-servers", names.text]
    let limits = ["--connect-timeout", "1.5", "--retry", "0"]
    let job = try sandbox.fetch(["http://late.test/"], options + limits)
    #expect(try job.records(1)[0].gist == "connect/connect_timeout")
    #expect(names.count("late.test", .ipv4) == 1)
    #expect(throws: Trouble.self, "the target's host was taken for the proxy") { try elsewhere.accept(within: 0.1) }
    withExtendedLifetime((proxy, first)) {}
  }
}

/// The same behind `--deny-private`.
@Suite(.enabled(if: Hosts.obstacle == nil, "\(Hosts.obstacle ?? "")"))
struct `Addresses of which some may not be tried` {
  /// Global by the registries; here it belongs to a host of our own.
  private static let global = "8.8.4.4"

  @Test(arguments: [RecordType.ipv4, .ipv6])
  func `do not decide before the others have come`(_ late: RecordType) throws {
    let sandbox = try Sandbox()
    let hosts = try Hosts(1)
    let job = try hosts.on(0) {
      try runTool("/usr/bin/env", ["ip", "address", "add", "\(Self.global)/32", "dev", "lo"])
      let origin = try Origin(in: sandbox, ["--plain", "0.0.0.0:0"])
      let names = try NameServer { question in
        let address = question.type == .ipv6 ? "fd00::1" : Self.global
        let answer = Response.addresses([address], ttl: 60, to: question)
        return question.type == late ? answer.after(.milliseconds(200)) : answer
      }
      let row = try origin.url("/fixed/3", "http", host: "mixed.test")
      return try sandbox.fetch([row], ["--deny-private", "--retry", "0", "--dns-servers", names.text])
    }
    #expect(try job.records(1)[0].gist == "200 3")
  }
}
