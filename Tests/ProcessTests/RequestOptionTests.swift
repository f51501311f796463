import Foundation
import Testing

/// What the origin gets to see. Its `/echo` answers with the request as JSON.
@Suite struct `A request as the origin sees it` {
  struct Echo: Decodable {
    var method, target, body: String
    var headers: [[String]]

    /// All values of a field.
    subscript(name: String) -> [String] {
      headers.filter { $0.first?.lowercased() == name.lowercased() }.compactMap(\.last)
    }
  }

  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func echo(_ record: Record) throws -> Echo {
    guard let body = record.body else { throw Trouble("no body in \(record)") }
    return try JSONDecoder().decode(Echo.self, from: Data(body.utf8))
  }

  private func echoes(_ rows: [String], _ options: [String] = []) throws -> [Echo] {
    let options = options + ["--body", "inline", "--cacert", origin.authority, "--retry", "0"]
    return try sandbox.fetch(rows, options).records(rows.count).all.map(echo)
  }

  private func echo(_ options: [String]) throws -> Echo {
    let found = try echoes([try origin.url("/echo?x=1#fragment")], options)
    return try #require(found.first)
  }

  @Test func `is plain by default`() throws {
    let request = try echo([])
    #expect(request.method == "GET" && request.target == "/echo?x=1" && request.body.isEmpty)
    #expect(request["host"] == ["localhost:\(try origin.port())"])
    #expect(request["accept"] == ["*/*"])
    #expect(request["user-agent"] == ["trawl/0.1"])
    #expect(request.headers.count == 3, "\(request.headers)")
  }

  @Test func `has the method and the header fields of the options`() throws {
    try sandbox.write("fields.txt", "X-First: from a file\r\nX-Second:b\n")
    let options = ["-X", "DELETE", "-H", "X-One: 1", "-H", "X-Empty;", "-H", "@fields.txt", "-H", "Accept: text/html"]
    let request = try echo(options)
    #expect(request.method == "DELETE")
    #expect(request["x-one"] == ["1"] && request["x-empty"] == [""])
    #expect(request["x-first"] == ["from a file"] && request["x-second"] == ["b"])
    #expect(request["accept"] == ["text/html"])
  }

  @Test func `lacks what the options take away, as with curl`() throws {
    let request = try echo(["-H", "Accept:", "-H", "user-agent: ", "-H", "X-None:", "-d", "a", "-H", "Content-Type:"])
    #expect(request.headers.map { $0.first?.lowercased() } == ["host", "content-length"], "\(request.headers)")
    #expect(try echo(["-A", ""])["user-agent"] == [])
    #expect(try echo(["-H", "X-None:", "-H", "X-None: 1"])["x-none"] == ["1"])
    #expect(try echo(["-A", "", "-H", "User-Agent;", "-H", "Accept;"])["user-agent"] == [""])
  }

  @Test func `carries user agent, referer, credentials and cookies`() throws {
    let request = try echo(["-A", "tester/1", "-e", "https://from.test/", "-u", "me:secret", "-b", "a=1; b=2"])
    #expect(request["user-agent"] == ["tester/1"] && request["referer"] == ["https://from.test/"])
    #expect(request["authorization"] == ["Basic bWU6c2VjcmV0"] && request["cookie"] == ["a=1; b=2"])
  }

  @Test func `carries a form`() throws {
    try sandbox.write("data.txt", "from=file\n")
    let request = try echo(["-d", "a=1", "-d", "b=2"])
    #expect(request.method == "POST" && request.body == "a=1&b=2")
    #expect(request["content-type"] == ["application/x-www-form-urlencoded"])
    #expect(request["content-length"] == ["7"] && request["transfer-encoding"] == [])
    #expect(try echo(["-d", "@data.txt", "-X", "PUT"]).body.hasPrefix("from=file"))
    #expect(try echo(["-d", "@data.txt", "-X", "PUT"]).method == "PUT")
  }

  @Test func `carries JSON`() throws {
    let request = try echo(["--json", #"{"a":[1,2]}"#])
    #expect(request.method == "POST" && request.body == #"{"a":[1,2]}"#)
    #expect(request["content-type"] == ["application/json"] && request["accept"] == ["application/json"])
  }

  @Test func `follows its row before the options`() throws {
    let url = try origin.url("/echo")
    let rows = [
      #"{"url":"\#(url)","method":"PATCH","headers":{"X-Row":"r","Accept":"a/b"},"body":"text"}"#,
      #"{"url":"\#(url)","method":"POST","headers":[["X-Pair","1"],["X-Pair","2"]],"body_b64":"AGJpbg=="}"#,
      #"{"url":"\#(url)"}"#,
      url,
    ]
    let found = try echoes(rows, ["-H", "X-Job: j", "-H", "X-Row: job"])
    #expect(found.map(\.method) == ["PATCH", "POST", "GET", "GET"])
    #expect(found[0]["x-row"] == ["r"] && found[0]["accept"] == ["a/b"] && found[0].body == "text")
    #expect(found[1]["x-pair"] == ["1", "2"] && found[1].body == "\u{0}bin" && found[1]["content-length"] == ["4"])
    #expect(found.map { $0["x-job"] } == Array(repeating: ["j"], count: 4))
    #expect(found[2]["x-row"] == ["job"] && found[3]["x-row"] == ["job"])
  }

  @Test func `asks for the head only with -I`() throws {
    let options = ["-I", "--cacert", origin.authority]
    let record = try sandbox.fetch([try origin.url("/fixed/1234")], options).records(1)[0]
    #expect(record.method == "HEAD" && record.status == 200)
    #expect(record.contentLength == 1234, "what a GET would have got")
    #expect(record.bodyBytes == nil || record.bodyBytes == 0)
  }

  @Test func `carries no credentials to another origin`() throws {
    let there = try origin.url("/echo", host: "127.0.0.1")
    let here = try origin.url("/echo")
    func redirect(to url: String, from host: String) throws -> String {
      let encoded = url.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? url
      return try origin.url("/redirect-to?url=\(encoded)", host: host)
    }
    let rows = [
      try redirect(to: there, from: "localhost"), try redirect(to: here, from: "localhost"),
      try redirect(to: redirect(to: here, from: "127.0.0.1"), from: "localhost"),
    ]
    let found = try echoes(rows, ["-L", "-u", "me:secret", "-b", "a=1", "-H", "X-Kept: yes"])
    #expect(found[0]["authorization"] == [] && found[0]["cookie"] == [], "another origin: \(found[0])")
    #expect(found[1]["authorization"].count == 1 && found[1]["cookie"] == ["a=1"], "the same origin: \(found[1])")
    #expect(found[2]["authorization"] == [] && found[2]["cookie"] == [], "back from another origin: \(found[2])")
    #expect(found.map { $0["x-kept"] } == [["yes"], ["yes"], ["yes"]])
  }

  @Test func `leaves no secret in what the job leaves behind`() throws {
    let url = try origin.url("/echo").replacingOccurrences(of: "https://", with: "https://me:urlsecret@")
    let options = ["-u", "me:optionsecret", "-b", "k=cookiesecret", "--cacert", origin.authority]
    let job = try sandbox.fetch([url], options)
    for name in sandbox.names(in: URL(fileURLWithPath: job.directory).lastPathComponent) {
      let data = FileManager.default.contents(atPath: "\(job.directory)/\(name)") ?? Data()
      let text = String(decoding: data, as: UTF8.self)
      #expect(!text.contains("secret"), "\(name): \(text)")
    }
    #expect(!job.program.errorText.contains("secret"))
  }

  @Test func `goes to the next address if the first is silent`() throws {
    let port = try origin.port("http")
    let silent = try Listener(number: 9, port: port)
    // Takes the only place there.
    let first = try Client(port: port, number: 9)
    let rows = (0..<3).map { "http://v.test:\(port)/fixed/\($0)" }
    let options = ["--resolve", "v.test:*:127.0.0.9,127.0.0.1", "--connect-timeout", "0.5", "--per-origin", "1"]
    let records = try withExtendedLifetime((silent, first)) {
      try sandbox.fetch(rows, options + ["--threads", "1"]).records(rows.count)
    }
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.attempts == 1 && $0.remoteIp == "127.0.0.1" })
    #expect(records.all.compactMap { $0.time["connect"] }.allSatisfy { $0 >= 0.25 }, "of one connection for all")
  }

  @Test func `goes where --resolve and --connect-to lead`() throws {
    let port = try origin.port()
    let rows = ["a", "b", "c"].map { "https://\($0).origin.test:\(port)/echo" }
    let resolved = try echoes(rows, ["--resolve", "*:\(port):127.0.0.1"])
    #expect(resolved.map { $0["host"] } == ["a", "b", "c"].map { ["\($0).origin.test:\(port)"] })
    let connected = try echoes(
      ["https://a.origin.test/echo", "https://b.origin.test:7777/echo"],
      ["--connect-to", "::127.0.0.1:\(port)"]
    )
    #expect(connected.map { $0["host"] } == [["a.origin.test"], ["b.origin.test:7777"]])
  }
}
