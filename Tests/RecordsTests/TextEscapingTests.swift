import Foundation
import Records
import Testing

@Suite struct TextEscapingTests {
  /// The inside of the JSON string that `id` becomes.
  private func escaped(_ bytes: [UInt8]) -> String? {
    var fields = RecordFields(seq: 0)
    fields.id = bytes
    let text = line(fields).text
    let opening = #"{"seq":0,"id":""#
    guard text.hasPrefix(opening), let end = text.range(of: #"","attempts""#) else { return nil }
    return String(text[text.index(text.startIndex, offsetBy: opening.count)..<end.lowerBound])
  }

  private func escaped(_ text: String) -> String? { escaped(Array(text.utf8)) }

  @Test func `every ASCII character is escaped by its rule, wherever it stands`() {
    let short: [UInt8: String] = [
      0x08: #"\b"#, 0x09: #"\t"#, 0x0A: #"\n"#, 0x0C: #"\f"#, 0x0D: #"\r"#, 0x22: #"\""#, 0x5C: #"\\"#,
    ]
    for byte in 0..<128 as Range<UInt8> {
      let plain = String(UnicodeScalar(byte))
      let long = String(format: "\\u%04x", Int(byte))
      let expected = short[byte] ?? (byte < 0x20 || byte == 0x7F ? long : plain)
      for before in 0..<18 {
        for after in [0, 1, 7, 8, 9] {
          let bytes = [UInt8](repeating: 0x2D, count: before) + [byte] + [UInt8](repeating: 0x2B, count: after)
          let wanted = String(repeating: "-", count: before) + expected + String(repeating: "+", count: after)
          #expect(escaped(bytes) == wanted)
        }
      }
    }
  }

  @Test func `valid UTF-8 stays as it is`() {
    let texts = [
      "é", "漢字", "😀", "\u{A0}", "\u{7FF}", "\u{800}", "\u{2027}", "\u{202A}", "\u{FFFD}", "\u{FFFF}", "\u{10FFFF}",
    ]
    for text in texts {
      #expect(escaped(text) == text)
      #expect(escaped("12345678" + text + "é") == "12345678" + text + "é")
    }
  }

  @Test func `C1 control characters and line separators are escaped`() {
    for value in 0x80...0x9F {
      #expect(escaped([0xC2, UInt8(value)]) == String(format: "\\u%04x", value))
    }
    #expect(escaped("a\u{2028}b\u{2029}c") == #"a\u2028b\u2029c"#)
  }

  @Test(
    arguments: [
      [0xFF], [0xC3], [0x61, 0xC3], [0xC3, 0xA9, 0xFF], [0xED, 0xA0, 0x80], [0xC0, 0xAF], [0xF4, 0x90, 0x80, 0x80],
      [0xE2, 0x80], [0xE2, 0x80, 0xA8, 0x80], [0xF0, 0x9F, 0x98], [0x80],
    ] as [[UInt8]]
  )
  func `a text that is no UTF-8 as a whole is read as Latin-1`(_ bytes: [UInt8]) {
    for before in [[], Array("12345678abc".utf8), Array("é".utf8)] as [[UInt8]] {
      let all = before + bytes
      let wanted = all.map { $0 < 0x80 ? String(UnicodeScalar($0)) : String(format: "\\u%04x", Int($0)) }
      #expect(escaped(all) == wanted.joined())
    }
  }

  @Test func `hostile values cannot end the string, the line or the object`() {
    let hostile = #"x","attempts":9}"# + "\n" + #"{"seq":1,"#
    var head = HeadBuilder()
    var fields = RecordFields(seq: 0)
    fields.id = Array(hostile.utf8)
    fields.contentType = head.add(hostile)
    fields.location = head.add(hostile)
    fields.headers = [HeaderPosition(name: head.add(hostile), value: head.add(hostile))]
    fields.finalURL = Array(hostile.utf8)
    let line = line(fields, agent: hostile, url: Array(hostile.utf8), head: head.bytes, body: Array(hostile.utf8))
    #expect(line.bytes.filter { $0 == 0x0A }.count == 1)
    #expect(line.isAccepted)
    #expect(line.number("attempts") == 1)
    for key in ["id", "url", "content_type", "location", "final_url", "agent", "body"] {
      #expect(line.string(key) == hostile)
    }
  }

  @Test func `a line is printable: no control character reaches a terminal`() {
    var random = SeededGenerator(seed: 11)
    for _ in 0..<200 {
      var fields = RecordFields(seq: 3)
      fields.id = random.bytes(upTo: 200)
      let scalars = line(fields, url: random.bytes(upTo: 500)).text.unicodeScalars.dropLast()
      #expect(scalars.allSatisfy { $0.properties.generalCategory != .control })
    }
  }
}
