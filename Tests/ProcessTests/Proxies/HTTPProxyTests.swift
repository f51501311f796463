import Foundation
import Testing

/// `--proxy http://…`, with squid.
@Suite struct `Through an HTTP proxy` {
  let sandbox: Sandbox
  let origin: Origin

  /// What must be percent-encoded in a URL, too.
  private static let account = "me:pass:w@rd"
  private static let encoded = "me:pass%3Aw%40rd"
  private static let base64 = Data(account.utf8).base64EncodedString()

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func fetch(_ rows: [String], _ options: [String], sourceLocation: SourceLocation = #_sourceLocation) throws
    -> Job
  {
    let always = ["--cacert", origin.authority, "--retry", "0", "--body", "inline"]
    return try sandbox.fetch(rows, always + options, sourceLocation: sourceLocation)
  }

  /// The bodies of all records, each of which was fetched.
  private func bodies(_ rows: [String], _ options: [String]) throws -> [String] {
    let records = try fetch(rows, options).records(rows.count)
    records.expectAllFetched()
    return records.all.map { $0.body ?? "" }
  }

  @Test func `https takes a tunnel that is asked for by CONNECT, and a connection is kept`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox)
    let port = try origin.port()
    let rows = try (0..<40).map { try origin.url("/fixed/\($0)") }
    let job = try fetch(rows, ["-x", squid.url("http"), "--per-origin", "2"])
    let records = try job.records(rows.count)
    records.expectAllFetched()
    #expect(records.all.map(\.bodyBytes) == Array(0..<40))
    #expect(records.all.count { $0.reused == true } >= 38)
    let tunnels = try squid.log(ofAtLeast: 1)
    #expect(tunnels.count <= 2 && tunnels.allSatisfy { $0 == "CONNECT localhost:\(port) 200 -" })
    #expect(1...2 ~= (try origin.counts().listeners["https"]?.accepted ?? 0))
  }

  @Test func `http goes in absolute form, and a connection is kept`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox)
    let rows = try (0..<40).map { try origin.url("/fixed/\($0)?x", "http") }
    let records = try fetch(rows, ["-x", squid.url("http"), "--per-origin", "2"]).records(rows.count)
    records.expectAllFetched()
    #expect(records.all.map(\.bodyBytes) == Array(0..<40))
    #expect(records.all.count { $0.reused == true } >= 38)
    let log = try squid.log(ofAtLeast: 40)
    #expect(log.sorted() == rows.map { "GET \($0) 200 -" }.sorted())
  }

  @Test(arguments: [true, false])
  func `credentials go to the proxy and not to the origin`(inURL: Bool) throws {
    let squid = try ForeignProxy(.squid(account: Self.account), in: sandbox)
    let proxy =
      inURL ? ["-x", squid.url("http", account: Self.encoded)] : ["-x", squid.url("http"), "-U", Self.encoded]
    let rows = [try origin.url("/echo"), try origin.url("/echo", "http")]
    let job = try fetch(rows, proxy)
    let records = try job.records(2)
    records.expectAllFetched()
    for record in records.all {
      let echo = record.body ?? ""
      #expect(echo.contains("\"GET\"") && !echo.lowercased().contains("proxy-"), "\(echo)")
    }
    let log = try squid.log(ofAtLeast: 2)
    #expect(log.allSatisfy { $0.hasSuffix(" 200 me") }, "\(log)")
    try expectNoSecret(in: job)
  }

  @Test func `the proxy is told what is meant for it, and of a tunnel no more`() throws {
    let proxy = try ScriptedProxy(in: sandbox)
    let hosts = try ["https", "http"].map { "localhost:\(try origin.port($0))" }
    let rows = ["https://\(hosts[0])/fixed/1", "http://\(hosts[1])/a?b"]
    let account = try proxy.url("http", .http, account: Self.encoded)
    try fetch(rows, ["-x", account, "-A", "tester/1", "-b", "a=1"]).records(2).expectAllFetched()
    let told = "Proxy-Authorization: Basic \(Self.base64)"
    let tunnel = ["CONNECT \(hosts[0]) HTTP/1.1", "Host: \(hosts[0])", told, "User-Agent: tester/1"]
    let absolute = ["GET http://\(hosts[1])/a?b HTTP/1.1", "Host: \(hosts[1])", told]
    let heads = proxy.heads.map { $0.components(separatedBy: "\r\n") }.sorted { $0[0] < $1[0] }
    try #require(heads.count == 2)
    #expect(heads[0] == tunnel)
    #expect(heads[1].prefix(3) == absolute[...])
    #expect(heads[1].dropFirst(3).sorted() == ["Accept: */*", "Cookie: a=1", "User-Agent: tester/1"])
  }

  @Test func `wrong credentials, and missing ones, end a row with words that hold none`() throws {
    let squid = try ForeignProxy(.squid(account: Self.account), in: sandbox)
    let rows = [try origin.url("/echo"), try origin.url("/echo", "http")]
    for options in [["-U", "me:wrong%20secret"], []] {
      let job = try fetch(rows, ["-x", squid.url("http")] + options)
      let records = try job.records(2)
      #expect(try records[0].gist == "connect/connect_refused")
      let message = try records[0].error?.message ?? ""
      #expect(message.contains(options.isEmpty ? "--proxy-user" : "does not accept"), "\(message)")
      // Of a request in absolute form the proxy's answer is the answer, as with curl.
      #expect(try records[1].status == 407)
      try expectNoSecret(in: job)
    }
    let accepted = try origin.counts().listeners["https"]?.accepted ?? 0
    #expect(accepted == 0)
  }

  @Test func `a caller's Proxy-Authorization does not get through to an origin`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox)
    let rows = try ["https", "http"].map { listener in
      #"{"url":"\#(try origin.url("/echo", listener))","headers":{"Proxy-Authorization":"Basic x","X-Other":"1"}}"#
    }
    for body in try bodies(rows, ["-x", squid.url("http")]) {
      #expect(body.contains("X-Other") && !body.lowercased().contains("proxy-"), "\(body)")
    }
  }

  @Test func `the proxy looks names up, and certificates are those of the origin`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox, hosts: ["only.invalid": "127.0.0.1"])
    let only = try origin.url("/fixed/5", "http", host: "only.invalid")
    let rows = [only, try origin.url("/fixed/6", host: "only.invalid"), try origin.url("/fixed/7")]
    let found = try fetch(rows, ["-x", squid.url("http")]).records(3).all.map(\.gist)
    #expect(found == ["200 5", "tls/tls_hostname_mismatch", "200 7"])
    let untrusted = try sandbox.fetch([rows[2]], ["-x", squid.url("http"), "--retry", "0"]).records(1)
    #expect(try untrusted[0].gist == "tls/tls_certificate_untrusted")
  }

  @Test func `redirects lead on through the proxy, from one scheme to the other`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox)
    let there = try origin.url("/fixed/3")
    let row = try origin.url("/redirect-to?url=\(there)", "http")
    let record = try fetch([row], ["-L", "-x", squid.url("http")]).records(1)[0]
    #expect(record.gist == "200 3" && record.redirects == 1)
    let log = try squid.log(ofAtLeast: 2)
    #expect(log.contains("GET \(row) 302 -"))
    #expect(log.contains("CONNECT localhost:\(try origin.port()) 200 -"))
  }

  @Test func `that nobody answers is what the proxy says, and not the origin`() throws {
    let squid = try ForeignProxy(.squid(account: nil), in: sandbox)
    let closed = try HeldPort.free()
    let rows = ["https", "http"].map { "\($0)://localhost:\(closed)/" }
    let records = try fetch(rows, ["-x", squid.url("http")]).records(2)
    // Of a request in absolute form the proxy's answer is the answer, as with curl.
    #expect(try records[0].gist == "connect/connect_unreachable" && records[1].status == 503)
    #expect(try records[0].error?.message.contains("answered 503 to CONNECT") == true)
  }

  private func expectNoSecret(in job: Job, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let secrets = ["pass:w@rd", "pass%3Aw%40rd", Self.base64, "wrong secret", "wrong%20secret"]
    let names = try FileManager.default.contentsOfDirectory(atPath: job.directory)
    #expect(names.contains("job.json"), sourceLocation: sourceLocation)
    for name in names {
      let data = FileManager.default.contents(atPath: "\(job.directory)/\(name)") ?? Data()
      let text = String(decoding: data, as: UTF8.self)
      #expect(!secrets.contains { text.contains($0) }, "\(name): \(text)", sourceLocation: sourceLocation)
    }
    let said = job.program.errorText
    #expect(!secrets.contains { said.contains($0) }, "\(said)", sourceLocation: sourceLocation)
  }
}
