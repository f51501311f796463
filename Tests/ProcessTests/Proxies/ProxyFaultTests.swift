import Foundation
import Testing

/// Proxies that refuse or misbehave, and ways that do not lead to one.
@Suite struct `A proxy in the way` {
  let sandbox: Sandbox
  let origin: Origin
  let proxy: ScriptedProxy

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
    proxy = try ScriptedProxy(in: sandbox)
  }

  private func fetch(_ rows: [String], _ options: [String], sourceLocation: SourceLocation = #_sourceLocation) throws
    -> Records
  {
    let always = ["--cacert", origin.authority, "--retry", "0", "-4"]
    return try sandbox.fetch(rows, always + options, sourceLocation: sourceLocation).records(rows.count)
  }

  // MARK: Refusals

  @Test func `that refuses a tunnel says why, and the row says it on`() throws {
    let cases: [(status: Int, code: String)] = [
      (302, "connect_refused"), (400, "connect_refused"), (403, "connect_refused"), (404, "connect_refused"),
      (429, "connect_refused"), (500, "connect_unreachable"), (502, "connect_unreachable"),
      (503, "connect_unreachable"), (504, "connect_timeout"),
    ]
    let rows = cases.map { "https://status\($0.status).test/" }
    let records = try fetch(rows, ["-x", try proxy.url("http", .http)])
    for (record, expected) in zip(records.all, cases) {
      #expect(record.gist == "connect/\(expected.code)")
      #expect(record.error?.message.contains("answered \(expected.status) to CONNECT") == true, "\(record)")
    }
  }

  @Test func `that gives a reply of SOCKS says why, and the row says it on`() throws {
    let cases: [(reply: Int, code: String, words: String)] = [
      (1, "connect_unreachable", "general SOCKS server failure"), (2, "connect_refused", "not allowed"),
      (3, "connect_unreachable", "network unreachable"), (4, "connect_unreachable", "host unreachable"),
      (5, "connect_refused", "connection refused"), (6, "connect_timeout", "TTL expired"),
      (7, "connect_refused", "command not supported"), (8, "connect_refused", "address type not supported"),
      (99, "connect_refused", "SOCKS reply 99"),
    ]
    let rows = cases.map { "https://reply\($0.reply).test/" }
    let records = try fetch(rows, ["-x", try proxy.url("socks5h", .socks)])
    for (record, expected) in zip(records.all, cases) {
      #expect(record.gist == "connect/\(expected.code)")
      #expect(record.error?.message.contains(expected.words) == true, "\(record)")
    }
  }

  @Test(arguments: ["http", "socks5h"])
  func `that misbehaves ends rows, and soon`(scheme: String) throws {
    let row = ["https://surplus.test/"]
    let surplus = try fetch(row, ["-x", try proxy.url(scheme, scheme == "http" ? .http : .socks)])[0]
    #expect(surplus.gist == "connect/connect_refused" && surplus.error?.message.contains("behind its answer") == true)
    let garbage = try fetch(row, ["-x", try proxy.url(scheme, .garbage)])[0]
    #expect(garbage.gist == "connect/connect_refused", "\(garbage)")
    let closing = try fetch(row, ["-x", try proxy.url(scheme, .closing)])[0]
    #expect(closing.gist == "connect/connect_refused", "\(closing)")
    let silent = try fetch(row, ["-x", try proxy.url(scheme, .silent), "--connect-timeout", "0.5"])[0]
    #expect(silent.gist == "connect/connect_timeout", "\(silent)")
    for record in [garbage, closing, silent] {
      #expect(record.error?.message.contains("proxy") == true, "\(record)")
    }
  }

  @Test func `that takes its time has no more than --connect-timeout`() throws {
    let options = ["-x", try proxy.url("http", .dripping), "--connect-timeout", "0.5"]
    let record = try fetch(["https://localhost/"], options)[0]
    #expect(record.gist == "connect/connect_timeout", "\(record)")
    #expect((record.time["total"] ?? 0) < 5 * patience, "\(record)")
  }

  @Test func `that is not there is what the row names`() throws {
    let closed = try HeldPort.free()
    let rows = [try origin.url("/fixed/1"), try origin.url("/fixed/1", "http")]
    for scheme in ["http", "socks5", "socks5h"] {
      for record in try fetch(rows, ["-x", "\(scheme)://127.0.0.1:\(closed)"]).all {
        #expect(record.gist == "connect/connect_refused")
        #expect(record.error?.message.contains("127.0.0.1:\(closed)") == true, "\(record)")
      }
    }
    let unknown = try fetch([rows[0]], ["-x", "nowhere.invalid:3128"])[0]
    #expect(unknown.error?.phase == "dns" && unknown.error?.message.contains("nowhere.invalid") == true, "\(unknown)")
  }

  // MARK: Ways past it

  @Test func `is not asked for the hosts of --noproxy`() throws {
    let port = try origin.port("http")
    let rows = ["localhost", "127.0.0.1"].map { "http://\($0):\(port)/fixed/1" }
    let address = try proxy.url("http", .http)
    func bodies(_ list: String) throws -> [Int?] {
      try fetch(rows, ["-x", address, "--noproxy", list]).all.map(\.bodyBytes)
    }
    // The scripted proxy answers itself, with nine bytes.
    #expect(try bodies("") == [9, 9])
    #expect(try bodies("other.test") == [9, 9])
    #expect(try bodies("localhost") == [1, 9])
    #expect(try bodies("other.test, 127.0.0.0/8") == [9, 1])
    #expect(try bodies("*") == [1, 1])
    #expect(proxy.log.count == 6)
  }

  @Test func `is taken from the environment only if that is asked for`() throws {
    let list = try sandbox.list([try origin.url("/fixed/1", "http")])
    let address = try proxy.url("http", .http)
    /// With exactly these variables about proxies.
    func bodyBytes(_ variables: [String], _ options: [String]) throws -> Int? {
      let name = sandbox.fresh("job")
      let none = ["NO_PROXY", "no_proxy", "http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
      let command = [try Sandbox.builtProgram("coordinator"), "local", list, "-o", name, "--agents", "1"]
      let program = try sandbox.start(
        "coordinator",
        at: "/usr/bin/env",
        none.flatMap { ["-u", $0] } + variables + command + ["--retry", "0"] + options
      )
      let ending = try program.wait()
      #expect(ending == .exit(0), "\(program.errorText)")
      return try Job(ending: ending, program: program, directory: "\(sandbox.path)/\(name)").records(1)[0].bodyBytes
    }
    let asked = "--proxy-from-env"
    #expect(try bodyBytes(["http_proxy=\(address)", "all_proxy=\(address)"], []) == 1)
    #expect(try bodyBytes(["http_proxy=\(address)"], [asked]) == 9)
    #expect(try bodyBytes(["all_proxy=\(address)"], [asked]) == 9)
    #expect(try bodyBytes(["HTTP_PROXY=\(address)", "https_proxy=\(address)"], [asked]) == 1)
    #expect(try bodyBytes(["http_proxy=\(address)", "NO_PROXY=localhost:80,localhost"], [asked]) == 1)
    #expect(try bodyBytes(["http_proxy=\(address)", "no_proxy=localhost"], [asked, "--noproxy", "a.test"]) == 9)
    #expect(try bodyBytes(["http_proxy=\(address)"], [asked, "-x", ""]) == 1)
    #expect(try bodyBytes(["http_proxy=http://127.0.0.1:1"], [asked, "-x", address]) == 9)
    #expect(try bodyBytes(["no_proxy=localhost"], ["-x", address]) == 9)
  }

  @Test func `is asked for where --connect-to leads, with the origin's name in everything else`() throws {
    let https = try origin.port()
    let http = try origin.port("http")
    let moved = ["--connect-to", "localhost:443:127.0.0.1:\(https)", "--connect-to", "localhost:80:127.0.0.1:\(http)"]
    let rows = ["https://localhost/fixed/1", "http://localhost/echo"]
    for (scheme, listener, word) in [("http", ScriptedProxy.Listener.http, "CONNECT"), ("socks5h", .socks, "address")] {
      let records = try fetch(rows, ["-x", try proxy.url(scheme, listener), "--body", "inline"] + moved)
      records.expectAllFetched()
      #expect(try records[1].body?.contains("\"localhost\"") == true, "Host: \(records.all)")
      let mark = word == "CONNECT" ? ":" : " "
      #expect(proxy.log.count { $0 == "\(word) 127.0.0.1\(mark)\(https)" } == 1, "\(proxy.log)")
      #expect(proxy.log.count { $0 == "\(word) 127.0.0.1\(mark)\(http)" } == 1, "\(proxy.log)")
    }
  }

  // MARK: Private addresses

  @Test(arguments: ["http", "socks5", "socks5h"])
  func `gets to see nothing of what --deny-private forbids`(scheme: String) throws {
    let address = try proxy.url(scheme, scheme == "http" ? .http : .socks)
    let https = try origin.port()
    let http = try origin.port("http")
    let rows = ["127.0.0.1", "localhost", "[::1]", "named.test"].flatMap {
      ["http://\($0):\(http)/fixed/1", "https://\($0):\(https)/fixed/1"]
    }
    let options = ["-x", address, "--deny-private", "--resolve", "named.test:*:127.0.0.1"]
    let always = ["--cacert", origin.authority, "--retry", "0"]
    for record in try sandbox.fetch(rows, always + options).records(rows.count).all {
      #expect(record.gist == "policy/address_blocked", "\(record)")
    }
    #expect(proxy.connections == 0 && proxy.log.isEmpty, "\(proxy.log)")
  }

  @Test(arguments: ["http", "socks5", "socks5h"])
  func `is given the address that --deny-private has let through, and no name`(scheme: String) throws {
    let address = try proxy.url(scheme, scheme == "http" ? .http : .socks)
    let rows = ["http://named.test:81/", "https://named.test:82/"]
    // Global by the registries; the scripted proxy connects to nothing but this host.
    let global = "192.88.98.1"
    let options = ["-x", address, "--deny-private", "--resolve", "named.test:*:\(global)", "--connect-timeout", "0.5"]
    _ = try fetch(rows, options)
    let asked =
      scheme == "http"
      ? ["CONNECT \(global):81", "CONNECT \(global):82"] : ["address \(global) 81", "address \(global) 82"]
    #expect(proxy.log.sorted() == asked)
  }
}
