import FetchModel
import Records
import Testing

/// Whatever a row and a server send, a line stays below the limit of the line check.
@Suite struct RecordLimitTests {
  /// The largest inputs the system lets through, all of bytes that grow sixfold, in every optional field.
  private func hostileLine(_ byte: UInt8, body: [UInt8]?) -> Line {
    var head = HeadBuilder()
    let mebibyte = [UInt8](repeating: byte, count: 1 << 20)
    var fields = RecordFields(seq: .max)
    fields.id = mebibyte
    fields.method = .other(mebibyte)
    fields.status = .max
    fields.httpMinorVersion = 1
    fields.contentType = head.add(mebibyte)
    fields.contentLength = .max
    fields.bodyBytes = .max
    fields.bodySHA256 = SHA256Digest(repeating: 0xFF)
    fields.wireBytes = .max
    fields.truncated = "a_rather_long_reason_for_a_body_to_be_cut"
    fields.redirects = .max
    fields.finalURL = mebibyte
    fields.location = head.add(mebibyte)
    fields.headers = (0..<1_000).map { _ in HeaderPosition(name: 0..<100, value: 0..<10_000) }
    fields.failure = FetchFailure(
      .tlsCertificateNotYetValid,
      in: .redirect,
      String(repeating: "\u{1}", count: 1 << 20)
    )
    fields.attempts = .max
    fields.startedAt = .max
    let facts = TLSFacts(version: "1.3", cipher: mebibyte, resumed: false)
    fields.connection = ConnectionText(remoteIP: mebibyte, reused: false, tls: facts)
    fields.time.dns = .max
    fields.time.connect = .max
    fields.time.tls = .max
    fields.time.firstByte = .max
    fields.time.total = .max
    let agent = String(repeating: "\u{1}", count: 100_000)
    return line(fields, agent: agent, url: mebibyte, head: head.bytes, body: body)
  }

  @Test(arguments: [0x00, 0x0A, 0x22, 0x61, 0x7F, 0x85, 0xFF] as [UInt8])
  func `the largest of everything is cut to an acceptable line`(_ byte: UInt8) {
    for body in [nil, [UInt8](repeating: byte, count: 4 << 20), [UInt8](repeating: 1, count: 500 * 1024)] {
      let line = hostileLine(byte, body: body)
      #expect(line.object != nil)
      #expect(line.bytes.count <= maximumLineBytes)
      #expect(line.isAccepted(as: .max))
      #expect((line.object?["headers"] as? [[String]])?.isEmpty == false)
    }
  }

  @Test func `a valid row's URL of one mebibyte is kept whole`() {
    let url = Array("http://example.org/".utf8) + [UInt8](repeating: 0x61, count: (1 << 20) - 19)
    let line = line(RecordFields(seq: 1), url: url)
    #expect(line.string("url")?.utf8.count == 1 << 20)
    #expect(line.isAccepted)
  }

  @Test func `a text is cut between characters and says so`() {
    for character in ["\u{1}", "é", "漢", "😀", "\u{85}", "\u{2028}", "a\"b"] {
      var fields = RecordFields(seq: 1)
      fields.id = Array(String(repeating: character, count: 2_048).utf8)
      let text = line(fields).string("id") ?? ""
      #expect(text.hasSuffix("…"))
      let kept = text.dropLast().unicodeScalars
      #expect(kept.count > 300)
      #expect(Array(kept) == Array(String(repeating: character, count: 2_048).unicodeScalars.prefix(kept.count)))
    }
  }

  @Test func `a text of exactly the limit is not cut`() {
    var fields = RecordFields(seq: 1)
    fields.id = [UInt8](repeating: 0x61, count: 2_048)
    #expect(line(fields).string("id") == String(repeating: "a", count: 2_048))
    fields.id = [UInt8](repeating: 0x61, count: 2_049)
    #expect(line(fields).string("id") == String(repeating: "a", count: 2_045) + "…")
  }

  @Test func `a body beyond the longest is cut and truncated says so`() {
    let body = [UInt8](repeating: 0x61, count: RecordWriter.maximumBodyBytes + 1)
    let cut = line(RecordFields(seq: 1), body: body)
    #expect(cut.string("body")?.utf8.count == RecordWriter.maximumBodyBytes)
    #expect(cut.string("truncated") == "record_limit")
    let whole = line(RecordFields(seq: 1), body: Array(body.dropLast()))
    #expect(whole.string("body")?.utf8.count == RecordWriter.maximumBodyBytes)
    #expect(whole.object?["truncated"] == nil)
  }

  @Test func `a large header value is whole as long as the line has room`() {
    var fields = RecordFields(seq: 1)
    let head = Array("set-cookie".utf8) + [UInt8](repeating: 0x01, count: 100_000)
    fields.headers = [HeaderPosition(name: 0..<10, value: 10..<head.count)]
    let line = line(fields, url: Array("http://example.org/".utf8), head: head)
    #expect((line.object?["headers"] as? [[String]])?.first?.last?.unicodeScalars.count == 100_000)
  }
}
