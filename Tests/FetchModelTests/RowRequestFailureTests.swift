import FetchModel
import Testing

@Suite struct RowRequestFailureTests {
  private func failure(_ line: String) -> (problem: RowProblem?, row: RowRequest) {
    var row = RowRequest()
    do throws(RowProblem) { try row.parse(Array(line.utf8).span) } catch { return (error, row) }
    return (nil, row)
  }

  /// A row with a URL and the given members.
  private func failure(members: String) -> RowProblem? { failure(#"{"url":"http://a/",\#(members)}"#).problem }

  @Test(arguments: [
    (#""Url":"x""#, InvalidRequest.unknownKey("Url")), (#""proxy":"http://b""#, .unknownKey("proxy")),
    (#""":1"#, .unknownKey("")),
    (#""a\u0000\"":{"b":[1]}"#, .unknownKey("a??")), (#""url":"http://b/""#, .duplicateKey(.url)),
    (#""id":"a","id":"a""#, .duplicateKey(.id)),
    (#""headers":{},"headers":{}"#, .duplicateKey(.headers)), (#""\u0069d":"a","id":"b""#, .duplicateKey(.id)),
    (#""method":null"#, .wrongType(.method)), (#""method":"""#, .invalidMethod), (#""method":"GE T""#, .invalidMethod),
    (#""method":"G\r\nX""#, .invalidMethod), (#""method":"GÉT""#, .invalidMethod),
    (#""method":"CONNECT""#, .unsupportedMethod),
    (#""headers":null"#, .wrongType(.headers)), (#""headers":"a: b""#, .wrongType(.headers)),
    (#""headers":{"a":1}"#, .wrongType(.headers)),
    (#""headers":{"a":["b"]}"#, .wrongType(.headers)), (#""headers":[["a"]]"#, .wrongType(.headers)),
    (#""headers":[["a","b","c"]]"#, .wrongType(.headers)), (#""headers":["a","b"]"#, .wrongType(.headers)),
    (#""header":{"a":["b"]}"#, .unknownKey("header")),
    (#""headers":{"a":"1","b c":"2"}"#, .invalidHeaderName(2)), (#""headers":{"":"1"}"#, .invalidHeaderName(1)),
    (#""headers":{"a":"1\r\nb: 2"}"#, .invalidHeaderValue(1)),
    (#""headers":[["a","1"],["b","\u0000"]]"#, .invalidHeaderValue(2)),
    (#""headers":{"a":"1","a":"2"}"#, .duplicateHeaderName(2)),
    (#""body":1"#, .wrongType(.body)), (#""body":{}"#, .wrongType(.body)), (#""body":"","body_b64":"""#, .twoBodies),
    (#""body_b64":"","body":"x""#, .twoBodies), (#""body_b64":["Zg=="]"#, .wrongType(.bodyBase64)),
    (#""body_b64":"Zg""#, .invalidBase64),
    (#""body_b64":"Zh==""#, .invalidBase64), (#""body_b64":"Zm9=""#, .invalidBase64),
    (#""body_b64":"Zm9v\n""#, .invalidBase64),
    (#""body_b64":"====""#, .invalidBase64), (#""body_b64":"Z===""#, .invalidBase64),
    (#""body_b64":"_-_-""#, .invalidBase64),
    (#""body_b64":"Zg==Zg==""#, .invalidBase64), (#""id":1"#, .wrongType(.id)), (#""id":null"#, .wrongType(.id)),
    (#""timeout":"1""#, .wrongType(.timeout)), (#""timeout":true"#, .wrongType(.timeout)),
    (#""timeout":0"#, .invalidTimeout),
    (#""timeout":-1"#, .invalidTimeout), (#""timeout":0.0e9"#, .invalidTimeout), (#""sni":null"#, .wrongType(.sni)),
    (#""sni":"""#, .invalidSNI), (#""sni":"1.2.3.4""#, .invalidSNI), (#""sni":"::1""#, .invalidSNI),
    (#""sni":".a""#, .invalidSNI),
    (#""sni":"a\u0000""#, .invalidSNI), (#""sni":"é .org""#, .invalidSNI), (#""sni":"xn--é.org""#, .invalidSNI),
    (#""sni":"１.2.3.4""#, .invalidSNI),
  ])
  func `a row that is no valid request names its fault`(_ members: String, _ expected: InvalidRequest) {
    let problem = failure(members: members)
    #expect(problem == .invalidRequest(expected))
    #expect(problem?.code == .invalidRequest)
    #expect(problem?.description == expected.description)
  }

  @Test(arguments: RowKey.allCases)
  func `the message names the key`(_ key: RowKey) {
    #expect(InvalidRequest.wrongType(key).description.contains("\"\(key.name)\""))
    #expect(InvalidRequest.duplicateKey(key).description.contains("\"\(key.name)\""))
  }

  @Test func `an unknown key is shown only at its beginning`() {
    let key = String(repeating: "k", count: 1000)
    let shown = String(repeating: "k", count: 40) + "..."
    #expect(failure(members: "\"\(key)\":1") == .invalidRequest(.unknownKey(shown)))
  }

  @Test func `each kind of failure has its code`() {
    #expect(failure("ftp://a").problem?.code == .invalidURL)
    #expect(failure(#"{"url":"ftp://a"}"#).problem?.code == .invalidURL)
    #expect(failure("{}").problem == .invalidRequest(.missingURL))
    #expect(failure(#"{"url":null}"#).problem?.code == .invalidRequest)
    #expect(failure("{").problem == .invalidJSON(JSONProblem(.unexpectedEnd, at: 1)))
    #expect(failure(#"{"url":"http://a"} x"#).problem?.code == .invalidJSON)
    #expect(failure(#"["http://a"]"#).problem == .invalidURL(.notAbsolute))
    #expect(failure("").problem == .invalidURL(.notAbsolute))
    #expect(failure("http://a b").problem == .invalidURL(.invalidHost))
    #expect(failure("http://a/\u{0}").problem == .invalidURL(.controlCharacter))
    #expect(failure(#"{"url":" http://a"}"#).problem == .invalidURL(.surroundingSpace))
  }

  @Test func `a line has a longest length`() {
    let most = RowRequest.maximumLineBytes
    let row = #"{"url":"http://a/","body":""#
    let longest = row + String(repeating: "x", count: most - row.utf8.count - 2) + "\"}"
    #expect(failure(longest).problem == nil)
    #expect(failure(longest + " ").problem == .lineTooLong)
    #expect(failure(longest + " ").problem?.code == .lineTooLong)
    #expect(rowWithOrigin(longest)?.url.originKey == "http://a:80")
    #expect(rowWithOrigin(longest + " ")?.url == nil)
  }

  @Test func `header fields and the id have their limits`() {
    func pairs(_ count: Int) -> String {
      #""headers":["# + Array(repeating: #"["a","b"]"#, count: count).joined(separator: ",") + "]"
    }
    #expect(failure(members: pairs(RowRequest.maximumHeaderFields)) == nil)
    #expect(failure(members: pairs(RowRequest.maximumHeaderFields + 1)) == .invalidRequest(.tooManyHeaders))
    let fill = String(repeating: "x", count: RowRequest.maximumHeaderBytes / 2 - 5)
    #expect(failure(members: #""headers":[["a","\#(fill)"],["b","\#(fill)"]]"#) == nil)
    #expect(failure(members: #""headers":[["a","\#(fill)"],["bc","\#(fill)"]]"#) == .invalidRequest(.headersTooLong))
    let id = String(repeating: "é", count: 128)
    #expect(failure(members: "\"id\":\"\(id)\"") == nil)
    #expect(failure(members: "\"id\":\"\(id)i\"") == .invalidRequest(.idTooLong))
    #expect(failure(members: #""id":"\#(String(repeating: #"\u0041"#, count: 256))""#) == nil)
  }

  @Test func `a failed row still tells its url and id`() {
    let fault = failure(#"{"proxy":1,"method":[2],"url":"http://a/","body":"b","id":"c"}"#)
    #expect(fault.problem == .invalidRequest(.unknownKey("proxy")))
    #expect(fault.row.urlText.string == "http://a/")
    #expect(fault.row.id?.string == "c")
    #expect(fault.row.body == nil && fault.row.url == HTTPURL())
    let cut = failure(#"{"id":"c","url":"http://a/","body":"#)
    #expect(cut.problem?.code == .invalidJSON)
    #expect(cut.row.urlText.string == "http://a/")
    #expect(cut.row.id?.string == "c")
    let tooLong = failure(#"{"url":"x","id":"\#(String(repeating: "i", count: 257))"}"#)
    #expect(tooLong.row.id == nil)
    #expect(failure("ftp://b").row.urlText.string == "ftp://b")
  }

  @Test func `what is not json is said before what is not a request`() {
    #expect(failure(#"{"proxy":1,"url":"http://a/""#).problem?.code == .invalidJSON)
    #expect(failure(#"{"proxy":1,"url":"ftp://a/"}"#).problem?.code == .invalidRequest)
  }
}
