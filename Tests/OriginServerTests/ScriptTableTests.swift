import OriginServer
import Synchronization
import Testing

@Suite struct `script table` {
  private func script(_ target: String, isHead: Bool = false, keepAlive: Bool = true) throws -> Script {
    let call = Call(target: RequestTarget(target), isHead: isHead, keepAlive: keepAlive)
    guard case .script(let script) = Plan(call) else {
      throw Unexpected(description: "\(Plan(call))")
    }
    return script
  }

  private struct Unexpected: Error {
    var description: String
  }

  /// The literal bytes of a script, generated bodies left out.
  private func literal(_ script: Script) -> String {
    script.steps.reduce(into: "") { text, step in
      if case .send(let bytes) = step { text += String(decoding: bytes, as: UTF8.self) }
    }
  }

  @Test func `fixed is one head and one body`() throws {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 10\r\n\r\n"
    let body = DeterministicBody(text: "/fixed/10")
    #expect(
      try script("/fixed/10?x=1") == Script(steps: [.send(Array(head.utf8)), .body(body, 0..<10)], ending: .keepAlive)
    )
    #expect(try script("/fixed/10", isHead: true).steps == [.send(Array(head.utf8))])
    let closing = try script("/fixed/10", keepAlive: false)
    #expect(closing.ending == .close)
    #expect(literal(closing).contains("Connection: close\r\n"))
  }

  @Test func `chunked has chunks, a last chunk and trailers if asked for`() throws {
    let plain = try script("/chunked/10?size=4")
    let body = DeterministicBody(text: "/chunked/10")
    #expect(plain.steps.dropFirst().first == .chunks(body, count: 10, size: 4))
    #expect(literal(plain).hasSuffix("\r\n\r\n0\r\n\r\n"))
    #expect(literal(try script("/chunked/10?trailers=1")).contains("0\r\nX-Origin-Bytes: 10\r\nX-Origin-Seed: "))
  }

  @Test(arguments: [
    ("/close/9", Ending.close), ("/no-close-notify/9", .closeWithoutNotify), ("/truncate/9", .close),
    ("/truncate-unclean/9", .closeWithoutNotify), ("/reset/head", .reset), ("/reset/body", .reset),
    ("/garbage", .close), ("/keepalive-close/5", .close), ("/stall/body", .close), ("/status/500", .keepAlive),
  ]) func `every path has its ending`(target: String, ending: Ending) throws {
    #expect(try script(target).ending == ending)
  }

  @Test func `broken answers stop half way`() throws {
    let body = DeterministicBody(text: "/truncate/9")
    #expect(try script("/truncate/9").steps.last == .body(body, 0..<4))
    #expect(literal(try script("/truncate/9")).contains("Content-Length: 9\r\n"))
    #expect(try script("/stall/body").steps.last == Script.silence)
    #expect(try script("/reset/head").steps.isEmpty)
  }

  @Test func `waits come where they belong`() throws {
    #expect(try script("/slow/head/5").steps.first == .wait(milliseconds: 5))
    #expect(try script("/latency/5/any/thing").steps.first == .wait(milliseconds: 5))
    #expect(try script("/keepalive-close/5").steps.last == .wait(milliseconds: 5))
    let body = DeterministicBody(text: "/slow/body/5")
    #expect(try script("/slow/body/5?n=3").steps.last == .trickle(body, count: 3, milliseconds: 5))
  }

  @Test func `redirects count down and go where they are told`() throws {
    #expect(literal(try script("/redirect/2")).contains("302 Found\r\nLocation: /redirect/1\r\n"))
    #expect(literal(try script("/redirect/0")).hasPrefix("HTTP/1.1 200 OK\r\n"))
    let elsewhere = literal(try script("/redirect-to?url=https%3A%2F%2Fa.test%2F%3Fq&status=307"))
    #expect(elsewhere.hasPrefix("HTTP/1.1 307 Temporary Redirect\r\nLocation: https://a.test/?q\r\n"))
    #expect(literal(try script("/redirect-to?url=a%0D%0AB:c")).hasPrefix("HTTP/1.1 400 "))
  }

  @Test func `statuses without a body have none`() throws {
    #expect(literal(try script("/status/204")) == "HTTP/1.1 204 No Content\r\n\r\n")
    #expect(literal(try script("/status/304")) == "HTTP/1.1 304 Not Modified\r\n\r\n")
    #expect(literal(try script("/status/503")).contains("Content-Length: 11\r\n"))
    #expect(literal(try script("/interim")).hasPrefix("HTTP/1.1 103 Early Hints\r\n"))
    #expect(literal(try script("/retry-after/7")).contains("429 Too Many Requests\r\nRetry-After: 7\r\n"))
    #expect(
      literal(try script("/retry-after/3661?form=date")).contains(
        "\r\nDate: Sun, 06 Nov 1994 00:00:00 GMT\r\nRetry-After: Sun, 06 Nov 1994 01:01:01 GMT\r\n"
      )
    )
  }

  @Test func `a big head has exactly the bytes asked for`() throws {
    for target in ["/headers/big/1000", "/headers/big/1000?lines=7"] {
      #expect(literal(try script(target)).filter { $0 == "a" }.count - 1 == 1000)
    }
  }

  @Test func `a flaky target fails as often as asked`() {
    let call = Call(target: RequestTarget("/flaky/2?x=1"))
    #expect(Plan(call) == .flaky(failures: 2))
    let answers = (1...4).map { literal(Script.flaky(hit: $0, failures: 2, for: call)).prefix(12) }
    #expect(answers == ["HTTP/1.1 503", "HTTP/1.1 503", "HTTP/1.1 200", "HTTP/1.1 200"])
  }

  @Test(arguments: [
    "/fixed", "/fixed/x", "/chunked/1?size=0", "/status/99", "/status/1000", "/slow/5", "/slow/tail/5", "/stall",
    "/reset/tail", "/truncate/0", "/headers/small/5", "/hits", "/hit-log?from=x",
    "/flaky/x", "/redirect-to", "/latency/3600001",
  ]) func `wrong use is answered with 400`(target: String) throws {
    #expect(literal(try script(target)).hasPrefix("HTTP/1.1 400 "))
  }

  @Test func `an unknown path is answered with 404`() throws {
    #expect(literal(try script("/")).hasPrefix("HTTP/1.1 404 "))
    #expect(literal(try script("/other")).hasPrefix("HTTP/1.1 404 "))
  }

  @Test func `control paths name what they need`() {
    #expect(Plan(Call(target: RequestTarget("/counts"))) == .counts)
    #expect(Plan(Call(target: RequestTarget("/reset-counts"))) == .resetCounts)
    let hits = RequestTarget("/hits?target=%2Ffixed%2F1%3Fcount%3D1")
    #expect(Plan(Call(target: hits)) == .hits(target: "/fixed/1?count=1"))
    #expect(Plan(Call(target: RequestTarget("/hit-log"))) == .hitLog(from: 0))
    #expect(Plan(Call(target: RequestTarget("/hit-log?from=7"))) == .hitLog(from: 7))
  }
}

@Suite struct counters {
  @Test func `keep the counted hits in their order`() {
    let now = Mutex(Duration.zero)
    let counters = Counters { now.withLock { $0 } }
    for (index, target) in ["/fixed/1", "/fixed/2", "/fixed/1"].enumerated() {
      now.withLock { $0 = .milliseconds(index) }
      counters.began(.fixed, target: target, countsTarget: target != "/fixed/2")
    }
    #expect(counters.hitLog(from: 0) == "0 /fixed/1\n2000 /fixed/1\n")
    #expect(counters.hitLog(from: 1) == "2000 /fixed/1\n")
    #expect(counters.hitLog(from: 2) == "")
    counters.reset()
    #expect(counters.hitLog(from: 0) == "")
  }

  @Test func `count by segment, by target when asked, and forget on reset`() {
    let counters = Counters(overlap: .milliseconds(50)) { .zero }
    counters.opened(.https)
    counters.began(.fixed, target: "/fixed/1?count=1", countsTarget: true)
    counters.began(.status, target: "/status/200", countsTarget: false)
    counters.ended()
    counters.ended()
    #expect(counters.hits(of: "/fixed/1?count=1") == 1)
    #expect(counters.hits(of: "/status/200") == 0)
    let expected = #"{"requests":2,"by_segment":{"fixed":1,"status":1},"requests_in_progress_max":2,"#
    #expect(counters.json.hasPrefix(expected))
    #expect(counters.flakyHit("/flaky/1") == 1)
    #expect(counters.flakyHit("/flaky/1") == 2)
    counters.reset()
    #expect(counters.flakyHit("/flaky/1") == 1)
    #expect(counters.json.hasPrefix(#"{"requests":0,"by_segment":{},"requests_in_progress_max":0,"#))
    let listeners = #""listeners":{"https":{"accepted":0,"open":1,"open_max":1,"open_sustained_max":0}}}"#
    #expect(counters.json.hasSuffix(listeners))
  }
}
