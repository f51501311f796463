import FetchModel
import Testing

/// What cookies, credentials and every other option or row can put into a request goes through this type.
@Suite struct HeaderFieldTests {
  @Test(arguments: Array(0..<0x20 as Range<UInt8>) + [0x7F])
  func `a control character makes no header field, wherever it stands`(_ control: UInt8) throws {
    let name = Array("Cookie".utf8)
    let value = Array("a=b; c=d".utf8)
    for position in 0...name.count {
      #expect(HeaderField(name: name[..<position] + [control] + name[position...], value: value) == nil)
    }
    let isTab = control == 0x09
    for position in 1..<value.count {
      let field = HeaderField(name: name, value: value[..<position] + [control] + value[position...])
      #expect((field != nil) == isTab)
    }
    // A tab around a value is no part of it; the others are no less refused there.
    #expect(HeaderField(name: name, value: [control] + value + [control])?.value == (isTab ? value : nil))
  }

  @Test(arguments: ["a=b\r\nX: y", "a=b\nX: y", "a=b\r", "\r\n\r\nGET / HTTP/1.1", "Basic dTpw\r\n", "a\u{0}"])
  func `a value cannot begin another line`(_ value: String) {
    for name in ["Cookie", "Authorization", "User-Agent", "Referer", "Host"] {
      #expect(HeaderField(name, value) == nil)
    }
  }

  @Test(arguments: ["", "a b", "a:", "a\r\nb", "é", "a/b", "(a)", "a,b", "\"a\""])
  func `names and methods are tokens`(_ text: String) {
    #expect(HeaderField(text, "value") == nil)
    #expect(RequestMethod(token: text.utf8) == nil)
  }

  @Test func `a value keeps what is beyond ascii and loses the space around it`() {
    #expect(HeaderField("A", " \t é ÿ\t ")?.value == Array("é ÿ".utf8))
    #expect(HeaderField("A", " \t ")?.value == [])
    #expect(HeaderField(name: Array("A".utf8), value: [0xFF])?.value == [0xFF])
  }
}
