// What can go wrong with a server, from the first SYN to a connection that rests between two requests.

extension Fault {
  static let table =
    tcp + handshakes + records + requests + heads.map(\.overOneTLS) + bodies.map(\.overOneTLS) + closes + idles

  /// How long a message is waited for is the same over both versions of TLS, and takes its time to be seen.
  private var overOneTLS: Fault { limits == .narrow ? with { $0.transports.remove(.tls12) } : self }
}

// MARK: TCP

extension Fault {
  static let tcp = [
    listener("nobody listens", "refused", gives: "connect/connect_refused"),
    listener("nobody accepts", "unaccepted", gives: "connect/connect_timeout").within(.narrow),
    listener("a reset right after the connection", "reset_at_once", gives: "tls/reset", "connect/reset")
      .on(.tls12, .tls13),
    listener(
      "a reset right after the connection",
      "reset_at_once",
      gives: "send/reset",
      "head/reset",
      "connect/reset"
    ).on(.plain),
    // Whether the kernel resets depends on whether anything had arrived at the close.
    listener("an end right after the connection", "closing", gives: "tls/closed_before_response", "tls/reset")
      .on(.tls12, .tls13),
    listener(
      "an end right after the connection",
      "closing",
      gives: "head/closed_before_response",
      "head/reset",
      "send/reset"
    )
    .on(.plain),
    listener("silence after the connection", "tls_silent", gives: "tls/tls_timeout").on(.tls12, .tls13).within(.narrow),
    listener("silence after the connection", "tls_silent", gives: "head/first_byte_timeout").on(.plain).within(.narrow),
    listener("silence after the handshake", "silent", gives: "head/first_byte_timeout").on(.tls12, .tls13)
      .within(.narrow),
  ]
}

// MARK: The TLS handshake

extension Fault {
  private static let failed = "tls/tls_handshake_failed"

  static let handshakes = [
    handshake("an end after the ClientHello", "close", gives: "tls/closed_before_response"),
    handshake("a reset after the ClientHello", "reset", gives: "tls/reset"),
    handshake("silence after the ClientHello", "silence", "close", gives: "tls/tls_timeout").within(.narrow),
    handshake("garbage for a ServerHello", send("\u{FF}\u{FE}garbage"), "close", gives: failed),
    handshake("plain HTTP for a ServerHello", send("HTTP/1.1 400 Bad\r\n\r\n"), "close", gives: failed),
    handshake("application data for a ServerHello", "send-170303000568656c6c6f", "close", gives: failed),
    handshake("a record of an unknown version", "send-16ffff000568656c6c6f", "close", gives: failed),
    handshake("a record that is too long for a ServerHello", "send-160303ffff", "flood-00", "close", gives: failed),
    handshake("a ServerHello that is too long", "send-160303400002ffffff", "flood-00", "close", gives: failed),
    handshake("a record header and an end", "send-1603030040", "close", gives: "tls/closed_before_response"),
    handshake("empty records without end", "flood-1603030000", "close", gives: failed),
    handshake("ChangeCipherSpec without end", "flood-140303000101", "close", gives: failed),
    handshake("HelloRequest without end", "flood-160303000400000000", "close", gives: "tls/tls_timeout")
      .within(.narrow),
    handshake("warnings without end", "flood-15030300020170", "close", gives: failed, "tls/tls_alert"),
    handshake("the alert handshake_failure", "send-15030300020228", "close", gives: "tls/tls_alert"),
    handshake("the alert protocol_version", "send-15030300020246", "close", gives: "tls/tls_alert"),
    handshake("the alert unrecognized_name", "send-15030300020270", "close", gives: "tls/tls_alert"),
    handshake(
      "the alert internal_error and a reset",
      "send-15030300020250",
      "wait-20",
      "reset",
      gives: "tls/tls_alert"
    ),
    handshake("the alert close_notify", "send-15030300020100", "close", gives: "tls/closed_before_response"),
    handshake("half an alert", "send-150303000202", "close", gives: "tls/closed_before_response"),
    handshake("a server that speaks TLS 1.1 only", "old", gives: "tls/tls_alert", failed),
    handshake("a handshake in small pieces", "drip-16-0", gives: "200 5").kept,
    handshake("a handshake byte by byte", "drip-1-20", gives: "tls/tls_timeout").within(.narrow),
    handshake("five bytes of the handshake and an end", "first-5", "close", gives: "tls/closed_before_response"),
    handshake("half the handshake and an end", "first-300", "close", gives: "tls/closed_before_response"),
    handshake("half the handshake and a reset", "first-300", "reset", gives: "tls/reset"),
    handshake("half the handshake and garbage", "first-300", flood("garbage"), "close", gives: failed, "tls/tls_alert"),
    handshake("five bytes of the handshake and silence", "first-5", "silence", "close", gives: "tls/tls_timeout")
      .within(.narrow),
    handshake("half the handshake and silence", "first-300", "silence", "close", gives: "tls/tls_timeout")
      .within(.narrow),
    handshake("a certificate is demanded", "certificate", gives: "tls/tls_alert").on(.tls12),
    // The client's part of the handshake is over by then (RFC 8446 section 4.4.2.4).
    handshake("a certificate is demanded", "certificate", gives: "head/tls_alert").on(.tls13),
    handshake("no session ticket", "tickets-0", gives: "200 5").kept,
    handshake("one session ticket", "tickets-1", gives: "200 5").kept,
    handshake("ten session tickets", "tickets-10", gives: "200 5").kept,
    handshake("five hundred session tickets", "tickets-500", gives: "200 5").kept,
    listener("another application protocol", "other_protocol", gives: failed).on(.tls12, .tls13),
    listener("an alert for a ServerHello", "alert", gives: "tls/tls_alert").on(.tls12, .tls13),
    listener("plain HTTP on the port of TLS", "plain_in_tls", gives: failed).on(.tls12, .tls13),
  ]
}

// MARK: TLS records after the handshake

extension Fault {
  /// A record that decrypts to nothing.
  static let forged = "1703030040" + String(repeating: "5a", count: 64)

  static let records = [
    answer("an alert before the response", "alert", "close", gives: "head/tls_alert").seen(times: 2),
    answer("an alert in the head", send("HTTP/1.1 200 OK\r\nA"), "alert", "close", gives: "head/tls_alert"),
    answer("an alert in the body", send(five + "he"), "alert", "close", gives: "200 2 body/tls_alert"),
    answer("close_notify before the response", "notify", "silence", "close", gives: "head/closed_before_response"),
    answer(
      "close_notify in the head",
      send("HTTP/1.1 200 OK"),
      "notify",
      "silence",
      "close",
      gives: "head/closed_early"
    ),
    answer(
      "close_notify in a counted body",
      send(five + "he"),
      "notify",
      "silence",
      "close",
      gives: "200 2 body/closed_early"
    ),
    answer(
      "close_notify in a chunk",
      send(chunked + "5\r\nhe"),
      "notify",
      "silence",
      "close",
      gives: "200 2 body/closed_early"
    ),
    answer(
      "close_notify ends a body until the close",
      send(untilClose + "he"),
      "notify",
      "silence",
      "close",
      gives: "200 2"
    ),
    answer(
      "bytes after close_notify",
      send(untilClose + "he"),
      "notify",
      below(forged),
      "silence",
      "close",
      gives: "200 2"
    ),
    answer("close_notify after a whole response", send(five + "hello"), "notify", "silence", "close", gives: "200 5"),
    answer("KeyUpdate before the head", "rekey", send(five + "hello"), "open", gives: "200 5").kept.on(.tls13),
    answer("KeyUpdate in the head", send("HTTP/1.1 2"), "rekey", send("04 X\r\n\r\n"), "open", gives: "204 0").kept
      .on(.tls13),
    answer("KeyUpdate in the body", send(five + "he"), "rekey", "rekey", send("llo"), "open", gives: "200 5").kept
      .on(.tls13),
    Fault("two hundred times KeyUpdate", gives: "200 5").on(.tls13).kept.with {
      $0.target = play([send(five)] + Array(repeating: "rekey", count: 200) + [send("hello"), "open"])
    },
    answer("HelloRequest before the head", "renegotiate", send(five + "hello"), "close", gives: "200 5").on(.tls12),
    answer("HelloRequest in the body", send(five + "he"), "renegotiate", send("llo"), "close", gives: "200 5").on(
      .tls12
    ),
    answer(
      "a record with a wrong MAC in the head",
      send("HTTP/1.1 2"),
      below(forged),
      "silence",
      "close",
      gives: "head/reset"
    ),
    answer(
      "a record with a wrong MAC in the body",
      send(five + "he"),
      below(forged),
      "silence",
      "close",
      gives: "200 2 body/reset"
    ),
    answer(
      "half a record and an end",
      send(five + "he"),
      below("170303004000"),
      "unclean",
      gives: "200 2 body/closed_early"
    ),
    answer("half a record and a reset", send(five + "he"), below("170303004000"), "reset", gives: "200 2 body/reset"),
    answer(
      "half a record and silence",
      send(five + "he"),
      below("170303004000"),
      "silence",
      "close",
      gives: "200 2 body/idle_timeout"
    )
    .within(.narrow),
    answer(
      "a record that is too long",
      send(five + "he"),
      below("170303ffff"),
      "silence",
      "close",
      gives: "200 2 body/reset"
    ),
    answer(
      "an alert in the clear",
      send(five + "he"),
      below("15030300020228"),
      "silence",
      "close",
      gives: "200 2 body/reset"
    ),
    answer(
      "plain HTTP in the middle of TLS",
      below((five + "hello").hexadecimal),
      "silence",
      "close",
      gives: "head/reset"
    ),
  ].map { $0.transports == Set(Transport.allCases) ? $0.on(.tls12, .tls13) : $0 }
}

// MARK: While a request is on its way

extension Fault {
  static let requests =
    [
      listener("nobody reads the request", "silent", gives: "send/send_timeout").on(.tls12, .tls13),
      listener("nobody reads the request", "tls_silent", gives: "send/send_timeout").on(.plain),
      listener("nobody reads the request of a short row", "silent", gives: "send/timeout_total").on(.tls12, .tls13)
        .within(seconds: 0.3),
    ].map { $0.within(.upload) }
    + early("an answer before the request is out", send(five + "hello"), "open", gives: "200 5")
    + early("a refusal before the request is out", send("HTTP/1.1 413 X\r\n\r\nno"), "close", gives: "413 2")
    + early(
      "a refusal and a reset before the request is out",
      send("HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno"),
      "reset",
      gives: "413 2"
    )
    + early("garbage before the request is out", send("garbage\r\n\r\n"), "open", gives: "head/malformed_response")
    + early("half a head before the request is out", send("HTTP/1.1 2"), "open", gives: "send/send_timeout")
    + early("half a body before the request is out", send(five + "he"), "open", gives: "200 2 send/send_timeout")
    + early("a reset before the request is out", "reset", gives: "send/reset")
    // The alert says why; that nothing can be sent any more only follows from it.
    + early("an alert and a reset before the answer", "alert", "reset", gives: "send/tls_alert", "head/tls_alert")
    .filter { !$0.transports.contains(.plain) }
    // Whatever comes, the request gets no further.
    + early(
      "interim responses that drip before the request is out",
      pieces(of: 21, every: 300, String(repeating: "HTTP/1.1 100 abcd\r\n\r\n", count: 15)),
      "silence",
      "close",
      gives: "send/send_timeout"
    )
    + early(
      "a head that drips before the request is out",
      pieces(of: 1, every: 100, five + five),
      "silence",
      "close",
      gives: "send/send_timeout"
    )
    + early(
      "a body that drips before the request is out",
      send("HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n"),
      pieces(of: 1, every: 100, String(repeating: "x", count: 99)),
      "silence",
      "close",
      gives: "200 * send/send_timeout"
    )

  private static func early(_ name: String, _ words: String..., gives gists: String...) -> [Fault] {
    let fault = Fault(name).within(.upload).with {
      $0.target = play(words)
      $0.gists = gists
    }
    return [
      fault.on(.tls12, .tls13).with { $0.listener = "early" }, fault.on(.plain).with { $0.listener = "plain_early" },
    ]
  }
}
