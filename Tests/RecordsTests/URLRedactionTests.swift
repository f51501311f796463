import Records
import Testing

@Suite struct URLRedactionTests {
  private func hidden(_ url: String) -> String {
    String(decoding: hidingPassword(ofURL: Array(url.utf8)), as: UTF8.self)
  }

  @Test(arguments: [
    ("https://user:secret@example.org/x", "https://user:REDACTED@example.org/x"),
    ("HTTP://user:secret@example.org", "HTTP://user:REDACTED@example.org"),
    ("https://:secret@example.org/", "https://:REDACTED@example.org/"),
    ("https://user:@example.org/", "https://user:REDACTED@example.org/"),
    ("https://user:se:cr@et@example.org:8443/a@b:c", "https://user:REDACTED@example.org:8443/a@b:c"),
    ("https://us@er:secret@example.org/", "https://us@er:REDACTED@example.org/"),
    ("https://user:secret@[::1]:80/", "https://user:REDACTED@[::1]:80/"),
    ("https://user:secret@example.org?q#f", "https://user:REDACTED@example.org?q#f"),
    ("  https://user:secret@example.org/", "  https://user:REDACTED@example.org/"),
    ("//user:secret@example.org/", "//user:REDACTED@example.org/"),
    ("https:/user:secret@example.org/", "https:/user:REDACTED@example.org/"),
    ("https:user:secret@example.org/", "https:user:REDACTED@example.org/"),
    (#"https:\\user:secret@example.org/"#, #"https:\\user:REDACTED@example.org/"#),
    ("user:secret@example.org/", "user:REDACTED@example.org/"),
    ("ftp://user:secret@example.org/", "ftp://user:REDACTED@example.org/"),
    ("https://user:sec/ret@example.org/", "https://user:REDACTED@example.org/"),
    ("https://user:sec?re#t@example.org/", "https://user:REDACTED@example.org/"),
  ])
  func `a password is replaced`(url: String, expected: String) {
    #expect(hidden(url) == expected)
    #expect(hidden(expected) == expected)
    #expect(line(RecordFields(seq: 1), url: Array(url.utf8)).string("url") == expected)
  }

  @Test(arguments: [
    "https://example.org/", "https://example.org:8443/a:b@c", "https://user@example.org/", "https://example.org/a@b",
    "https://example.org?mail=a:b@c", "https://[::1]:80/a@b", "https://[fe80::a]/x:y@z", "/a:b@c", "?a:b@c", "#a:b@c",
    "a/b:c@d", "", " ", ":", "@", "//", "https://", "https:", "http://user@host:80/",
  ])
  func `a URL without password stays as it is`(_ url: String) {
    #expect(hidden(url) == url)
    #expect(line(RecordFields(seq: 1), url: Array(url.utf8)).string("url") == url)
  }

  @Test func `passwords are hidden wherever a record has a URL`() throws {
    let secret = "https://user:secret@example.org/"
    var head = HeadBuilder()
    var fields = RecordFields(seq: 1)
    fields.finalURL = Array(secret.utf8)
    fields.location = head.add(secret)
    fields.headers = ["Location", "CONTENT-LOCATION"].map {
      HeaderPosition(name: head.add($0), value: head.add(secret))
    }
    let line = line(fields, url: Array(secret.utf8), head: head.bytes)
    #expect(line.object != nil)
    #expect(!line.text.contains("secret"))
    #expect(line.text.split(separator: "user:REDACTED@example.org").count == 6)
  }

  @Test func `the bytes around a password decide how they are read, not the password`() {
    let url = Array("http://us".utf8) + [0xC3, 0xA9] + Array(":".utf8) + [0xFF] + Array("@example.org/é".utf8)
    #expect(line(RecordFields(seq: 1), url: url).string("url") == "http://usé:REDACTED@example.org/é")
    let mixed = Array("http://usé:x@example.org/".utf8) + [0xFF]
    #expect(line(RecordFields(seq: 1), url: mixed).string("url") == "http://usÃ©:REDACTED@example.org/ÿ")
  }

  @Test func `random garbage around a password never shows it`() {
    for seed in 0..<500 as Range<UInt64> {
      var random = SeededGenerator(seed: seed)
      let path = random.bytes(upTo: 50).filter { $0 != UInt8(ascii: "@") }
      let url = Array("https://user:5ecre7@host/".utf8) + path
      let line = line(RecordFields(seq: 1), url: url)
      #expect(!line.text.contains("5ecre7"), "seed \(seed)")
      #expect(line.scalars("url") == expectedScalars(Array("https://user:REDACTED@host/".utf8) + path), "seed \(seed)")
    }
  }
}
