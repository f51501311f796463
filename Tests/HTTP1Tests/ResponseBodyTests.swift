import FetchModel
import HTTP1
import Testing

@Suite struct ResponseBodyTests {
  private func ok(_ fields: String, _ body: String = "") -> String { "HTTP/1.1 200 OK\r\n\(fields)\r\n\(body)" }

  // Framing

  @Test(arguments: [(200, RequestMethod.head), (204, .get), (304, .get), (404, .head)])
  func `a response without body ends with its head, whatever its fields say`(
    status: Int,
    method: RequestMethod
  ) throws {
    for fields in ["Content-Length: 5\r\n", "Transfer-Encoding: gzip\r\n", "Content-Length: x\r\n", ""] {
      let result = try read("HTTP/1.1 \(status) X\r\n\(fields)\r\nhello", end: .keepOpen, method: method)
      #expect(result.isComplete && result.body.isEmpty && result.head?.framing == Framing.none)
      // 204 has no body to speak of, and 304 none that is coded for its way: who does so may send it after all.
      let isDoubtful = status == 204 && !fields.isEmpty || status == 304 && fields.hasPrefix("Transfer")
      #expect(result.isReusable == !isDoubtful)
    }
  }

  @Test func `a counted body ends at its count`() throws {
    let result = try read(ok("Content-Length: 5\r\n", "helloHTTP/1.1"), end: .keepOpen)
    #expect(text(result.body) == "hello")
    #expect(result.head?.framing == .length(5))
    #expect(result.isReusable)
    let empty = try read(ok("Content-Length: 0\r\n"), end: .keepOpen)
    #expect(empty.isComplete && empty.isReusable)
  }

  @Test func `a counted body that ends early says how much came`() throws {
    for end in [StreamEnd.clean, .unclean] {
      let result = try read(ok("Content-Length: 10\r\n", "hello"), end: end)
      #expect(result.error == .closedEarly(expected: 10, received: 5))
      #expect(!result.isReusable)
    }
  }

  @Test func `a body until the close needs a clean close`() throws {
    let clean = try read(ok("A: b\r\n", "hello"))
    #expect(text(clean.body) == "hello" && clean.isComplete && !clean.isReusable)
    #expect(clean.head?.framing == .untilClose)
    #expect(try read(ok(""), end: .clean).isComplete)
    #expect(try read(ok("", "hello"), end: .unclean).error == .closedEarly(expected: nil, received: 5))
    #expect(try !read(ok("", "hello"), end: .keepOpen).isComplete)
  }

  @Test(arguments: [
    "", "+5", "-5", "0x5", "5 5", "5a", "\u{B2}", "5,", ",5", "5;", "5.0", "5,6", "5, 5, 4", "5\r\nContent-Length: 6",
  ])
  func `a Content-Length that is no one number is malformed`(value: String) throws {
    let error = try read(ok("Content-Length: \(value)\r\n", "hello")).error
    #expect(error == .malformed(.contentLength) || error == .malformed(.contentLengthsDiffer))
  }

  @Test(arguments: ["5, 5", "5\r\nContent-Length: 5", "05,5", "0000000000000000000000000000005"])
  func `equal Content-Lengths are one`(value: String) throws {
    let result = try read(ok("Content-Length: \(value)\r\n", "hello"), end: .keepOpen)
    #expect(text(result.body) == "hello" && result.isReusable)
  }

  @Test func `a Content-Length beyond 63 bits is malformed`() throws {
    for value in ["9223372036854775808", "18446744073709551616", "99999999999999999999999"] {
      #expect(try read(ok("Content-Length: \(value)\r\n")).error == .malformed(.contentLengthTooLarge))
    }
    let largest = try read(ok("Content-Length: 9223372036854775807\r\n", "x"))
    #expect(largest.error == .closedEarly(expected: UInt64(Int64.max), received: 1))
  }

  @Test func `Transfer-Encoding wins over Content-Length and the connection is not used again`() throws {
    let coding = "Transfer-Encoding: chunked\r\n"
    for fields in ["Content-Length: 3\r\n" + coding, coding + "Content-Length: x\r\n"] {
      let result = try read(ok(fields, "5\r\nhello\r\n0\r\n\r\n"), end: .keepOpen)
      #expect(text(result.body) == "hello" && result.isComplete && !result.isReusable)
    }
  }

  @Test(arguments: ["chunked", "CHUNKED", " , chunked,", "\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding:"])
  func `one chunked coding in any spelling is accepted`(value: String) throws {
    let result = try read(ok("Transfer-Encoding: \(value)\r\n", "1\r\nx\r\n0\r\n\r\n"), end: .keepOpen)
    #expect(text(result.body) == "x" && result.isReusable)
  }

  @Test(arguments: [
    "", ",", "identity", "yolo", "chunkedchunked", "chunked, gzip", "gzip, chunked", "chunked, identity",
    "chunked, chunked", "chunked\r\nTransfer-Encoding: chunked", "chunked;q=1", "\"chunked\"", "chunked\u{B}",
  ])
  func `any other transfer coding is refused, for none was offered`(value: String) throws {
    #expect(try read(ok("Transfer-Encoding: \(value)\r\n", "0\r\n\r\n")).error == .malformed(.transferCoding))
  }

  @Test func `a tunnel is not taken for a body`() throws {
    let connect = RequestMethod.other(octets("CONNECT"))
    let result = try read(ok("Content-Length: 5\r\n", "hello"), end: .keepOpen, method: connect)
    #expect(result.isComplete && result.body.isEmpty && !result.isReusable)
  }

  // Persistence

  @Test(arguments: [
    ("1.1", "", true), ("1.1", "Connection: close\r\n", false), ("1.1", "connection: x, CLOSE\r\n", false),
    ("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false), ("1.1", "Connection: closed\r\n", true),
    ("1.1", "Connection: x\r\n y,close\r\n", false), ("1.0", "", false), ("1.0", "Connection: Keep-Alive\r\n", true),
    ("1.0", "Connection: keep-alive, close\r\n", false), ("1.2", "", true), ("1.0", "Keep-Alive: timeout=5\r\n", false),
  ])
  func `persistence follows version and Connection options`(version: String, fields: String, reusable: Bool) throws {
    let result = try read("HTTP/\(version) 200 OK\r\n\(fields)Content-Length: 2\r\n\r\nhi", end: .keepOpen)
    #expect(result.isComplete && result.isReusable == reusable)
  }

  @Test func `chunks in HTTP/1.0 are read and the connection is not used again`() throws {
    let fields = "Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n"
    let result = try read("HTTP/1.0 200 OK\r\n\(fields)\r\n1\r\nx\r\n0\r\n\r\n", end: .keepOpen)
    #expect(text(result.body) == "x" && result.isComplete && !result.isReusable)
  }

  // Chunks

  private func chunked(_ body: String, end: StreamEnd = .clean) throws -> Transcript {
    try read(ok("Transfer-Encoding: chunked\r\n", body), end: end)
  }

  @Test func `trailers are kept apart and have no effect`() throws {
    let framing = "Content-Length: 99\r\nTransfer-Encoding: gzip\r\nConnection: close\r\n"
    let others = "Set-Cookie: a\r\n  b\r\nLocation: /\r\n"
    let result = try chunked("3\r\nabc\r\n0\r\n\(framing)\(others)\r\n", end: .keepOpen)
    #expect(result.trailers.count == 5 && result.trailers[3] == ["Set-Cookie", "a b"])
    #expect(result.fields == [["Transfer-Encoding", "chunked"]])
    #expect(result.value("location") == nil)
    #expect(text(result.body) == "abc" && result.isReusable)
    #expect(result.head?.trailers.firstValue(of: "location") != nil)
  }

  @Test(arguments: ["0", "000", "0;ext", "0 ;a=\"b;c\\\"\" ; d = e"])
  func `the last chunk may be written in several ways`(line: String) throws {
    #expect(try chunked("2\r\nhi\r\n\(line)\r\n\r\n", end: .keepOpen).isComplete)
  }

  @Test(arguments: ["5", "05", "00000000000000000005", "5 ", "5\t ", "5;a", "5 ; a=b", "5;a=\"\";b"])
  func `sizes and extensions in order are accepted`(line: String) throws {
    #expect(text(try chunked("\(line)\r\nhello\r\n0\r\n\r\n", end: .keepOpen).body) == "hello")
  }

  @Test(arguments: ["0x5", "+5", "-1", "5_", "", " 5", "5 5", "g", "5\u{0}", ";a"])
  func `a size that is no hexadecimal number is malformed`(line: String) throws {
    #expect(try chunked("\(line)\r\nhello\r\n0\r\n\r\n").error == .malformed(.chunkSize))
  }

  @Test(arguments: ["5;", "5;;a", "5;a=", "5;a=b c", "5;a=\"b\"c", "5;a=\"b", "5;a\u{0}", "5;a=\"\u{1}\"", "5;=b"])
  func `a malformed extension is refused`(line: String) throws {
    #expect(try chunked("\(line)\r\nhello\r\n0\r\n\r\n").error == .malformed(.chunkExtension))
  }

  @Test(arguments: ["8000000000000000", "ffffffffffffffff", "10000000000000000", "0fffffffffffffffff"])
  func `a size beyond 63 bits is refused before any data`(size: String) throws {
    #expect(try chunked("\(size)\r\nhello").error == .malformed(.chunkSizeTooLarge))
    #expect(try chunked("7fffffffffffffff\r\nhello").error == .closedEarly(expected: nil, received: 5))
  }

  @Test(arguments: [
    ("5\nhello\r\n0\r\n\r\n", Malformation.chunkLineEnd), ("5\r\rhello", .chunkLineEnd), ("5;a\nhello", .chunkLineEnd),
    ("5\r\nhello\n0\r\n\r\n", .chunkDataEnd), ("3\r\nxxx__", .chunkDataEnd), ("3\r\nxxx\r_", .chunkDataEnd),
    ("0\r\n\n", .bareLineFeed), ("0\r\n a: b\r\n\r\n", .foldWithoutField), ("0\r\na\r\n\r\n", .fieldWithoutColon),
  ])
  func `line ends around chunks are CR LF and nothing else`(body: String, reason: Malformation) throws {
    #expect(try chunked(body).error == .malformed(reason))
  }

  @Test(arguments: [
    "", "5", "5\r\n", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0", "5\r\nhello\r\n0\r\n", "0\r\na: b\r\n",
    "0\r\n\r",
  ])
  func `a chunked body without its end is cut short`(body: String) throws {
    let received: UInt64 = body.contains("hello") ? 5 : 0
    for end in [StreamEnd.clean, .unclean] {
      #expect(try chunked(body, end: end).error == .closedEarly(expected: nil, received: received))
    }
  }

  @Test func `chunk data passes through in place`() throws {
    var reader = ResponseReader()
    reader.begin(for: .get)
    let head = octets(ok("Transfer-Encoding: chunked\r\n", "1000000\r\n"))
    let (consumed, event) = try reader.read(head.span)
    #expect(event == .head)
    #expect(try reader.read(head.span.extracting(consumed..<head.count)).event == .needsMore)
    let before = reader.head
    let block = [UInt8](repeating: 0x61, count: 1 << 16)
    for _ in 0..<256 {
      #expect(try reader.read(block.span) == (block.count, .body(0..<block.count)))
    }
    #expect(reader.head == before)
    let tail = octets("\r\n0\r\n\r\nX")
    #expect(try reader.read(tail.span) == (tail.count - 1, .end))
    #expect(try reader.read(octets("X").span) == (0, .end))
  }
}
