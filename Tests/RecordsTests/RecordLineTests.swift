import FetchModel
import Foundation
import Records
import Testing

@Suite struct `A record line` {
  /// The column that goes with a record when it is sent.
  private func column(_ fields: borrowing RecordFields, length: Int) -> ResultColumn {
    ResultColumn(
      seq: fields.seq,
      bodyBytes: fields.bodyBytes ?? 0,
      totalMicroseconds: fields.time.totalMicroseconds,
      lineLength: UInt32(length),
      status: UInt16(clamping: fields.status ?? 0),
      failure: fields.failure?.code,
      attempts: UInt8(clamping: fields.attempts)
    )
  }

  /// Any record that a worker might write.
  private func fields(_ random: inout SeededGenerator, _ head: inout HeadBuilder) -> RecordFields {
    func maybe<T>(_ value: T) -> T? { Bool.random(using: &random) ? value : nil }
    func number(_ bits: Int) -> UInt64 { UInt64.random(in: 0...UInt64.max, using: &random) >> UInt64(64 - bits) }
    var fields = RecordFields(seq: number(Int.random(in: 1...36, using: &random)))
    fields.id = maybe(random.bytes(upTo: 40))
    fields.method = maybe([.get, .post, .other(random.bytes(upTo: 10))][Int.random(in: 0..<3, using: &random)])
    fields.status = maybe(Int(number(Int.random(in: 1...16, using: &random))) + 1)
    fields.httpMinorVersion = maybe(1)
    fields.contentType = maybe(head.add(random.bytes(upTo: 40)))
    fields.contentLength = maybe(number(60))
    fields.bodyBytes = maybe(number(Int.random(in: 1...64, using: &random)))
    fields.bodySHA256 = maybe(SHA256Digest(repeating: 0xA5))
    fields.wireBytes = maybe(number(20))
    fields.truncated = maybe("length")
    fields.redirects = Int.random(in: 0...3, using: &random)
    fields.finalURL = maybe(Array("https://u:p@example.org/".utf8) + random.bytes(upTo: 60))
    fields.location = maybe(head.add(random.bytes(upTo: 60)))
    fields.headers = maybe([
      HeaderPosition(name: head.add("Set-Cookie"), value: head.add(random.bytes(upTo: 60))),
      HeaderPosition(name: head.add(random.bytes(upTo: 20)), value: head.add("")),
    ])
    let code = FailureCode.allCases[Int.random(in: 0..<FailureCode.allCases.count, using: &random)]
    fields.failure = maybe(FetchFailure(code, in: .head, String(decoding: random.bytes(upTo: 80), as: UTF8.self)))
    fields.attempts = UInt32(number(Int.random(in: 1...20, using: &random)))
    fields.startedAt = maybe(number(51))
    let facts = maybe(TLSFacts(version: "1.3", cipher: random.bytes(upTo: 20), resumed: true))
    fields.connection = maybe(ConnectionText(remoteIP: Array("192.0.2.7".utf8), reused: true, tls: facts))
    fields.time.dns = maybe(number(30))
    fields.time.connect = maybe(number(30))
    fields.time.tls = maybe(number(30))
    fields.time.firstByte = maybe(number(30))
    fields.time.total = number(Int.random(in: 1...50, using: &random))
    return fields
  }

  @Test func `gives the column that went with it`() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<4000 {
      var head = HeadBuilder()
      let fields = fields(&random, &head)
      let url = Bool.random(using: &random) ? random.bytes(upTo: 90) : nil
      let body = Bool.random(using: &random) ? random.bytes(upTo: 200) : nil
      let line = line(fields, url: url, head: head.bytes, body: body)
      let record = read(line.bytes)
      #expect(record?.column == column(fields, length: line.bytes.count), "\(line.text)")
    }
  }

  @Test func `of the longest body is read`() {
    let fields = RecordFields(seq: 5)
    let line = line(fields, body: [UInt8](repeating: 0xFF, count: RecordWriter.maximumBodyBytes))
    #expect(read(line.bytes)?.column.lineLength == UInt32(line.bytes.count))
  }

  private let short = #"{"seq":7,"status":200,"body_bytes":9,"attempts":2,"agent":"a","time":{"dns":0.1,"total":0.25}}"#

  private func read(_ text: String) -> RecordLine? { read(Array((text + "\n").utf8)) }

  private func read(_ bytes: [UInt8]) -> RecordLine? { RecordLine(bytes.span) }

  @Test func `may have members of a later version`() {
    let later = short.dropLast() + #","warc":{"file":"a-1.warc.gz","offset":12,"length":34},"x":[[1.5,true],[],{}]}"#
    #expect(read(String(later))?.column.totalMicroseconds == 250_000)
  }

  @Test(
    arguments: [
      "null", "-1", "0", "-0", "-0.5", "1e3", "1E+3", "2.5e-07", "-10.25E0", "123456789012345678901234567890",
      "[null,-1]", #"{"a":null}"#,
    ]
  )
  func `may have any value of JSON where a later version has members`(_ value: String) {
    let member = short.dropLast() + ",\"x\":\(value)}"
    #expect(read(String(member))?.column.totalMicroseconds == 250_000)
    let time = short.replacingOccurrences(of: #""dns":0.1"#, with: "\"queue\":\(value)")
    #expect(read(time)?.column.totalMicroseconds == 250_000)
  }

  @Test(
    arguments: [
      "nul", "nulls", "-", "+1", "01", "-01", "1.", ".5", "1e", "1e+", "1E-", "1.e3", "--1", "0x1", "NaN", "",
    ]
  )
  func `may have nothing that is no value of JSON`(_ value: String) {
    #expect(read(String(short.dropLast() + ",\"x\":\(value)}")) == nil)
    #expect(read(short.replacingOccurrences(of: #""dns":0.1"#, with: "\"queue\":\(value)")) == nil)
  }

  @Test func `is nothing without its end`() {
    let whole = Array((short + "\n").utf8)
    #expect(read(whole) != nil)
    for length in 0..<whole.count {
      #expect(read(Array(whole[..<length])) == nil)
      // Torn, and closed by the end of another.
      let isWhole = length == whole.count - 2
      #expect((read(Array(whole[..<length]) + Array("}\n".utf8)) != nil) == isWhole, "\(length)")
    }
  }

  @Test(
    arguments: [
      (#""seq":7"#, #""seq":07"#), (#""seq":7"#, #""seq":-7"#), (#""seq":7"#, #""seq":"7""#),
      (#""seq":7"#, #""seq":18446744073709551616"#), (#"{"seq":7"#, #"{"id":"a","seq":7"#),
      (#"{"seq":7"#, #"{"seq":7,"seq":7"#), (#""status":200"#, #""status":200,"status":200"#),
      (#""attempts":2,"#, ""), (#""attempts":2"#, #""attempts":null"#), (#","total":0.25"#, ""),
      (#"0.25"#, #"0.2500000"#), (#"0.25"#, #".25"#), (#"0.25"#, #"1e3"#), (#"0.25"#, #"99999999999999999999"#),
      (#""a""#, #""\x""#), (#""a""#, #""\u00g0""#), (#""a""#, "\"\u{1}\""), (#""a""#, #"a"#), (#""a""#, #"[1,]"#),
      (#""a""#, #"{"b"}"#), (#""a""#, String(repeating: "[", count: 40)), (#"}}"#, #"}} "#), (#"{"seq""#, #" {"seq""#),
      (#""a""#, #""a","error":{"phase":"dns","code":"no_such_code"}"#), (#""a""#, #""a","error":{"phase":"dns"}"#),
    ]
  )
  func `that is not one of ours is refused`(_ old: String, _ new: String) {
    #expect(short.contains(old))
    #expect(read(short.replacingOccurrences(of: old, with: new)) == nil)
  }

  @Test func `that is not UTF-8 is refused`() {
    let bytes = Array((short + "\n").utf8)
    let name = bytes.firstIndex(of: UInt8(ascii: "g")) ?? 0
    for wrong: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80]] {
      var line = bytes
      line.insert(contentsOf: wrong, at: name)
      #expect(read(line) == nil)
    }
    var line = bytes
    line.insert(contentsOf: Array("é".utf8), at: name)
    #expect(read(line) != nil)
  }

  @Test func `is survived whatever its bytes are`() {
    var random = SeededGenerator(seed: 12)
    let whole = Array((short + "\n").utf8)
    for _ in 0..<20_000 {
      var line = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        line[Int.random(in: 0..<line.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      _ = read(line)
    }
  }
}
