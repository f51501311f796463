import FetchModel
import Testing

@Suite struct HTTPURLResolutionTests {
  private func resolved(_ reference: String, _ base: String) throws(URLProblem) -> HTTPURL {
    let base = try url(base)
    var result = HTTPURL()
    try result.resolve(Array(reference.utf8).span, against: base)
    return result
  }

  // RFC 3986 section 5.4.1. "g:h" is below: its scheme cannot be fetched.
  @Test(arguments: [
    ("g", "http://a/b/c/g"), ("./g", "http://a/b/c/g"), ("g/", "http://a/b/c/g/"), ("/g", "http://a/g"),
    ("//g", "http://g/"), ("?y", "http://a/b/c/d;p?y"), ("g?y", "http://a/b/c/g?y"), ("#s", "http://a/b/c/d;p?q#s"),
    ("g#s", "http://a/b/c/g#s"), ("g?y#s", "http://a/b/c/g?y#s"), (";x", "http://a/b/c/;x"),
    ("g;x", "http://a/b/c/g;x"),
    ("g;x?y#s", "http://a/b/c/g;x?y#s"), ("", "http://a/b/c/d;p?q"), (".", "http://a/b/c/"), ("./", "http://a/b/c/"),
    ("..", "http://a/b/"), ("../", "http://a/b/"), ("../g", "http://a/b/g"), ("../..", "http://a/"),
    ("../../", "http://a/"), ("../../g", "http://a/g"),
  ])
  func `the normal examples of rfc 3986 hold`(_ reference: String, _ expected: String) throws {
    #expect(try resolved(reference, "http://a/b/c/d;p?q").text == expected)
  }

  // RFC 3986 section 5.4.2.
  @Test(arguments: [
    ("../../../g", "http://a/g"), ("../../../../g", "http://a/g"), ("/./g", "http://a/g"), ("/../g", "http://a/g"),
    ("g.", "http://a/b/c/g."), (".g", "http://a/b/c/.g"), ("g..", "http://a/b/c/g.."), ("..g", "http://a/b/c/..g"),
    ("./../g", "http://a/b/g"), ("./g/.", "http://a/b/c/g/"), ("g/./h", "http://a/b/c/g/h"),
    ("g/../h", "http://a/b/c/h"), ("g;x=1/./y", "http://a/b/c/g;x=1/y"), ("g;x=1/../y", "http://a/b/c/y"),
    ("g?y/./x", "http://a/b/c/g?y/./x"), ("g?y/../x", "http://a/b/c/g?y/../x"), ("g#s/./x", "http://a/b/c/g#s/./x"),
    ("g#s/../x", "http://a/b/c/g#s/../x"),
  ])
  func `the abnormal examples of rfc 3986 hold`(_ reference: String, _ expected: String) throws {
    #expect(try resolved(reference, "http://a/b/c/d;p?q").text == expected)
  }

  @Test(arguments: [
    ("g:h", URLProblem.unsupportedScheme), ("mailto:a@b", .unsupportedScheme),
    ("javascript:alert(1)", .unsupportedScheme),
    ("http:g", .notAbsolute), ("HTTP:/g", .notAbsolute), ("//", .emptyHost), ("http://", .emptyHost),
    (" g", .surroundingSpace),
    ("g\r\nX: y", .controlCharacter), ("//a\tb", .controlCharacter), ("?\u{0}", .controlCharacter),
    ("#\n", .controlCharacter),
    ("//h:0/", .invalidPort), ("//xn--a/", .invalidALabel),
  ])
  func `a reference that is no url says why`(_ reference: String, _ expected: URLProblem) {
    #expect(throws: expected) { try resolved(reference, "http://a/b/c/d;p?q") }
  }

  @Test(arguments: [
    ("https://b/x", "https://b/x#f"), ("HTTP://B:80", "http://b/#f"), ("//b:443/", "https://b/#f"),
    ("//B:80/", "https://b:80/#f"),
    ("/x#", "https://a:8443/x#"), ("/x#g", "https://a:8443/x#g"), ("", "https://a:8443/p/q?r#f"),
    ("?", "https://a:8443/p/q?#f"),
    ("x y", "https://a:8443/p/x%20y#f"), ("\u{E9}?\u{E9}", "https://a:8443/p/%C3%A9?%C3%A9#f"),
    ("\\\\evil/x", "https://a:8443/p/%5C%5Cevil/x#f"), ("/\\evil", "https://a:8443/%5Cevil#f"),
    ("1a:b", "https://a:8443/p/1a:b#f"),
    ("./a:b", "https://a:8443/p/a:b#f"), ("//[::1]/", "https://[::1]/#f"), ("/%2e%2e/", "https://a:8443/%2e%2e/#f"),
    ("//0x7f.1", "https://127.0.0.1/#f"), ("//b\u{FC}cher/", "https://xn--bcher-kva/#f"),
    ("//\u{FF11}27.1", "https://127.0.0.1/#f"),
  ])
  func `a location inherits what it does not have`(_ reference: String, _ expected: String) throws {
    #expect(try resolved(reference, "https://a:8443/p/q?r#f").text == expected)
  }

  @Test(arguments: [
    ("", "http://a/?x/y"), ("g", "http://a/g"), ("?z", "http://a/?z"), ("../g", "http://a/g"),
  ])
  func `slashes in the base's query are no path`(_ reference: String, _ expected: String) throws {
    #expect(try resolved(reference, "http://a?x/y").text == expected)
  }

  @Test func `bytes from 0x80 in a location are percent-encoded as octets`() throws {
    var result = HTTPURL()
    try result.resolve(([0x2F, 0xFF, 0x3F, 0xE9]).span, against: try url("http://a/"))
    #expect(result.target.string == "/%FF?%E9")
  }

  @Test func `userinfo comes with the authority`() throws {
    #expect(try resolved("/x", "http://u:p@a/").userinfo?.string == "u:p")
    #expect(try resolved("//b/x", "http://u:p@a/").userinfo == nil)
    #expect(try resolved("http://a/x", "http://u:p@a/").userinfo == nil)
    #expect(try resolved("//v@b/x", "http://u:p@a/").userinfo?.string == "v")
  }

  // Ignored, as browsers do: RFC 9110 section 4.2.4 would have it called an error, too.
  @Test(arguments: ["//v:w@b/x", "http://v:w@b/x", "HTTP://v:w@B:80/x", "//v%3Aw@b/x", "//good.example@b/x"])
  func `userinfo of a location is in nothing that goes on or is sent`(_ reference: String) throws {
    let next = try resolved(reference, "http://u:p@a/")
    #expect(next.text == "http://b/x" && next.hostField == "b" && next.target.string == "/x")
    #expect(next.originKey == "http://b:80")
  }

  @Test func `a url that inherits a fragment can still be read`() throws {
    let fragment = String(repeating: "f", count: 40_000)
    let base = "http://a/#" + fragment
    let target = "/" + String(repeating: "x", count: HTTPURL.maximumBytes - fragment.utf8.count - 10)
    let next = try resolved(target, base)
    #expect(next.text.utf8.count == HTTPURL.maximumBytes)
    #expect(try url(next.text) == next)
    #expect(throws: URLProblem.tooLong) { try resolved(target + "x", base) }
  }

  @Test func `a url can be resolved against itself`() throws {
    var current = try url("http://u@a/b/c?d#e")
    for (reference, expected) in [("x", "http://a/b/x#e"), ("//h", "http://h/#e"), ("?q#z", "http://h/?q#z")] {
      let base = current
      try current.resolve(Array(reference.utf8).span, against: base)
      #expect(current.text == expected)
    }
    let base = current
    #expect(throws: URLProblem.unsupportedScheme) {
      try current.resolve(Array("ftp://x/".utf8).span, against: base)
    }
    #expect(current == HTTPURL())
  }

  @Test func `a chain of relative references cannot grow without bound`() throws {
    var current = try url("http://a/")
    let step = Array((String(repeating: "x", count: 30_000) + "/").utf8)
    for _ in 0..<2 {
      let base = current
      try current.resolve(step.span, against: base)
    }
    let base = current
    #expect(throws: URLProblem.tooLong) { try current.resolve(step.span, against: base) }
    let longQuery = Array(("?" + String(repeating: "q", count: 10_000)).utf8)
    #expect(throws: URLProblem.tooLong) { try current.resolve(longQuery.span, against: base) }
  }
}
