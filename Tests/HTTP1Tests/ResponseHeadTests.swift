import FetchModel
import HTTP1
import Testing

@Suite struct ResponseHeadTests {
  @Test(arguments: [
    "HTP/1.1 200 OK", "http/1.1 200 OK", "HTTP/01.1 200 OK", "HTTP/1.01 200 OK", "HTTP/2.0 200 OK", "HTTP/1 200 OK",
    "HTTP/1.1", "HTTP/1.1  200 OK", "HTTP/1.1\t200 OK", "ICY 200 OK", "RTSP/1.0 200 OK", "\u{FF}", "HTTP/1.x 200 OK",
  ])
  func `what is no HTTP/1 status line is malformed`(line: String) throws {
    let result = try read(line + "\r\n\r\n")
    guard case .malformed = result.error else { return #expect(Bool(false), "\(result)") }
  }

  @Test func `a text without line end is malformed and not a response cut short`() throws {
    #expect(try read("<html>hello</html>").error == .malformed(.statusLine))
  }

  @Test(arguments: [
    "2", "20", "9999", "20\u{B2}", "-12", "2 0", "", String(repeating: "1", count: 100), "200X", "200\t",
  ])
  func `a status that is not three digits is malformed`(status: String) throws {
    #expect(try read("HTTP/1.1 \(status)\r\n\r\n").error == .malformed(.statusCode))
  }

  @Test(arguments: [
    (0, false), (99, false), (100, true), (199, true), (200, true), (599, true), (600, false), (999, false),
  ])
  func `a status is accepted from 100 to 599`(status: Int, accepted: Bool) throws {
    let digits = String(String(status + 1000).dropFirst())
    let result = try read("HTTP/1.1 \(digits) X\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    #expect((result.error == nil) == accepted)
    #expect(accepted || result.error == .malformed(.statusOutOfRange))
  }

  @Test(arguments: [("1.0", 0), ("1.1", 1), ("1.2", 1), ("1.9", 1)])
  func `minor versions above 1 are read as 1`(version: String, minor: Int) throws {
    #expect(try read("HTTP/\(version) 200 OK\r\n\r\n").head?.minorVersion == minor)
  }

  @Test func `a reason is opaque and optional`() throws {
    for (line, reason) in [(" \u{E9}\tt\u{E9} ", "\u{E9}\tt\u{E9} "), ("", ""), (" ", ""), ("  OK", " OK")] {
      let head = try #require(try read("HTTP/1.1 200\(line)\r\n\r\n").head)
      #expect(text(head.bytes[head.reason]) == reason)
    }
    #expect(try read("HTTP/1.1 200 O\u{7F}K\r\n\r\n").error == .malformed(.controlInReason))
  }

  @Test func `one empty line before the status line is skipped, a second is not`() throws {
    #expect(try read("\r\nHTTP/1.1 200 OK\r\n\r\n").head?.status == 200)
    #expect(try read("\r\n\r\nHTTP/1.1 200 OK\r\n\r\n").error == .malformed(.statusLine))
    #expect(try read("\rHTTP/1.1 200 OK\r\n\r\n").error == .malformed(.bareCarriageReturn))
  }

  @Test(arguments: [
    ("HTTP/1.1 200 OK\nA: b\r\n\r\n", Malformation.bareLineFeed),
    ("HTTP/1.1 200 OK\r\nA: b\nB: c\r\n\r\n", .bareLineFeed),
    ("HTTP/1.1 200 OK\r\nA: b\r\n\n", .bareLineFeed),
    ("HTTP/1.1 200 OK\r\nFoo: 1\rBar: 2\r\n\r\n", .bareCarriageReturn),
    ("HTTP/1.1 200 OK\r\nFoo: 1\r\r\n\r\n", .bareCarriageReturn),
    ("HTTP/1.1 200 OK\r\nFoo: a\u{0}b\r\n\r\n", .nulByte),
    ("HTTP/1.1 200 OK\r\nFoo\r\n\r\n", .fieldWithoutColon),
    ("HTTP/1.1 200 OK\r\n: b\r\n\r\n", .fieldName),
    ("HTTP/1.1 200 OK\r\nF o: b\r\n\r\n", .fieldName),
    ("HTTP/1.1 200 OK\r\nF\u{E9}: b\r\n\r\n", .fieldName),
    ("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello", .whitespaceBeforeColon),
    ("HTTP/1.1 200 OK\r\nContent-Length\t: 5\r\n\r\nhello", .whitespaceBeforeColon),
    ("HTTP/1.1 200 OK\r\n A: b\r\n\r\n", .foldWithoutField),
    ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 5\r\n\r\n", .foldInFramingField),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding:\r\n chunked\r\n\r\n", .foldInFramingField),
  ])
  func `a malformed head is refused for the right reason`(stream: String, reason: Malformation) throws {
    #expect(try read(stream).error == .malformed(reason))
  }

  @Test func `values lose white space around them and nothing else`() throws {
    let result = try read("HTTP/1.1 200 OK\r\nA: \t x  y\t \r\nB:z\r\nC:\r\nD: \u{1}\u{E9}\u{FF}\u{7F}\r\n\r\n")
    #expect(result.fields == [["A", "x  y"], ["B", "z"], ["C", ""], ["D", "\u{1}\u{E9}\u{FF}\u{7F}"]])
  }

  @Test func `folded lines are joined by one space`() throws {
    let result = try read("HTTP/1.1 200 OK\r\nA: a \r\n  b\r\n\t\r\n\tc d\r\nB:\r\n  x\r\nC: y\r\n\r\n")
    #expect(result.fields == [["A", "a b c d"], ["B", "x"], ["C", "y"]])
  }

  @Test func `repeated fields stay apart and in order`() throws {
    let result = try read("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX: y\r\nset-cookie: b=2\r\n\r\n")
    #expect(result.fields == [["Set-Cookie", "a=1"], ["X", "y"], ["set-cookie", "b=2"]])
    let head = try #require(result.head)
    #expect(head.firstIndex(of: "set-cookie") == 0)
    #expect(head.firstIndex(of: "set-cookie", from: 1) == 2)
    #expect(head.firstIndex(of: "set-cookie", from: 3) == nil)
  }

  @Test func `names compare without ASCII case and without any other folding`() throws {
    let result = try read("HTTP/1.1 200 OK\r\nLOCATION: /\r\nX-Content-Length: 3\r\nContent-Length-X: 4\r\n\r\n")
    #expect(result.value("location") == "/")
    #expect(result.value("content-length") == nil)
    #expect(result.head?.framing == .untilClose)
    // `_` and DEL differ in the bit that letters of either case differ in.
    #expect(try read("HTTP/1.1 200 OK\r\nMi_k: b\r\n\r\n").value("mi\u{7F}k") == nil)
  }

  @Test func `interim responses are told apart and leave nothing behind`() throws {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 7\r\nTransfer-Encoding: gzip\r\n\r\n"
    let last = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    let result = try read("HTTP/1.1 100 Continue\r\n\r\n" + early + early + last, end: .keepOpen)
    #expect(result.interim == [100, 103, 103])
    #expect(result.fields == [["Content-Length", "2"]])
    #expect(text(result.body) == "hi")
    #expect(result.isReusable)
    #expect(try read(early).error == .closedEarly(expected: nil, received: 0))
  }

  @Test func `a switch of protocols that nobody asked for is refused`() throws {
    let result = try read("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n")
    #expect(result.error == .malformed(.unexpectedUpgrade))
    let ignored = try read("HTTP/1.1 200 OK\r\nUpgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 0\r\n\r\n")
    #expect(ignored.error == nil && ignored.isReusable)
  }

  @Test func `a stream that ends in the head is cut short, one without a byte is empty`() throws {
    #expect(try read("").error == .closedBeforeResponse)
    #expect(try read("", end: .unclean).error == .closedBeforeResponse)
    #expect(try read("H").error == .closedEarly(expected: nil, received: 0))
    #expect(try read("HTTP/1.1 200 OK\r\nA: b\r\n").error == .closedEarly(expected: nil, received: 0))
  }

  @Test func `received bytes are known from the first one to the next request`() throws {
    var reader = ResponseReader()
    reader.begin(for: .get)
    #expect(try reader.read([UInt8]().span).event == .needsMore)
    #expect(!reader.hasReceivedBytes)
    #expect(try reader.read(octets("H").span).event == .needsMore)
    #expect(reader.hasReceivedBytes)
    reader.begin(for: .get)
    #expect(!reader.hasReceivedBytes)
  }

  @Test func `every malformation and limit has a description of its own`() {
    #expect(Set(Malformation.allCases.map(\.description)).count == Malformation.allCases.count)
    #expect(Set(LimitKind.allCases.map(\.description)).count == LimitKind.allCases.count)
  }
}
