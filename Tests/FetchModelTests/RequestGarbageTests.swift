import FetchModel
import Testing

/// Whatever the bytes are, the readers return or throw, and agree with each other.
@Suite struct RequestGarbageTests {
  private static let seeds: [String] = [
    "https://user:pw@www.example.org:8443/a/./b/../c%20d?e=f&g=h#frag", "http://0x7f.1/",
    "http://[2001:db8::1.2.3.4]:80/x",
    #"{"url":"http://a/","method":"POST","headers":{"a":"b"},"body":"\ud83d\ude00","id":"d","timeout":1.5,"sni":"e"}"#,
    #"{"headers":{"a":"b","c":"d"},"body_b64":"Zm9v","url":"https:\/\/[::1]\/é"}"#,
    #"{"headers":[["a","b"]],"url":"http://xn--a/"}"#,
  ]

  private func check(_ bytes: [UInt8], _ context: String) {
    var row = RowRequest()
    var origin = RowRequest()
    let hasOrigin = origin.parseOrigin(bytes.span)
    do throws(RowProblem) {
      try row.parse(bytes.span)
      #expect(hasOrigin && origin.url.isSameOrigin(as: row.url), "\(context)")
      checkURL(row.url, context)
    } catch {
      #expect(row.url == HTTPURL() && !error.description.isEmpty, "\(context)")
    }
    var resolved = HTTPURL()
    do throws(URLProblem) {
      try resolved.resolve(bytes.span, against: try url("http://u@h:1/p/q?r#s"))
      checkURL(resolved, context)
    } catch {
      #expect(resolved == HTTPURL(), "\(context)")
    }
  }

  /// The target is fit for a request line, and the canonical text is its own canonical text.
  private func checkURL(_ found: HTTPURL, _ context: String) {
    #expect(found.target.first == UInt8(ascii: "/"), "\(context)")
    #expect(found.target.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }, "\(context)")
    #expect(!found.host.isEmpty && found.host.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "\(context)")
    var text: [UInt8] = []
    found.appendText(to: &text, includingFragment: false)
    var again = HTTPURL()
    do throws(URLProblem) { try again.parse(text.span) } catch { Issue.record("\(error) \(context)") }
    #expect(again.isSameOrigin(as: found) && again.target == found.target, "\(context)")
  }

  @Test(arguments: seeds)
  func `a line cut anywhere does no harm`(_ line: String) {
    let bytes = Array(line.utf8)
    for length in 0...bytes.count {
      check(Array(bytes[..<length]), "cut at \(length)")
      check(Array(bytes[length...]), "from \(length)")
    }
  }

  @Test(arguments: [1, 2, 3, 4] as [UInt64])
  func `a line changed anywhere does no harm`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let interesting = Array("/?#@:[]\\.%{}\"',0x7fu \t\r\n\0\u{7F}-_é".utf8) + [0x80, 0xFF, 0xED, 0xF4]
    for round in 0..<3000 {
      var bytes = Array(Self.seeds[Int.random(in: 0..<Self.seeds.count, using: &generator)].utf8)
      for _ in 0..<Int.random(in: 1...4, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        let byte = interesting[Int.random(in: 0..<interesting.count, using: &generator)]
        switch Int.random(in: 0..<3, using: &generator) {
        case 0: bytes[position] = byte
        case 1: bytes.insert(byte, at: position)
        default: if bytes.count > 1 { bytes.remove(at: position) }
        }
      }
      check(bytes, "seed \(seed) round \(round): \(bytes.string)")
    }
  }

  @Test(arguments: [11, 12] as [UInt64])
  func `random bytes do no harm`(_ seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    let beginnings = ["", "{", "http://", "{\"url\":\"", "//", "http://["].map { Array($0.utf8) }
    for round in 0..<3000 {
      let length = Int.random(in: 0..<40, using: &generator)
      let tail = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
      check(beginnings[round % beginnings.count] + tail, "seed \(seed) round \(round)")
    }
  }
}
