import FetchModel
import HTTP1
import Testing

@Suite struct ReaderLimitTests {
  private func limits(_ change: (inout ReaderLimits) -> Void) -> ReaderLimits {
    var limits = ReaderLimits()
    change(&limits)
    return limits
  }

  /// Reads with the bound that just suffices, and with one less.
  private func expectBound(
    _ stream: String,
    _ bound: Int,
    _ kind: LimitKind,
    _ path: WritableKeyPath<ReaderLimits, Int>
  ) throws {
    #expect(try read(stream, limits: limits { $0[keyPath: path] = bound }).error == nil)
    #expect(try read(stream, limits: limits { $0[keyPath: path] = bound - 1 }).error == .headTooLarge(kind))
  }

  @Test func `each bound holds to the byte, however the stream is cut`() throws {
    let line = "HTTP/1.1 200 OK\r\n"
    let field = "Name: value\r\n"
    try expectBound(line + "\r\n", line.utf8.count, .statusLine, \.statusLineBytes)
    try expectBound(line + field + "\r\n", field.utf8.count, .fieldLine, \.fieldLineBytes)
    try expectBound(line + field + "\r\n", (line + field + "\r\n").utf8.count, .head, \.headBytes)
    try expectBound(line + field + field + "\r\n", 2, .fieldCount, \.fieldCount)
    let chunks = line + "Transfer-Encoding: chunked\r\n\r\n2;abc\r\nhi\r\n0;x\r\n"
    try expectBound(chunks + "\r\n", 7, .chunkLine, \.chunkLineBytes)
    try expectBound(chunks + field + "\r\n", field.utf8.count + 2, .trailers, \.trailerBytes)
    try expectBound(chunks + field + field + "\r\n", 2, .fieldCount, \.fieldCount)
    let interim = "HTTP/1.1 100 Continue\r\n\r\n"
    try expectBound(interim + interim + line + "\r\n", 2, .interimCount, \.interimResponses)
    try expectBound(interim + interim + line + "\r\n", 2 * interim.utf8.count, .interimBytes, \.interimBytes)
  }

  @Test func `the default bounds stop what never ends`() {
    let endless: [(String, String, LimitKind)] = [
      ("HTTP/1.1 200 ", "x", .statusLine), ("HTTP/1.1 200 OK\r\nA: ", "x", .fieldLine),
      ("HTTP/1.1 200 OK\r\n", "A: b\r\n", .fieldCount),
      ("HTTP/1.1 200 OK\r\n", "A: " + String(repeating: "x", count: 1000) + "\r\n", .head),
      ("HTTP/1.1 200 OK\r\nA: b\r\n", " c\r\n", .head), ("", "HTTP/1.1 103 X\r\n\r\n", .interimCount),
      ("", "HTTP/1.1 103 X\r\nA: " + String(repeating: "x", count: 60_000) + "\r\n\r\n", .interimBytes),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0", .chunkLine),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=", "b", .chunkLine),
      ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "AAAAAAAAAAAAAAAAAAAA: b\r\n", .trailers),
    ]
    for (start, repeated, kind) in endless {
      let stream = octets(start) + octets(String(repeating: repeated, count: 300_000 / repeated.utf8.count))
      var reader = ResponseReader()
      let result = reader.transcript(of: [stream[...]], end: .keepOpen)
      #expect(result.error == .headTooLarge(kind))
      #expect(reader.head.bytes.count <= ReaderLimits().headBytes + 1024)
    }
  }

  @Test func `an error stays and the next response starts afresh`() throws {
    var reader = ResponseReader()
    let bad = reader.transcript(of: [octets("nonsense")[...]])
    #expect(bad.error == .malformed(.statusLine))
    #expect(throws: ResponseError.malformed(.statusLine)) { try reader.read(octets("HTTP/1.1 200 OK\r\n\r\n").span) }
    #expect(throws: ResponseError.malformed(.statusLine)) { try reader.finish(clean: true) }
    #expect(reader.transcript(of: [octets("HTTP/1.1 204 X\r\n\r\n")[...]]).isReusable)
  }
}
