import OriginServer
import Testing

@Suite struct `request reader` {
  /// All events of `text` fed in pieces of `size` bytes, without those that ask for more.
  private func events(_ text: String, pieces size: Int) throws -> [RequestReader.Event] {
    var reader = RequestReader()
    var events: [RequestReader.Event] = []
    var rest = Array(text.utf8)[...]
    while true {
      let event = try reader.next()
      guard event == .needMoreData else {
        events.append(event)
        continue
      }
      if rest.isEmpty { return events }
      reader.append(rest.prefix(size))
      rest = rest.dropFirst(size)
    }
  }

  private static let pipelined = """
    GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n\
    POST /echo HTTP/1.1\r\nContent-Length: 5\r\nX-Count: 1\r\n\r\nhello\
    PUT /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n\
    HEAD /last HTTP/1.0\r\n\r\n
    """

  @Test(arguments: [1, 2, 3, 7, 16, 1000]) func `any split gives the same requests`(size: Int) throws {
    let requests = try events(Self.pipelined, pieces: size).map { event in
      guard case .request(let request) = event else {
        Issue.record("unexpected \(event)")
        return ""
      }
      let body = String(decoding: request.body, as: UTF8.self)
      return "\(request.method) \(request.target.text) \(request.keepAlive) \(request.wantsCount) \(body)"
    }
    #expect(
      requests == [
        "GET /a?b=c true false ", "POST /echo true true hello", "PUT /echo true false abc0123456789",
        "HEAD /last false false ",
      ]
    )
  }

  @Test func `a body beyond what is kept is counted and hashed in full`() throws {
    let size = RequestReader.keptBodyLimit + 1000
    let body = String(repeating: "x", count: size)
    let all = try events("POST / HTTP/1.1\r\nContent-Length: \(size)\r\n\r\n\(body)", pieces: 999)
    guard case .request(let request)? = all.first else {
      Issue.record("no request")
      return
    }
    var hash = FNV1a()
    hash.update(body.utf8)
    #expect(request.body.count == RequestReader.keptBodyLimit)
    #expect(request.bodyBytes == size)
    #expect(request.bodyHash == hash)
  }

  @Test func `a client that waits for 100 continue is told to go on once`() throws {
    let text = "POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx"
    let split = try events(text, pieces: text.utf8.count - 1)
    #expect(split.count == 2)
    #expect(split.first == .expectsContinue)
    #expect(try events(text, pieces: text.utf8.count).count == 1)
  }

  @Test(arguments: [
    "GET / HTTP/2.0\r\n\r\n",
    "GET /\r\n\r\n",
    "GET  / HTTP/1.1\r\n\r\n",
    "GET x HTTP/1.1\r\n\r\n",
    "GET / HTTP/1.1\r\nno colon\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n folded\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
    "GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
  ]) func `what cannot be framed is refused`(text: String) {
    #expect(throws: RequestError.malformed) { try events(text, pieces: 1000) }
  }

  @Test func `sizes are bounded`() {
    let long = String(repeating: "a", count: RequestReader.headLimit)
    #expect(throws: RequestError.headTooLarge) { try events("GET /\(long)", pieces: 5000) }
    #expect(throws: RequestError.headTooLarge) { try events("GET /\(long) HTTP/1.1\r\n\r\n", pieces: 500_000) }
    let tooMuch = RequestReader.bodyLimit + 1
    #expect(throws: RequestError.bodyTooLarge) {
      try events("POST / HTTP/1.1\r\nContent-Length: \(tooMuch)\r\n\r\n", pieces: 1000)
    }
    #expect(throws: RequestError.bodyTooLarge) {
      try events("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n", pieces: 1000)
    }
  }
}
