import FetchModel
import Testing

@Suite struct RowRequestTests {
  @Test(arguments: [
    "http://example.org/x", "  http://example.org/x", "http://example.org/x\r", "\t http://example.org/x \t\r",
  ])
  func `a line is a url without the white space around it`(_ line: String) throws {
    let row = try row(line)
    #expect(row.url.text == "http://example.org/x")
    #expect(row.urlText.string == "http://example.org/x")
    #expect(row.method == nil)
    #expect(row.headers.isEmpty)
    #expect(row.body == nil && row.id == nil && row.timeoutNanoseconds == nil && row.sni == nil)
  }

  @Test func `a json row may say everything`() throws {
    let row = try row(
      #" {"url":"https:\/\/u:p@Example.org\/a b#f","method":"POST","headers":{"X-A":" 1\t","x-a":"é"},"#
        + #""body":"h\u00e9\n","#
        + #""id":"a-17 ✓","timeout":2.5,"sni":"WWW.Example.org."} "# + "\r"
    )
    #expect(row.urlText.string == "https://u:p@Example.org/a b#f")
    #expect(row.url.text == "https://example.org/a%20b#f")
    #expect(row.method == .post)
    #expect(row.headers == [HeaderField("X-A", "1"), HeaderField("x-a", "é")])
    #expect(row.body?.string == "hé\n")
    #expect(row.id?.string == "a-17 ✓")
    #expect(row.timeoutNanoseconds == 2_500_000_000)
    #expect(row.sni?.string == "www.example.org")
  }

  @Test(arguments: [
    (#"{"url":"http://a","headers":[["a","1"],["b","2"],["a","3"]]}"#, ["a: 1", "b: 2", "a: 3"]),
    (#"{"headers":[],"url":"http://a"}"#, []),
    (#"{"headers":{},"url":"http://a"}"#, []),
    (#"{"url":"http://a","headers":{"x":""}}"#, ["x: "]),
  ])
  func `header fields come as an object or as pairs`(_ line: String, _ expected: [String]) throws {
    #expect(try row(line).headers.map { "\($0.name.string): \($0.value.string)" } == expected)
  }

  @Test(arguments: [
    ("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg==", "foob"), ("Zm9vYmE=", "fooba"),
    ("Zm9vYmFy", "foobar"), (#"\/\/79"#, "//79"),
  ])
  func `a body may be base64`(_ text: String, _ expected: String) throws {
    let body = try row(#"{"url":"http://a","body_b64":"\#(text)"}"#).body
    #expect(text.contains("79") ? body == [0xFF, 0xFE, 0xFD] : body?.string == expected)
  }

  @Test func `an empty body and an empty id are there`() throws {
    let row = try row(#"{"url":"http://a","body":"","id":""}"#)
    #expect(row.body == [])
    #expect(row.id == [])
  }

  @Test(
    arguments: [
      ("1", 1_000_000_000), ("0.1", 100_000_000), ("1e-9", 1), ("1e-12", 1), ("1.0000000019", 1_000_000_001),
      ("0.5E1", 5_000_000_000),
      ("1E+2", 100_000_000_000), ("9223372036.854775807", 9_223_372_036_854_775_807), ("18446744074", .max),
      ("1e400", .max),
      ("1e99999999999999999999", .max), ("0.00000000000000000000000012e20", 12_000),
      ("123456789012345678901234567890e-20", 1_234_567_890_123_456_789),
      ("1e-99999999999999999999", 1), ("0.3", 300_000_000),
    ] as [(String, UInt64)]
  )
  func `a timeout is a number of seconds`(_ text: String, _ expected: UInt64) throws {
    #expect(try row(#"{"url":"http://a","timeout":\#(text)}"#).timeoutNanoseconds == expected)
  }

  @Test func `a method is any token but CONNECT`() throws {
    #expect(try row(#"{"url":"http://a","method":"DELETE"}"#).method == .delete)
    #expect(try row(#"{"url":"http://a","method":"get"}"#).method == .other(Array("get".utf8)))
    #expect(try row(#"{"url":"http://a","method":"PURGE"}"#).method == .other(Array("PURGE".utf8)))
  }

  @Test func `nothing of one row is left in the next`() throws {
    var row = RowRequest()
    let full = #"{"url":"https://a/#f","method":"PUT","headers":{"a":"b"},"body":"c","id":"d","timeout":1,"sni":"e"}"#
    for next in ["http://b/", #"{"url":"http://b/"}"#] {
      try row.parse(Array(full.utf8).span)
      try row.parse(Array(next.utf8).span)
      #expect(row.url == (try url("http://b/")))
      #expect(row.urlText.string == "http://b/")
      #expect(row.method == nil && row.headers.isEmpty && row.body == nil)
      #expect(row.id == nil && row.timeoutNanoseconds == nil && row.sni == nil)
    }
  }

  @Test(arguments: [
    ("http://Example.org/x y", "http://example.org:80"), (" https://u@0x7f.1:8443/#x\r", "https://127.0.0.1:8443"),
    (#"{"url":"https://[::1]/"}"#, "https://[::1]:443"), (#"{"\u0075rl":"http:\/\/\u0041"}"#, "http://a:80"),
    (#"{"id":"url","headers":{"url":"http://no/"},"body":"\"url\":1","url":"http://yes"}"#, "http://yes:80"),
    (#"{"headers":[["url","http://no/"]],"timeout":1,"url":"http://yes:81/%"}"#, "http://yes:81"),
  ])
  func `the origin of a line is that of its request`(_ line: String, _ expected: String) throws {
    #expect(rowWithOrigin(line)?.url.originKey == expected)
    #expect(try row(line).url.originKey == expected)
  }

  @Test(arguments: [
    "", "x", "{", "{}", "[]", #"{"url":1}"#, #"{"url":"x"}"#, #"{"id":"\u12","url":"http://a"}"#, "http://",
    #"{"id":1}"#,
  ])
  func `a line without origin has none`(_ line: String) {
    #expect(rowWithOrigin(line)?.url == nil)
  }

  @Test func `blank lines and comments are skipped`() {
    for line in ["", " ", "\t \r", "#", "# http://a", "#{"] { #expect(isSkipped(line)) }
    for line in ["http://a", " http://a#", " # indented", "{}", "\0"] { #expect(!isSkipped(line)) }
  }
}
