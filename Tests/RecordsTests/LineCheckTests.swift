import Records
import Testing

@Suite struct LineCheckTests {
  private func accepts(_ text: String, seq: UInt64) -> Bool { accepts(Array(text.utf8), seq: seq) }
  private func accepts(_ bytes: [UInt8], seq: UInt64) -> Bool { isWellFormedLine(bytes.span, seq: seq) }

  @Test func `the shortest lines are accepted`() {
    #expect(accepts("{\"seq\":0,}\n", seq: 0))
    #expect(accepts("{\"seq\":18446744073709551615,}\n", seq: .max))
  }

  @Test(arguments: [
    "", "\n", "}\n", "{\"seq\":41}\n", "{\"seq\":41,\n", "{\"seq\":41,}", "{\"seq\":41,} \n", "{\"seq\":41,}\r\n",
    " {\"seq\":41,}\n", "{\"seq\": 41,}\n", "{\"seq\":041,}\n", "{\"seq\":+41,}\n", "{\"seq\":41.0,}\n",
    "{\"seq\":410,}\n", "{\"seq\":4,}\n", "{\"seq\":42,}\n", "{\"seq\":41 ,}\n", "{\"Seq\":41,}\n",
    "{\"seq\":41,\"a\":\n1}\n", "\n{\"seq\":41,}\n", "{\"seq\":41,}\n\n", "{\"seq\":41,}\n{\"seq\":41,}\n",
  ])
  func `anything else is refused`(_ text: String) {
    #expect(!accepts(text, seq: 41))
  }

  @Test func `a newline is found at every place of lines of every length`() {
    for length in 0..<70 {
      let inside = [UInt8](repeating: 0x61, count: length)
      let line = Array("{\"seq\":7,".utf8) + inside + Array("}\n".utf8)
      #expect(accepts(line, seq: 7))
      for place in 0..<line.count - 1 {
        var broken = line
        broken[place] = 0x0A
        #expect(!accepts(broken, seq: 7))
      }
      // Bytes next to a newline in value, and with the top bit set, are no newlines.
      for other in [0x09, 0x0B, 0x8A, 0x00, 0xFF] as [UInt8] where length > 0 {
        var changed = line
        changed[9 + length / 2] = other
        #expect(accepts(changed, seq: 7))
      }
    }
  }

  @Test func `lines are accepted up to their greatest length and not beyond`() {
    let frame = Array("{\"seq\":7,".utf8)
    let fill = [UInt8](repeating: 0x61, count: maximumLineBytes - frame.count - 2)
    #expect(accepts(frame + fill + Array("}\n".utf8), seq: 7))
    #expect(!accepts(frame + fill + Array("a}\n".utf8), seq: 7))
  }

  @Test func `each change of a written line's frame is refused, and each cut`() {
    var fields = RecordFields(seq: 90_210)
    fields.status = 200
    let line = line(fields, url: Array("http://example.org/".utf8))
    #expect(line.isAccepted(as: 90_210))
    for seq in [0, 9_021, 902_100, 90_211, 80_210, .max] as [UInt64] { #expect(!line.isAccepted(as: seq)) }
    let frame = Array(0..<13) + [line.bytes.count - 2, line.bytes.count - 1]
    for place in frame {
      for value in 0...255 as ClosedRange<UInt8> where value != line.bytes[place] {
        var broken = line.bytes
        broken[place] = value
        #expect(!accepts(broken, seq: 90_210))
      }
    }
    for length in 0..<line.bytes.count {
      #expect(!accepts(Array(line.bytes[..<length]), seq: 90_210))
      if length > 0 { #expect(!accepts(Array(line.bytes[length...]), seq: 90_210)) }
    }
  }
}
