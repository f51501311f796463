import OriginServer
import Testing

@Suite struct `request target` {
  @Test func `is cut into path, segments and query`() {
    let target = RequestTarget("/slow/body/5?n=3&url=http%3A%2F%2Fa%2F%3Fb%3D1&flag&bad=%4")
    #expect(target.path == "/slow/body/5")
    #expect(target.segments == ["slow", "body", "5"])
    #expect(target.number(2, limit: 10) == 5)
    #expect(target.number(2, limit: 4) == nil)
    #expect(target.number(1, limit: 10) == nil)
    #expect(target.number(9, limit: 10) == nil)
    #expect(target.number(query: "n", ifAbsent: 7, limit: 10) == 3)
    #expect(target.number(query: "m", ifAbsent: 7, limit: 10) == 7)
    #expect(target.number(query: "url", ifAbsent: 7, limit: 10) == nil)
    #expect(target.value(of: "url") == "http://a/?b=1")
    #expect(target.value(of: "flag") == "")
    #expect(target.value(of: "bad") == nil)
  }

  @Test(arguments: ["+1", "-1", "", "1x", "99999999999999999999999"]) func `a number is digits only`(text: String) {
    #expect(RequestTarget("/fixed/\(text)").number(1, limit: .max) == nil)
  }
}

@Suite struct `listening address` {
  @Test func `host and port are separated by the last colon`() throws {
    #expect(try SocketAddress("127.0.0.1:0") == SocketAddress(host: "127.0.0.1", port: 0))
    #expect(try SocketAddress("[::1]:8443") == SocketAddress(host: "::1", port: 8443))
  }

  @Test(arguments: ["", "127.0.0.1", ":80", "::1:80", "a:65536", "a:-1"]) func `anything else is refused`(text: String)
  {
    #expect(throws: OriginError.badAddress(text)) { try SocketAddress(text) }
  }
}

@Suite struct `JSON text` {
  @Test func `strings are escaped and fields keep their order`() {
    var json = JSONText()
    json.add("b", "q\" b\\ n\n c\u{1} ü")
    json.add("a", 1)
    #expect(json.text == #"{"b":"q\" b\\ n\n c\u0001 ü","a":1}"#)
  }
}
