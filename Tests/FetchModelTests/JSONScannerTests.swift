import FetchModel
import Testing

@Suite struct JSONScannerTests {
  /// The tokens of a text as one line to read.
  private func tokens(_ bytes: [UInt8]) throws(JSONProblem) -> String {
    var scanner = JSONScanner()
    var shown: [String] = []
    while true {
      switch try scanner.next(bytes.span) {
      case .beginObject: shown.append("{")
      case .endObject: shown.append("}")
      case .beginArray: shown.append("[")
      case .endArray: shown.append("]")
      case .key(let text): shown.append("\(unescaped(text, bytes)):")
      case .string(let text): shown.append("'\(unescaped(text, bytes))'")
      case .number(let range): shown.append(Array(bytes[range]).string)
      case .boolean(let value): shown.append("\(value)")
      case .null: shown.append("null")
      case .end: return shown.joined(separator: " ")
      }
    }
  }

  private func unescaped(_ text: JSONScanner.Text, _ input: [UInt8]) -> String {
    var bytes: [UInt8] = []
    text.append(to: &bytes, from: input.span)
    return bytes.string
  }

  private func problem(_ bytes: [UInt8]) -> JSONProblem? {
    do throws(JSONProblem) { _ = try tokens(bytes) } catch { return error }
    return nil
  }

  @Test(arguments: [
    ("{}", "{ }"), (" [ ] \r\n\t", "[ ]"), ("1", "1"), ("\"\"", "''"), ("null", "null"),
    (#"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#, "{ a: 1 b: [ true false null ] c: { d: 'e' } }"),
    (#" { "a" : [ 1 , { } ] } "#, "{ a: [ 1 { } ] }"), ("[[],[[]]]", "[ [ ] [ [ ] ] ]"),
    ("[0,-0,10,-1.5,0.25,1e5,1E+5,2.5e-3]", "[ 0 -0 10 -1.5 0.25 1e5 1E+5 2.5e-3 ]"),
    (#"{"a":1,"a":2}"#, "{ a: 1 a: 2 }"),
  ])
  func `a text comes out as its tokens`(_ text: String, _ expected: String) throws {
    #expect(try tokens(Array(text.utf8)) == expected)
  }

  @Test(arguments: [
    (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""a\u0041b""#, "aAb"), (#""\u00e9\u20AC""#, "\u{E9}\u{20AC}"),
    (#""\ud83d\uDE00!""#, "\u{1F600}!"), (#""\u0000""#, "\0"), (#""\udbff\udfff""#, "\u{10FFFF}"),
    (#""\uffff\ud7ff""#, "\u{FFFF}\u{D7FF}"),
    ("\"\u{E9}\u{20AC}\u{1F600}\u{7F}\"", "\u{E9}\u{20AC}\u{1F600}\u{7F}"), (#""\\u0041""#, "\\u0041"),
  ])
  func `escapes become the characters they stand for`(_ text: String, _ expected: String) throws {
    #expect(try tokens(Array(text.utf8)) == "'\(expected)'")
  }

  @Test(arguments: [
    ("", JSONProblem.Reason.unexpectedEnd, 0), ("{", .unexpectedEnd, 1), (#"{"a""#, .unexpectedEnd, 4),
    ("[1", .unexpectedEnd, 2),
    ("\"a", .unexpectedEnd, 2), ("tru", .unexpectedEnd, 3), ("-", .unexpectedEnd, 1), ("1.", .unexpectedEnd, 2),
    ("1e", .unexpectedEnd, 2),
    ("{,}", .unexpectedByte, 1), (#"{"a"}"#, .unexpectedByte, 4), (#"{"a":}"#, .unexpectedByte, 5),
    (#"{"a":1,}"#, .unexpectedByte, 7),
    ("[1,]", .unexpectedByte, 3), ("[1 2]", .unexpectedByte, 3), ("[1}", .unexpectedByte, 2),
    (#"{"a":1]"#, .unexpectedByte, 6),
    ("{a:1}", .unexpectedByte, 1), ("'a'", .unexpectedByte, 0), ("nul1", .unexpectedByte, 3),
    ("+1", .unexpectedByte, 0),
    ("]", .unexpectedByte, 0), ("[,1]", .unexpectedByte, 1), ("NaN", .unexpectedByte, 0),
    ("\u{FEFF}1", .unexpectedByte, 0),
    ("01", .invalidNumber, 1), ("-a", .invalidNumber, 1), ("1.e5", .invalidNumber, 2), ("1e+", .unexpectedEnd, 3),
    ("1.2.3", .invalidNumber, 3),
    ("{} x", .textAfterEnd, 3), ("1 2", .textAfterEnd, 2), ("1x", .textAfterEnd, 1), ("nullx", .textAfterEnd, 4),
    ("\"a\u{1F}\"", .controlCharacter, 2), ("\"a\nb\"", .controlCharacter, 2), (#""\a""#, .invalidEscape, 1),
    (#""\u12g4""#, .invalidEscape, 5),
    (#""\ud800""#, .loneSurrogate, 1), (#""\udc00""#, .loneSurrogate, 1), (#""\ud800\ud800""#, .loneSurrogate, 1),
    (#""\ud800\n""#, .loneSurrogate, 1),
    (#""\ud800x""#, .loneSurrogate, 1),
  ])
  func `a text that is no json says why and where`(_ text: String, _ reason: JSONProblem.Reason, _ offset: Int) {
    #expect(problem(Array(text.utf8)) == JSONProblem(reason, at: offset))
  }

  @Test(
    arguments: [
      [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80],
      [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xF0, 0x9F, 0x98],
    ] as [[UInt8]]
  )
  func `a string that is no utf-8 is refused`(_ bytes: [UInt8]) {
    #expect(problem([0x22, 0x61] + bytes + [0x22]) == JSONProblem(.invalidUTF8, at: 2))
  }

  @Test func `depth is bounded`() throws {
    let deepest = JSONScanner.maximumDepth
    let open = [UInt8](repeating: UInt8(ascii: "["), count: deepest)
    let close = [UInt8](repeating: UInt8(ascii: "]"), count: deepest)
    #expect(problem(open + close) == nil)
    #expect(problem(open + [UInt8(ascii: "[")] + close) == JSONProblem(.tooDeep, at: deepest))
    #expect(problem(open + Array("{}".utf8)) == JSONProblem(.tooDeep, at: deepest))
  }

  @Test func `objects and arrays are told apart at every depth`() throws {
    let text = #"[{"a":[{"b":[{}]}]},[{"c":1}],2]"#
    #expect(try tokens(Array(text.utf8)) == "[ { a: [ { b: [ { } ] } ] } [ { c: 1 } ] 2 ]")
  }

  @Test func `a value can be skipped whatever it is`() throws {
    let text = Array(#"[1,"x",{"a":[{},{"b":2}]},[[]],null,7]"#.utf8)
    var scanner = JSONScanner()
    _ = try scanner.next(text.span)
    for _ in 0..<5 { try scanner.skipValue(text.span) }
    guard case .number(let range) = try scanner.next(text.span) else {
      Issue.record("no number")
      return
    }
    #expect(Array(text[range]).string == "7")
  }

  @Test func `a text cut anywhere is unfinished, never a crash`() {
    let text = Array(#" {"a\n\ud83d\ude00é":[1.5e+7,true,null,"b"],"c":{"d":-0.25}}"#.utf8)
    #expect(problem(text) == nil)
    for length in 0..<text.count {
      let cut = problem(Array(text[..<length]))
      #expect(cut != nil)
      #expect(cut?.reason == .unexpectedEnd || cut?.reason == .invalidUTF8)
      #expect((cut?.offset ?? 0) <= length)
    }
  }

  @Test func `end is given again at every further call`() throws {
    let text = Array("1 ".utf8)
    var scanner = JSONScanner()
    _ = try scanner.next(text.span)
    for _ in 0..<3 {
      let token = try scanner.next(text.span)
      #expect(token == .end)
    }
  }
}
