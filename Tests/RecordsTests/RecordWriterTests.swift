import FetchModel
import Foundation
import Records
import Testing

@Suite struct RecordWriterTests {
  private static let order = [
    "seq", "id", "url", "method", "status", "http", "content_type", "content_length", "body_bytes", "body_sha256",
    "wire_bytes", "truncated", "redirects", "final_url", "location", "headers", "error", "attempts", "agent",
    "started_at", "remote_ip", "reused", "tls", "time", "body",
  ]

  /// Every member set, and the head that its positions point into.
  private func fullFields(_ head: inout HeadBuilder) -> RecordFields {
    var fields = RecordFields(seq: 41)
    fields.id = Array("a-17".utf8)
    fields.method = .get
    fields.status = 302
    fields.httpMinorVersion = 1
    fields.contentType = head.add("text/html")
    fields.contentLength = 1024
    fields.bodyBytes = 2048
    fields.bodySHA256 = SHA256Digest { UInt8($0 * 8 + 5) }
    fields.wireBytes = 1000
    fields.truncated = "max_filesize"
    fields.redirects = 2
    fields.finalURL = Array("https://example.org/final".utf8)
    fields.location = head.add("/next")
    fields.headers = [
      HeaderPosition(name: head.add("Server"), value: head.add("nginx")),
      HeaderPosition(name: head.add("X-Empty"), value: head.add("")),
    ]
    fields.failure = FetchFailure(.closedEarly, in: .body, "1024 bytes expected, 1000 got")
    fields.attempts = 3
    fields.startedAt = 1_795_366_800_123_456
    let facts = TLSFacts(version: "1.3", cipher: Array("TLS_AES_256_GCM_SHA384".utf8), resumed: true)
    fields.connection = ConnectionText(remoteIP: Array("192.0.2.7".utf8), reused: false, tls: facts)
    fields.time.dns = 400_000
    fields.time.connect = 12_100_000
    fields.time.tls = 13_000_000
    fields.time.firstByte = 41_000_000
    fields.time.total = 67_200_000
    return fields
  }

  @Test func `the example of the design is rendered to the byte`() {
    var fields = RecordFields(seq: 41)
    fields.id = Array("a-17".utf8)
    fields.method = .get
    fields.status = 200
    fields.httpMinorVersion = 1
    fields.contentType = 0..<9
    fields.contentLength = 1024
    fields.bodyBytes = 1024
    fields.bodySHA256 = SHA256Digest(repeating: 0xA9)
    fields.startedAt = 1_795_366_800_123_456
    let facts = TLSFacts(version: "1.3", cipher: Array("TLS_AES_256_GCM_SHA384".utf8), resumed: true)
    fields.connection = ConnectionText(remoteIP: Array("192.0.2.7".utf8), reused: false, tls: facts)
    fields.time.dns = 400_000
    fields.time.connect = 12_100_000
    fields.time.tls = 13_000_000
    fields.time.firstByte = 41_000_000
    fields.time.total = 67_200_000
    let line = line(fields, url: Array("https://example.org/x".utf8), head: Array("text/html".utf8))
    let digest = String(repeating: "a9", count: 32)
    #expect(
      line.text == """
        {"seq":41,"id":"a-17","url":"https://example.org/x","method":"GET","status":200,"http":"1.1",\
        "content_type":"text/html","content_length":1024,"body_bytes":1024,"body_sha256":"\(digest)","attempts":1,\
        "agent":"web1-3f9c","started_at":"2026-11-22T17:00:00.123456Z","remote_ip":"192.0.2.7","reused":false,\
        "tls":{"version":"1.3","cipher":"TLS_AES_256_GCM_SHA384","resumed":true},"time":{"dns":0.0004,\
        "connect":0.0121,"tls":0.013,"first_byte":0.041,"total":0.0672}}

        """
    )
    #expect(line.returnedLength == line.bytes.count)
  }

  @Test func `all fields come back, in the order of the design`() throws {
    var head = HeadBuilder()
    let fields = fullFields(&head)
    let line = line(fields, url: Array("https://example.org/x".utf8), head: head.bytes, body: Array("héllo".utf8))
    let object = try #require(line.object)
    #expect(Set(object.keys) == Set(Self.order))
    let places = try Self.order.map { try #require(line.text.range(of: "\"\($0)\":")).lowerBound }
    #expect(places == places.sorted())

    #expect(line.number("seq") == 41)
    #expect(line.string("id") == "a-17")
    #expect(line.string("url") == "https://example.org/x")
    #expect(line.number("status") == 302)
    #expect(line.string("content_type") == "text/html")
    #expect(line.number("body_bytes") == 2048)
    #expect(line.string("body_sha256") == (0..<32).map { String(format: "%02x", $0 * 8 + 5 & 0xFF) }.joined())
    #expect(line.number("wire_bytes") == 1000)
    #expect(line.string("truncated") == "max_filesize")
    #expect(line.number("redirects") == 2)
    #expect(line.string("final_url") == "https://example.org/final")
    #expect(line.string("location") == "/next")
    #expect(object["headers"] as? [[String]] == [["Server", "nginx"], ["X-Empty", ""]])
    let failure = try #require(object["error"] as? [String: Any])
    #expect(Set(failure.keys) == ["phase", "code", "message", "retryable"])
    #expect(failure["phase"] as? String == "body")
    #expect(failure["code"] as? String == "closed_early")
    #expect(failure["message"] as? String == "1024 bytes expected, 1000 got")
    #expect(failure["retryable"] as? Bool == true)
    #expect(line.number("attempts") == 3)
    #expect(line.string("started_at") == "2026-11-22T17:00:00.123456Z")
    #expect(
      object["time"] as? [String: Double] == [
        "dns": 0.0004, "connect": 0.0121, "tls": 0.013, "first_byte": 0.041, "total": 0.0672,
      ]
    )
    #expect(line.string("body") == "héllo")
    #expect(line.isAccepted)
  }

  @Test func `what does not apply is absent`() throws {
    var fields = RecordFields(seq: 0)
    fields.attempts = 0
    let line = line(fields, agent: "")
    #expect(line.text == #"{"seq":0,"attempts":0,"time":{"total":0}}"# + "\n")
    #expect(line.isAccepted)
  }

  @Test(arguments: FailureCode.allCases)
  func `every failure is named with its phase and whether to retry`(_ code: FailureCode) throws {
    for phase in FailurePhase.allCases {
      var fields = RecordFields(seq: 7)
      fields.failure = FetchFailure(code, in: phase, "line one\nline \"two\"")
      let failure = try #require(line(fields).object?["error"] as? [String: Any])
      #expect(failure["code"] as? String == "\(code.name)")
      #expect(failure["phase"] as? String == "\(phase.name)")
      #expect(failure["retryable"] as? Bool == code.isRetryable)
      #expect(failure["message"] as? String == "line one\nline \"two\"")
    }
  }

  @Test(arguments: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE", "m-search"])
  func `methods keep their spelling`(_ token: String) {
    var fields = RecordFields(seq: 7)
    fields.method = RequestMethod(token: token.utf8)
    #expect(line(fields).string("method") == token)
  }

  @Test func `the version of HTTP is 1_0 or 1_1`() {
    var fields = RecordFields(seq: 7)
    fields.httpMinorVersion = 0
    #expect(line(fields).string("http") == "1.0")
    fields.httpMinorVersion = 1
    #expect(line(fields).string("http") == "1.1")
  }

  @Test func `numbers of every length are written in full`() {
    var number: UInt64 = 0
    for digits in 1...20 {
      for value in [number, number &+ 1, number == 0 ? 9 : number &* 9] {
        var fields = RecordFields(seq: value)
        fields.contentLength = value
        fields.bodyBytes = value
        let line = line(fields)
        #expect(line.text.hasPrefix(#"{"seq":\#(value),"content_length":\#(value),"body_bytes":\#(value),"#))
        #expect(line.isAccepted(as: value))
      }
      number = digits == 1 ? 10 : number &* 10
    }
    #expect(line(RecordFields(seq: .max)).text.hasPrefix(#"{"seq":18446744073709551615,"#))
  }

  @Test(
    arguments: [
      (0, "0"), (499, "0"), (500, "0.000001"), (999_499, "0.000999"), (999_999_500, "1"), (1_000_000_000, "1"),
      (1_500_000_000, "1.5"), (10_000_001_000, "10.000001"), (3_600_123_456_789, "3600.123457"),
      (UInt64.max, "18446744073.709552"),
    ] as [(UInt64, String)]
  )
  func `times are seconds rounded to microseconds without trailing zeros`(nanoseconds: UInt64, text: String) {
    var fields = RecordFields(seq: 7)
    fields.time.total = nanoseconds
    #expect(line(fields).text.hasSuffix(#""time":{"total":\#(text)}}"# + "\n"))
  }

  @Test func `the total of the columns is rounded like that of the line and stays at its end`() {
    var time = PhaseTimes()
    time.total = 67_200_499
    #expect(time.totalMicroseconds == 67_200)
    time.total = 67_200_500
    #expect(time.totalMicroseconds == 67_201)
    time.total = .max
    #expect(time.totalMicroseconds == .max)
  }

  @Test func `lines follow each other in a block and the lengths add up`() {
    var writer = RecordWriter(agent: Array("a".utf8))
    var block = Array("before".utf8)
    var total = block.count
    for seq in 0..<500 as Range<UInt64> {
      var head = HeadBuilder()
      var fields = fullFields(&head)
      fields.seq = seq
      let start = block.count
      let length = append(fields, with: &writer, url: [0x61], head: head.bytes, body: nil, to: &block)
      total += length
      let accepted = isWellFormedLine(block.span.extracting(start..<block.count), seq: seq)
      #expect(accepted)
    }
    #expect(block.count == total)
    #expect(block.starts(with: Array("before".utf8)))
  }

  @Test func `a body is text if it is UTF-8 and base64 if not`() throws {
    let fields = RecordFields(seq: 7)
    #expect(line(fields, body: []).string("body") == "")
    #expect(line(fields, body: Array("a\n\"b\"\u{2028}é".utf8)).string("body") == "a\n\"b\"\u{2028}é")
    for length in 1...70 {
      let bytes = (0..<length).map { UInt8(truncatingIfNeeded: 255 - $0 * 7) }
      let line = line(fields, body: bytes)
      #expect(line.object?["body"] == nil)
      #expect(line.string("body_b64") == Data(bytes).base64EncodedString())
      #expect(line.text.hasSuffix("\"}\n"))
    }
  }

  @Test func `random records come back whole and are accepted`() throws {
    for seed in 0..<300 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      var head = HeadBuilder()
      var fields = RecordFields(seq: random.next() >> UInt64.random(in: 0...63, using: &random))
      let id = random.bytes(upTo: 256)
      let url = random.bytes(upTo: 2_000).filter { $0 != UInt8(ascii: ":") && $0 != UInt8(ascii: "@") }
      let type = random.bytes(upTo: 100)
      let names = (0..<Int.random(in: 0...20, using: &random)).map { _ in random.bytes(upTo: 40) }
      let values = names.map { _ in random.bytes(upTo: 400) }
      fields.id = id
      fields.contentType = head.add(type)
      fields.headers = zip(names, values).map { HeaderPosition(name: head.add($0), value: head.add($1)) }
      let body = random.bytes(upTo: 3_000)
      let agent = String(decoding: random.bytes(upTo: 60), as: UTF8.self) + "x"
      let line = line(fields, agent: agent, url: url, head: head.bytes, body: body)

      try #require(line.object != nil, "seed \(seed)")
      #expect(line.scalars("id") == expectedScalars(id), "seed \(seed)")
      #expect(line.scalars("url") == expectedScalars(url), "seed \(seed)")
      #expect(line.scalars("content_type") == expectedScalars(type), "seed \(seed)")
      #expect(line.string("agent") == agent, "seed \(seed)")
      let pairs = line.object?["headers"] as? [[String]]
      #expect(pairs?.map { Array($0[0].unicodeScalars) } == names.map(expectedScalars), "seed \(seed)")
      #expect(pairs?.map { Array($0[1].unicodeScalars) } == values.map(expectedScalars), "seed \(seed)")
      if String(validating: body, as: UTF8.self) != nil {
        #expect(line.scalars("body") == expectedScalars(body), "seed \(seed)")
      } else {
        #expect(line.string("body_b64") == Data(body).base64EncodedString(), "seed \(seed)")
      }
      #expect(line.isAccepted(as: fields.seq), "seed \(seed)")
    }
  }
}
