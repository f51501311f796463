import FetchModel
import HTTP1
import Testing

@Suite struct RequestTemplateTests {
  private func headers(_ pairs: [(String, String)]) throws -> [HeaderField] {
    try pairs.map { try #require(HeaderField($0.0, $0.1)) }
  }

  private func request(
    _ job: [(String, String)] = [],
    method: RequestMethod = .get,
    target: String = "/x?y",
    row: [(String, String)] = [],
    body: String? = nil,
    without dropped: DroppedHeaders = []
  ) throws -> String {
    let template = RequestTemplate(headers: try headers(job))
    var output: [UInt8] = []
    template.encode(
      method: method,
      target: octets(target),
      host: octets("example.org:8080"),
      rowHeaders: try headers(row),
      body: body.map(octets),
      without: dropped,
      into: &output
    )
    return text(output)
  }

  /// The lines before the empty one.
  private func lines(_ request: String) -> [String] {
    octets(request).split(separator: 0x0A).map { text($0.dropLast()) }.filter { !$0.isEmpty }
  }

  @Test func `a plain request is its line, Host, and the headers of the job in order`() throws {
    let expected = "GET /x?y HTTP/1.1\r\nHost: example.org:8080\r\nB: 1\r\na: 2\r\n\r\n"
    #expect(try request([("B", "1"), ("a", "2")]) == expected)
    #expect(try request() == "GET /x?y HTTP/1.1\r\nHost: example.org:8080\r\n\r\n")
  }

  @Test func `requests are appended to what is there`() throws {
    let template = RequestTemplate(headers: [])
    var output = octets("before")
    for _ in 0..<2 {
      template.encode(
        method: .head,
        target: octets("/").span,
        host: octets("h"),
        rowHeaders: [],
        body: nil,
        without: [],
        into: &output
      )
    }
    let one = "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n"
    #expect(text(output) == "before" + one + one)
  }

  @Test(arguments: [RequestMethod.get, .head, .post, .put, .patch, .delete, .options, .trace, .other(octets("PURGE"))])
  func `Content-Length is sent with a body, and as 0 where a body is expected`(method: RequestMethod) throws {
    #expect(try request(method: method, body: "hello").hasSuffix("\r\nContent-Length: 5\r\n\r\nhello"))
    #expect(try request(method: method, body: "").hasSuffix("\r\nContent-Length: 0\r\n\r\n"))
    let expectsBody = method == .post || method == .put || method == .patch
    #expect(try request(method: method).contains("Content-Length: 0\r\n") == expectsBody)
    #expect(try request(method: method).hasPrefix(text(method.token) + " /x?y HTTP/1.1\r\nHost: "))
  }

  @Test func `row headers replace those of the job with the same name`() throws {
    let job = [("Accept", "a"), ("X", "1"), ("x", "2"), ("B", "b")]
    let row = [("X", "3"), ("New", "n"), ("x", "4"), ("user-agent", "mine")]
    let result = lines(try request(job + [("User-Agent", "trawl")], row: row))
    #expect(result.dropFirst(2) == ["Accept: a", "B: b", "X: 3", "New: n", "x: 4", "user-agent: mine"])
  }

  @Test func `a caller's Host stands first and alone, and the row's wins`() throws {
    let fromJob = try request([("A", "b"), ("host", "other.org")])
    #expect(lines(fromJob).prefix(3) == ["GET /x?y HTTP/1.1", "Host: other.org", "A: b"])
    let fromRow = try request([("Host", "other.org")], row: [("HOST", "row.org"), ("C", "d")])
    #expect(lines(fromRow).prefix(3) == ["GET /x?y HTTP/1.1", "Host: row.org", "C: d"])
  }

  @Test func `fields that contradict what is sent never leave`() throws {
    let fields = [
      ("Content-Length", "99"), ("Transfer-Encoding", "chunked"), ("TE", "trailers"), ("Expect", "100-continue"),
      ("Upgrade", "h2c"), ("Connection", "keep-alive, upgrade"), ("Keep-Alive", "timeout=1"), ("Trailer", "x"),
      ("Proxy-Connection", "keep-alive"),
    ]
    #expect(try lines(request(fields)).count == 2)
    #expect(try lines(request(row: fields)).count == 2)
    let post = try request(fields, method: .post, row: fields, body: "ab")
    #expect(post == "POST /x?y HTTP/1.1\r\nHost: example.org:8080\r\nContent-Length: 2\r\n\r\nab")
  }

  @Test func `a wish to close is sent once and known to the caller`() throws {
    let close = try headers([("Connection", "Keep-Alive, Close")])
    let closing = RequestTemplate(headers: close)
    let open = RequestTemplate(headers: [])
    #expect(closing.asksToClose(rowHeaders: []) && closing.asksToClose(rowHeaders: close))
    #expect(open.asksToClose(rowHeaders: close) && !open.asksToClose(rowHeaders: []))
    let both = try request([("Connection", "close")], row: [("Connection", "close"), ("A", "b")])
    #expect(lines(both).filter { $0.hasPrefix("Connection") } == ["Connection: close"])
    #expect(try request([("Connection", "close")]).contains("\r\nConnection: close\r\n\r\n"))
  }

  @Test func `a redirect to another origin leaves credentials and the caller's Host behind`() throws {
    let job = [("Authorization", "secret"), ("Host", "first.org"), ("A", "b"), ("proxy-authorization", "secret")]
    let row = [("cookie", "secret"), ("C", "d"), ("Content-Type", "t")]
    let result = try request(job, row: row, without: .credentials)
    #expect(lines(result).dropFirst() == ["Host: example.org:8080", "A: b", "C: d", "Content-Type: t"])
    #expect(!result.contains("secret"))
  }

  @Test func `a row's credentials replace the job's even where both are dropped`() throws {
    let result = try request([("Cookie", "a")], row: [("Cookie", "b")], without: [.credentials, .content])
    #expect(lines(result).count == 2)
  }

  @Test func `a redirect without body leaves Content fields behind`() throws {
    let job = [("Content-Type", "t"), ("Authorization", "kept"), ("Contents", "kept")]
    let result = try request(job, row: [("content-encoding", "gzip")], without: .content)
    #expect(lines(result).dropFirst(2) == ["Authorization: kept", "Contents: kept"])
  }
}
