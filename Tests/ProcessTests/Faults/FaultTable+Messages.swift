// The part of the table that has nothing to do with what HTTP is spoken over.

// MARK: The head

extension Fault {
  private static let malformed = "head/malformed_response"
  private static let tooLarge = "head/head_too_large"

  static let heads = [
    answer("no HTTP at all", send("\u{1}\u{2}garbage\r\n\r\n"), "close", gives: malformed),
    answer("HTML without a head", send("<html>hello</html>\n"), "close", gives: malformed),
    answer("the preface of HTTP/2", send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "open", gives: malformed),
    answer("a frame of HTTP/2", "send-000012040000000000000300000064", "open", gives: malformed),
    answer("HTTP/2.0 in the status line", send("HTTP/2.0 200 OK\r\n\r\n"), "open", gives: malformed),
    answer("status 99", send("HTTP/1.1 099 X\r\n\r\n"), "open", gives: malformed),
    answer("status 1000", send("HTTP/1.1 1000 X\r\n\r\n"), "open", gives: malformed),
    answer("a switch of protocols", send("HTTP/1.1 101 X\r\nUpgrade: x\r\n\r\n"), "open", gives: malformed),
    answer("a line feed alone", send("HTTP/1.1 200 OK\nA: b\n\n"), "open", gives: malformed),
    answer(
      "a carriage return in a value",
      send("HTTP/1.1 200 OK\r\nA: b\rContent-Length: 0\r\n\r\n"),
      "open",
      gives: malformed
    ),
    answer("NUL in a value", send("HTTP/1.1 200 OK\r\nA: b\u{0}\r\n\r\n"), "open", gives: malformed),
    answer(
      "a space before the colon",
      send("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\nhello"),
      "open",
      gives: malformed
    ),
    answer("a field without a colon", send("HTTP/1.1 200 OK\r\nA b\r\n\r\n"), "open", gives: malformed),
    answer(
      "a Content-Length that is none",
      send("HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello"),
      "open",
      gives: malformed
    ),
    answer(
      "two Content-Lengths",
      send("HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nhello"),
      "open",
      gives: malformed
    ),
    answer(
      "a Content-Length beyond 64 bits",
      send("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
      "open",
      gives: malformed
    ),
    answer(
      "a transfer coding that was not offered",
      send("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
      "open",
      gives: malformed
    ),
    answer("empty lines without end", flood("\r\n"), "close", gives: malformed),
    answer("a status line without end", send("HTTP/1.1 200 "), flood("x"), "close", gives: tooLarge),
    answer("a field without end", send("HTTP/1.1 200 OK\r\nA: "), flood("x"), "close", gives: tooLarge),
    answer(
      "a folded field without end",
      send("HTTP/1.1 200 OK\r\nA: b\r\n"),
      flood(" c\r\n"),
      "close",
      gives: tooLarge
    ),
    answer("fields without end", send("HTTP/1.1 200 OK\r\n"), flood("Name: value\r\n"), "close", gives: tooLarge),
    answer("interim responses without end", flood("HTTP/1.1 103 X\r\nLink: </a>\r\n\r\n"), "close", gives: tooLarge),
    answer("an end before the head", "close", gives: "head/closed_before_response").seen(times: 2),
    // What is sent once more has what is left of the time.
    answer("an end before the head, late", "wait-600", "close", gives: "head/timeout_total").seen(times: 2)
      .within(seconds: 1),
    answer("an end before the answer to a POST", "close", gives: "head/closed_before_response").seen(times: 1)
      .posting,
    answer("an end without notice before the head", "unclean", gives: "head/closed_before_response"),
    answer("a reset before the head", "reset", gives: "head/reset").seen(times: 2),
    answer("a reset before the answer to a POST", "reset", gives: "head/reset").seen(times: 1).posting,
    answer("one byte and an end", send("H"), "close", gives: "head/closed_early").seen(times: 1),
    answer("one byte and a reset", send("H"), "wait-20", "reset", gives: "head/reset").seen(times: 1),
    answer("half a head and an end", send("HTTP/1.1 200 OK\r\nA: b\r\n"), "close", gives: "head/closed_early"),
    answer(
      "half a head and an end without notice",
      send("HTTP/1.1 200 OK\r\nA"),
      "unclean",
      gives: "head/closed_early"
    ),
    answer("half a head and a reset", send("HTTP/1.1 200 OK\r\nA: b\r\n"), "wait-20", "reset", gives: "head/reset"),
    answer("an interim response and an end", send("HTTP/1.1 103 X\r\n\r\n"), "close", gives: "head/closed_early"),
    answer("interim responses first", again(16, "HTTP/1.1 103 X\r\n\r\n"), send(five + "hello"), "open", gives: "200 5")
      .kept,
    answer("a head byte by byte", pieces(of: 1, every: 1, five), send("hello"), "open", gives: "200 5").kept,
    answer("silence instead of a head", "silence", "close", gives: "head/first_byte_timeout").within(.narrow),
    answer("silence after half a head", send("HTTP/1.1 200 OK\r\n"), "silence", "close", gives: "head/idle_timeout")
      .within(.narrow),
    answer(
      "silence after an interim response",
      send("HTTP/1.1 100 X\r\n\r\n"),
      "silence",
      "close",
      gives: "head/idle_timeout"
    )
    .within(.narrow),
    answer("a head that drips", pieces(of: 1, every: 50, five + five), "close", gives: "head/timeout_total")
      .within(.narrow).within(seconds: 1),
    answer(
      "interim responses that drip",
      pieces(of: 21, every: 20, String(repeating: "HTTP/1.1 100 abcd\r\n\r\n", count: 99)),
      "close",
      gives: tooLarge
    )
    .within(.narrow),
    answer(
      "a head that drips below the lowest speed",
      pieces(of: 1, every: 50, five + five),
      "close",
      gives: "head/too_slow"
    )
    .within(.speed),
  ]
}

// MARK: The body

extension Fault {
  static let bodies = [
    answer("a counted body that is cut", send(five + "he"), "close", gives: "200 2 body/closed_early"),
    answer("a counted body that is cut without notice", send(five + "he"), "unclean", gives: "200 2 body/closed_early"),
    answer("a counted body that is reset", send(five + "he"), "wait-20", "reset", gives: "200 2 body/reset"),
    answer("a counted body of which nothing comes", send(five), "close", gives: "200 0 body/closed_early"),
    answer("silence in a counted body", send(five + "he"), "silence", "close", gives: "200 2 body/idle_timeout").within(
      .narrow
    ),
    answer("silence instead of a body", send(five), "silence", "close", gives: "200 0 body/idle_timeout").within(
      .narrow
    ),
    answer(
      "a body that drips",
      send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
      pieces(of: 1, every: 50, String(repeating: "x", count: 99)),
      "close",
      gives: "200 * body/timeout_total"
    )
    .within(.narrow).within(seconds: 0.9),
    answer(
      "a body that drips below the lowest speed",
      send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
      pieces(of: 1, every: 50, String(repeating: "x", count: 99)),
      "close",
      gives: "200 * body/too_slow"
    )
    .within(.speed),
    answer("silence is below the lowest speed", send(five + "he"), "silence", "close", gives: "200 2 body/too_slow")
      .within(.speed),
    answer(
      "a body of the largest length",
      send("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\n"),
      flood(String(repeating: "x", count: 1000)),
      "close",
      gives: "200 \(Fault.largestBody)"
    ),
    answer(
      "a body of the largest length, cut",
      send("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775807\r\n\r\nx"),
      "close",
      gives: "200 1 body/closed_early"
    ),
    answer(
      "a body until the close without end",
      send(untilClose),
      flood(String(repeating: "x", count: 1000)),
      "close",
      gives: "200 \(Fault.largestBody)"
    ),
    answer("a body until the close", send(untilClose + "hello"), "close", gives: "200 5"),
    answer("an empty body until the close", send(untilClose), "close", gives: "200 0"),
    answer("a body until the close, cut", send(untilClose + "hello"), "unclean", gives: "200 5 body/closed_early").on(
      .tls12,
      .tls13
    ),
    // Without TLS nobody can tell.
    answer("a body until the close, cut", send(untilClose + "hello"), "unclean", gives: "200 5").on(.plain),
    answer(
      "a body until the close that is reset",
      send(untilClose + "hello"),
      "wait-20",
      "reset",
      gives: "200 5 body/reset"
    ),
    answer(
      "silence in a body until the close",
      send(untilClose + "hello"),
      "silence",
      "close",
      gives: "200 5 body/idle_timeout"
    ).within(.narrow),
    answer("chunks without the last", send(chunked + "5\r\nhello\r\n"), "close", gives: "200 5 body/closed_early"),
    answer("a chunk that is cut", send(chunked + "5\r\nhe"), "unclean", gives: "200 2 body/closed_early"),
    answer("a chunk that is reset", send(chunked + "5\r\nhe"), "wait-20", "reset", gives: "200 2 body/reset"),
    answer(
      "a last chunk without the empty line",
      send(chunked + "5\r\nhello\r\n0\r\n"),
      "close",
      gives: "200 5 body/closed_early"
    ),
    answer("silence before a chunk", send(chunked), "silence", "close", gives: "200 0 body/idle_timeout").within(
      .narrow
    ),
    answer("silence in a chunk size", send(chunked + "5"), "silence", "close", gives: "200 0 body/idle_timeout").within(
      .narrow
    ),
    answer("silence in the trailers", send(chunked + "0\r\nA: "), "silence", "close", gives: "200 0 body/idle_timeout")
      .within(.narrow),
    answer(
      "a chunk size that drips",
      send(chunked),
      pieces(of: 1, every: 50, String(repeating: "0", count: 99)),
      "close",
      gives: "200 0 body/timeout_total"
    )
    .within(.narrow).within(seconds: 0.9),
    answer(
      "a chunk size that is none",
      send(chunked + "5\r\nhello\r\ng\r\n"),
      "open",
      gives: "200 5 body/malformed_response"
    ),
    answer(
      "a chunk size beyond 64 bits",
      send(chunked + "fffffffffffffffff\r\nhello"),
      "open",
      gives: "200 0 body/malformed_response"
    ),
    answer(
      "a chunk that is longer than it said",
      send(chunked + "5\r\nhello!\r\n"),
      "open",
      gives: "200 5 body/malformed_response"
    ),
    answer(
      "a line feed alone behind a chunk",
      send(chunked + "5\r\nhello\n0\r\n\r\n"),
      "open",
      gives: "200 5 body/malformed_response"
    ),
    answer(
      "a malformed chunk extension",
      send(chunked + "5;a=\"b\r\nhello\r\n0\r\n\r\n"),
      "open",
      gives: "200 0 body/malformed_response"
    ),
    answer("a chunk size without end", send(chunked), flood("0"), "close", gives: "200 0 body/head_too_large"),
    answer(
      "chunk extensions without end",
      send(chunked + "5"),
      flood(";a=b"),
      "close",
      gives: "200 0 body/head_too_large"
    ),
    answer(
      "trailers without end",
      send(chunked + "0\r\n"),
      flood("Name: value\r\n"),
      "close",
      gives: "200 0 body/head_too_large"
    ),
    answer("chunks without end", send(chunked), flood("5\r\nhello\r\n"), "close", gives: "200 \(Fault.largestBody)"),
    answer(
      "a hundred thousand chunks of one byte",
      send(chunked),
      again(100_000, "1\r\nx\r\n"),
      send("0\r\n\r\n"),
      "open",
      gives: "200 100000"
    ).kept,
    answer(
      "every byte of a chunked body alone",
      pieces(of: 1, every: 0, chunked + "5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\n"),
      "open",
      gives: "200 5"
    ).kept,
    answer("a body behind 204", send("HTTP/1.1 204 X\r\nContent-Length: 5\r\n\r\nhello"), "open", gives: "204 0"),
    answer(
      "a length without a body in 304",
      send("HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n"),
      "open",
      gives: "304 0"
    ).kept,
    answer("a length without a body after HEAD", send(five), "open", gives: "200 0").kept.with { $0.method = "HEAD" },
    answer("a body after HEAD", send(five + "hello"), "open", gives: "200 0").with { $0.method = "HEAD" },
  ]
}

// MARK: The end of a response

extension Fault {
  static let closes = [
    answer("two responses", send(five + "hello" + five + "other"), "open", gives: "200 5"),
    answer("one byte too many", send(five + "hello!"), "open", gives: "200 5"),
    answer(
      "Content-Length beside Transfer-Encoding",
      send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
      "open",
      gives: "200 5"
    ),
    answer(
      "chunks in HTTP/1.0",
      send("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
      "open",
      gives: "200 1"
    ),
    answer(
      "a close that is announced and does not come",
      send("HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\nContent-Length: 2\r\n\r\nhi"),
      "open",
      gives: "200 2"
    ),
    answer(
      "HTTP/1.0 that does not keep alive",
      send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
      "open",
      gives: "200 2"
    ),
    answer("a close that was asked for and does not come", send(five + "hello"), "open", gives: "200 5").with {
      $0.asksToClose = true
    },
    answer("a close that was not announced", send(five + "hello"), "close", gives: "200 5"),
    answer("a close without notice after a whole response", send(five + "hello"), "unclean", gives: "200 5"),
    answer(
      "a close without notice after the last chunk",
      send(chunked + "5\r\nhello\r\n0\r\n\r\n"),
      "unclean",
      gives: "200 5"
    ),
    answer("a reset after a whole response", send(five + "hello"), "wait-20", "reset", gives: "200 5"),
  ]
}

// MARK: Between two requests

extension Fault {
  /// The answer to the fault's own request is well; what comes later has to end the connection and nothing else.
  static let idles = [
    idle(
      "408 and an end",
      send("HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
      "close"
    ),
    idle("an answer that nobody asked for", send(five + "other"), "open"),
    idle("one byte", send("\n"), "open"),
    idle("an end", "close"),
    idle("an end without notice", "unclean"),
    idle("a reset", "reset"),
    idle("close_notify alone", "notify", "silence", "close").on(.tls12, .tls13),
    idle("an alert", "alert", "close").on(.tls12, .tls13),
    idle("a record with a wrong MAC", below(forged), "silence", "close").on(.tls12, .tls13),
    idle("half a record", below("170303004000"), "unclean").on(.tls12, .tls13),
    idle("HelloRequest", "renegotiate", "close").on(.tls12),
    idle("KeyUpdate", "rekey", "rekey", "open").on(.tls13).kept,
    answer("an end at the same time as the next request", send(five + "hello"), "wait-0", "close", gives: "200 5"),
  ]

  private static func idle(_ what: String, _ words: String...) -> Fault {
    Fault("\(what) on a connection that rests", gives: "200 5").with {
      $0.target = play([send(five + "hello"), "wait-20"] + words)
    }
  }
}
