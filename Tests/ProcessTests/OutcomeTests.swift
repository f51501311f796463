import Foundation
import Testing

/// A list of everything that can become of a row, and what its record has to say.
@Suite struct `The record of` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func expectGists(
    _ cases: [(row: String, gist: String)],
    _ options: [String],
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Records {
    let job = try sandbox.fetch(cases.map(\.row), options, sourceLocation: sourceLocation)
    let records = try job.records(cases.count, sourceLocation: sourceLocation)
    for (record, expected) in zip(records.all, cases) {
      let gists = expected.gist.components(separatedBy: " or ")
      #expect(gists.contains(record.gist), "\(expected.row): \(record)", sourceLocation: sourceLocation)
      #expect(record.error.map { !$0.message.isEmpty } ?? true, sourceLocation: sourceLocation)
    }
    try job.summary().expectAgreement(with: records, sourceLocation: sourceLocation)
    return records
  }

  @Test func `each kind of response, failure and bad row in one list`() throws {
    func json(_ method: String, _ target: String) throws -> String {
      #"{"url":"\#(try origin.url(target))","method":"\#(method)"}"#
    }
    let cases: [(row: String, gist: String)] = [
      (try origin.url("/fixed/1000"), "200 1000"),
      (try origin.url("/fixed/0"), "200 0"),
      (try origin.url("/fixed/100000", "http"), "200 100000"),
      (try origin.url("/chunked/5000?size=512"), "200 5000"),
      (try origin.url("/chunked/3000?size=7&trailers=1"), "200 3000"),
      (try origin.url("/close/2000"), "200 2000"),
      (try origin.url("/close/2000", "http"), "200 2000"),
      (try origin.url("/status/204"), "204 0"),
      (try origin.url("/status/304"), "304 0"),
      (try origin.url("/status/404"), "404 11"),
      (try origin.url("/status/500"), "500 11"),
      (try origin.url("/interim"), "200 6"),
      (try json("HEAD", "/fixed/1000"), "200 0"),
      (try origin.url("/redirect/2"), "302 0"),
      (try origin.url("/", "refused"), "connect/connect_refused"),
      (try origin.url("/slow/head/5000"), "head/timeout_total"),
      (try origin.url("/", "silent"), "head/timeout_total"),
      (try origin.url("/stall/body"), "200 512 body/timeout_total"),
      (try origin.url("/", "unaccepted"), "connect/connect_timeout"),
      (try origin.url("/", "tls_silent"), "tls/tls_timeout"),
      (try origin.url("/reset/head"), "head/reset"),
      (try origin.url("/reset/body"), "200 512 body/reset"),
      (try origin.url("/truncate/2000"), "200 1000 body/closed_early"),
      (try origin.url("/truncate-unclean/2000"), "200 1000 body/closed_early"),
      (try origin.url("/no-close-notify/700"), "200 700 body/closed_early"),
      (try origin.url("/", "expired"), "tls/tls_certificate_expired"),
      (try origin.url("/", "not_yet_valid"), "tls/tls_certificate_not_yet_valid"),
      (try origin.url("/", "untrusted"), "tls/tls_certificate_untrusted"),
      (try origin.url("/", "wrong_name"), "tls/tls_hostname_mismatch"),
      (try origin.url("/", "garbage"), "head/malformed_response"),
      (try origin.url("/garbage"), "head/malformed_response"),
      (try origin.url("/", "alert"), "tls/tls_alert"),
      (try origin.url("/", "plain_in_tls"), "tls/tls_handshake_failed"),
      // Whether the kernel resets depends on whether the ClientHello was there at the close.
      (try origin.url("/", "closing"), "tls/closed_before_response or tls/reset"),
      (try origin.url("/headers/big/1000000"), "head/head_too_large"),
      ("ftp://localhost/", "input/invalid_url"),
      ("https://localhost:99999/", "input/invalid_url"),
      ("not a url", "input/invalid_url"),
      (#"{"url": oops"#, "input/invalid_json"),
      (#"{"id":"the-id","url":"\#(try origin.url("/echo"))","proxy":"x"}"#, "input/invalid_request"),
      (#"{"id":"good-id","url":"\#(try origin.url("/fixed/1"))"}"#, "200 1"),
    ]
    let records = try expectGists(
      cases,
      ["--retry", "0", "--connect-timeout", "1", "--max-time", "2", "--cacert", origin.authority]
    )
    func record(_ target: String, _ listener: String = "https") throws -> Record {
      let url = try origin.url(target, listener)
      return try #require(records.all.first { $0.url == url && $0.id == nil })
    }

    let fixed = try record("/fixed/1000")
    #expect(fixed.bodySha256 == Digest.sha256(Origin.body("/fixed/1000", count: 1000)))
    #expect(fixed.contentLength == 1000 && fixed.contentType == "application/octet-stream" && fixed.http == "1.1")
    #expect(fixed.tls?.version == "1.3" && fixed.remoteIp == "127.0.0.1" && fixed.method == "GET")
    for target in ["/chunked/5000?size=512", "/chunked/3000?size=7&trailers=1", "/close/2000"] {
      let found = try record(target)
      let path = String(target.prefix { $0 != "?" })
      let expected = Digest.sha256(Origin.body(path, count: found.bodyBytes ?? 0))
      #expect(found.bodySha256 == expected, "\(target)")
    }
    let plain = try record("/close/2000", "http")
    #expect(plain.tls == nil && plain.time["tls"] == nil)
    let redirected = try record("/redirect/2")
    #expect(redirected.location == "/redirect/1" && redirected.redirects == nil && redirected.finalUrl == nil)
    let refused = try record("/", "refused")
    #expect(refused.time["first_byte"] == nil && refused.error?.retryable == true && refused.attempts == 1)
    for slow in [try record("/slow/head/5000"), try record("/stall/body")] {
      let total = slow.time["total"] ?? 0
      #expect(total >= 1.9 && total < 4, "\(slow)")
    }
    for late in [try record("/", "unaccepted"), try record("/", "tls_silent")] {
      let total = late.time["total"] ?? 0
      #expect(total >= 0.9 && total < 3, "\(late)")
    }
    #expect(records.all.filter { $0.id != nil }.map(\.id) == ["the-id", "good-id"])
    for bad in records.all where bad.error?.phase == "input" {
      #expect(bad.attempts == 0 && bad.error?.retryable == false, "\(bad)")
    }
  }

  @Test func `a name that does not exist`() throws {
    let job = try sandbox.fetch(["http://no-such-host.invalid/"], ["--retry", "0"])
    #expect(try job.records(1)[0].gist == "dns/dns_not_found")
  }

  @Test func `a name without an address of the family wanted`() throws {
    let options = ["--resolve", "v.test:*:127.0.0.1", "-6", "--retry", "0"]
    #expect(try sandbox.fetch(["http://v.test/"], options).records(1)[0].gist == "dns/dns_no_address")
  }

  @Test func `a server that knows no more than TLS 1.2`() throws {
    let old = try Origin(in: sandbox, ["--tls-max", "1.2"])
    let row = try old.url("/fixed/6")
    let found = try sandbox.fetch([row], ["--cacert", old.authority]).records(1)[0]
    #expect(found.gist == "200 6" && found.tls?.version == "1.2")
    let refused = try sandbox.fetch([row], ["--cacert", old.authority, "--tls-min", "1.3", "--retry", "0"])
    #expect(try refused.records(1)[0].gist == "tls/tls_alert")
  }

  @Test func `a server that does not prove its name or chooses a protocol of its own`() throws {
    let hosts = ["common_name_only": "no-san.cases.test", "partial_wildcard": "partial-wildcard.cases.test"]
    var cases = try hosts.map { listener, host in
      (row: try origin.url("/", listener, host: host), gist: "tls/tls_hostname_mismatch")
    }
    cases.append((try origin.url("/", "other_protocol"), "tls/tls_handshake_failed"))
    let places = hosts.values.flatMap { ["--resolve", "\($0):*:127.0.0.1"] }
    _ = try expectGists(cases, places + ["--retry", "0", "--cacert", origin.authority])
  }

  @Test func `followed redirects, within an origin and across`() throws {
    func to(_ url: String, status: Int = 302) throws -> String {
      let encoded = url.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? url
      return try origin.url("/redirect-to?url=\(encoded)&status=\(status)")
    }
    let across = try origin.url("/fixed/33", host: "127.0.0.1")
    let cases: [(row: String, gist: String)] = [
      (try origin.url("/redirect/3"), "200 8"),
      (try to(across), "200 33"),
      (try to(try origin.url("/fixed/34", "http")), "302 redirect/redirect_downgrade"),
      // Some other program's affair, as for a browser.
      (try to("nowhere://x"), "302 0"),
      (try origin.url("/redirect/20"), "302 redirect/too_many_redirects"),
      (try origin.url("/status/200"), "200 11"),
    ]
    let records = try expectGists(cases, ["-L", "--retry", "0", "--cacert", origin.authority])
    let near = try records[0]
    #expect(near.redirects == 3)
    #expect(near.finalUrl == (try origin.url("/redirect/0")))
    #expect(near.url == (try origin.url("/redirect/3")) && near.location == nil)
    let far = try records[1]
    #expect(far.redirects == 1 && far.finalUrl == across)
    #expect(far.bodySha256 == Digest.sha256(Origin.body("/fixed/33", count: 33)))
    let last = try records[5]
    #expect(last.redirects == nil && last.finalUrl == nil)
  }

  @Test func `an answer that comes before the request is out`() throws {
    let server = try Listener()
    try sandbox.write("large.txt", String(repeating: "x", count: 8 << 20))
    let list = try sandbox.list(["http://127.0.0.1:\(server.port)/"])
    let running = try sandbox.startLocal(input: list, ["-d", "@large.txt", "--retry", "0"], agents: 1)
    let connection = try server.accept(within: 20)
    try connection.send(Array("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno".utf8))
    let record = try running.wait().records(1)[0]
    #expect(record.gist == "413 2")
    let firstByte = try #require(record.time["first_byte"])
    #expect(try firstByte <= #require(record.time["total"]))
  }

  @Test func `time limits of the parts of an exchange`() throws {
    let cases: [(row: String, gist: String)] = [
      (try origin.url("/slow/head/5000"), "head/first_byte_timeout"),
      (try origin.url("/stall/body"), "200 512 body/idle_timeout"),
      (try origin.url("/slow/body/100?n=5"), "200 5"),
      (try origin.url("/fixed/9"), "200 9"),
    ]
    let options = ["--first-byte-timeout", "0.5", "--idle-timeout", "0.8", "--retry", "0"]
    let records = try expectGists(cases, options + ["--cacert", origin.authority])
    for record in [try records[0], try records[1]] {
      let total = record.time["total"] ?? 0
      #expect(total >= 0.4 && total < 2.5, "\(record)")
    }
  }

  @Test func `a transfer below the lowest speed allowed`() throws {
    let cases: [(row: String, gist: String)] = [
      (try origin.url("/fixed/200000"), "200 200000"),
      (try origin.url("/stall/body"), "200 512 body/too_slow"),
    ]
    _ = try expectGists(cases, ["-Y", "1000", "-y", "1", "--retry", "0", "--cacert", origin.authority])
  }

  @Test func `bad certificates with --insecure`() throws {
    let listeners = ["expired", "not_yet_valid", "untrusted", "wrong_name"]
    let cases = try listeners.map { (row: try origin.url("/fixed/7", $0), gist: "200 7") }
    _ = try expectGists(cases, ["--insecure", "--retry", "0"])
    let job = try sandbox.fetch([try origin.url("/fixed/7")], ["--retry", "0"])
    // The system's anchors know no test authority.
    #expect(try job.records(1)[0].gist == "tls/tls_certificate_untrusted")
  }

  @Test func `bodies that are kept, discarded or cut`() throws {
    let rows = try ["/fixed/50", "/fixed/3000", "/chunked/3000?size=100"].map { try origin.url($0) }
    let trust = ["--cacert", origin.authority]
    let kept = try sandbox.fetch(rows, trust + ["--body", "inline"]).records(3)
    #expect(try kept[0].body == String(decoding: Origin.body("/fixed/50", count: 50), as: UTF8.self))
    #expect(try kept[0].truncated == nil)

    let discarded = try sandbox.fetch(rows, trust + ["--body", "discard"]).records(3)
    #expect(discarded.all.allSatisfy { $0.bodySha256 == nil && $0.body == nil })
    #expect(discarded.all.map(\.bodyBytes) == [50, 3000, 3000])

    let cut = try sandbox.fetch(rows, trust + ["--max-filesize", "1000"]).records(3)
    #expect(cut.all.map(\.truncated) == [nil, "length", "length"])
    #expect(cut.all.map(\.bodyBytes) == [50, 1000, 1000])
    #expect(cut.all.allSatisfy { $0.error == nil && $0.status == 200 })
    #expect(try cut[1].bodySha256 == Digest.sha256(Origin.body("/fixed/3000", count: 1000)))
  }

  @Test func `header fields if they are asked for`() throws {
    let record = try sandbox.fetch(
      [try origin.url("/fixed/5")],
      ["--include-headers", "--cacert", origin.authority]
    ).records(1)[0]
    #expect(record.headers == [["Content-Type", "application/octet-stream"], ["Content-Length", "5"]])
  }
}
