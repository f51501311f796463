import Foundation
import Testing

/// `--proxy socks5://…` and `socks5h://…`, with Dante and with a proxy of the tests' own.
@Suite struct `Through a SOCKS proxy` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func fetch(_ rows: [String], _ options: [String], sourceLocation: SourceLocation = #_sourceLocation) throws
    -> Records
  {
    let always = ["--cacert", origin.authority, "--retry", "0", "--body", "inline", "-4"]
    return try sandbox.fetch(rows, always + options, sourceLocation: sourceLocation).records(rows.count)
  }

  @Test(arguments: ["socks5", "socks5h"])
  func `rows of both schemes are fetched over kept connections`(scheme: String) throws {
    let dante = try ForeignProxy(.dante, in: sandbox)
    let rows = try (0..<40).map { try origin.url("/fixed/\($0)", $0 % 2 == 0 ? "https" : "http") }
    let records = try fetch(rows, ["-x", dante.url(scheme), "--per-origin", "2"])
    records.expectAllFetched()
    #expect(records.all.map(\.bodyBytes) == Array(0..<40))
    #expect(records.all.count { $0.reused == true } >= 36)
    #expect(try dante.log(ofAtLeast: 2).count <= 4)
    #expect(1...2 ~= (try origin.counts().listeners["https"]?.accepted ?? 0))
  }

  @Test func `socks5 gives the proxy addresses, socks5h names, and an address is one for both`() throws {
    let proxy = try ScriptedProxy(in: sandbox)
    let port = try origin.port("http")
    let rows = ["http://localhost:\(port)/fixed/1", "http://127.0.0.1:\(port)/fixed/2"]
    for scheme in ["socks5", "socks5h"] {
      let records = try fetch(rows, ["-x", try proxy.url(scheme, .socks), "--agents", "1", "--per-origin", "1"])
      #expect(records.all.map(\.gist) == ["200 1", "200 2"])
    }
    let address = "address 127.0.0.1 \(port)"
    #expect(proxy.log.sorted() == [address, address, address, "name localhost \(port)"])
  }

  @Test func `a name that only the proxy knows is found by socks5h alone`() throws {
    let proxy = try ScriptedProxy(in: sandbox)
    let row = try origin.url("/fixed/1", "http", host: "deep.only.invalid")
    #expect(try fetch([row], ["-x", try proxy.url("socks5h", .socks)])[0].gist == "200 1")
    #expect(try fetch([row], ["-x", try proxy.url("socks5", .socks)])[0].error?.phase == "dns")
    #expect(proxy.log == ["name deep.only.invalid \(try origin.port("http"))"])
  }

  @Test func `certificates are those of the origin's name`() throws {
    let proxy = try ScriptedProxy(in: sandbox)
    let rows = [try origin.url("/fixed/1"), try origin.url("/fixed/2", host: "only.invalid")]
    let records = try fetch(rows, ["-x", try proxy.url("socks5h", .socks)])
    #expect(records.all.map(\.gist) == ["200 1", "tls/tls_hostname_mismatch"])
  }

  @Test func `credentials are given to a proxy that asks for them`() throws {
    let proxy = try ScriptedProxy(in: sandbox, account: "me:s3cret@:")
    let row = try origin.url("/echo")
    let account = "me:s3cret%40%3A"
    let inURL = ["-x", try proxy.url("socks5h", .guarded, account: account)]
    let apart = ["-x", try proxy.url("socks5h", .guarded), "-U", account]
    for options in [inURL, apart] {
      let record = try fetch([row], options)[0]
      #expect(record.status == 200 && record.body?.lowercased().contains("proxy") == false, "\(record)")
    }
    // One that does not ask gets none.
    let unasked = try fetch([row], ["-x", try proxy.url("socks5h", .socks, account: account)])[0]
    #expect(unasked.status == 200)
    #expect(proxy.log.filter { $0.hasPrefix("account") } == ["account me", "account me"])
  }

  @Test func `wrong credentials, and missing ones, end a row with words that hold none`() throws {
    let proxy = try ScriptedProxy(in: sandbox, account: "me:s3cret")
    let row = try origin.url("/fixed/1")
    let wrong = try fetch([row], ["-x", try proxy.url("socks5", .guarded, account: "me:wr0ng")])[0]
    #expect(wrong.gist == "connect/connect_refused")
    let message = wrong.error?.message ?? ""
    #expect(message.contains("does not accept") && !message.contains("wr0ng"), "\(message)")
    let missing = try fetch([row], ["-x", try proxy.url("socks5", .guarded)])[0]
    #expect(missing.gist == "connect/connect_refused")
    #expect(missing.error?.message.contains("--proxy-user") == true, "\(missing)")
    let accepted = try origin.counts().listeners["https"]?.accepted ?? 0
    #expect(accepted == 0)
  }

  @Test func `a job that is resumed has its credentials still, and nothing but the file for them holds any`() throws {
    let proxy = try ScriptedProxy(in: sandbox, account: "me:s3cret")
    let rows = try (0..<20_000).map { try origin.url("/fixed/1?row=\($0)", "http") }
    let url = try proxy.url("socks5h", .guarded, account: "me:s3cret")
    let running = try sandbox.startLocal(input: try sandbox.list(rows), ["-x", url, "--per-origin", "1"], agents: 1)
    try sandbox.waitForRecords(running, bytes: 20_000)
    try sandbox.kill(running)
    let early = sandbox.contents(running).count { $0 == 0x0A }
    let again = try sandbox.startResume(running)
    try waitUntil("more records") { sandbox.contents(running).count { $0 == 0x0A } > early + 100 }
    try sandbox.interrupt(again)
    let records = try Records.lines(sandbox.contents(running))
    #expect(records.count > early && records.suffix(50).allSatisfy { $0.gist == "200 1" })
    #expect(sandbox.exists("\(running.name)/secrets"))
    for (name, data) in sandbox.files(of: running) where name != "secrets" {
      let text = String(decoding: data, as: UTF8.self)
      // The second one is its base64.
      #expect(!text.contains("s3cret") && !text.contains("czNjcmV0"), "\(name)")
    }
    #expect(!running.program.errorText.contains("s3cret") && !again.program.errorText.contains("s3cret"))
  }
}
