import FetchModel
import Testing

@Suite struct RedirectTrailTests {
  private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

  @Test func `a short chain is shown whole`() {
    var trail = RedirectTrail()
    #expect(trail.text(to: bytes("http://a/"), hops: 0) == "http://a/")
    trail.append(bytes("http://a/"))
    trail.append(bytes("http://b/"))
    #expect(trail.text(to: bytes("http://c/"), hops: 2) == "http://a/ -> http://b/ -> http://c/")
  }

  @Test func `of a long chain the end is shown, of a long url the beginning`() {
    var trail = RedirectTrail()
    for hop in 0..<25 { trail.append(bytes("http://a/\(hop)")) }
    let shown = trail.text(to: bytes("http://a/25"), hops: 25)
    #expect(shown.hasPrefix("... -> http://a/15 -> http://a/16 -> "))
    #expect(shown.hasSuffix(" -> http://a/24 -> http://a/25"))
    let long = bytes("http://a/" + String(repeating: "x", count: 1 << 16))
    for _ in 0..<25 { trail.append(long) }
    #expect(trail.urls.count == RedirectTrail.maximumURLs)
    #expect(trail.urls.allSatisfy { $0.count == RedirectTrail.maximumURLBytes && $0.string.hasSuffix("x...") })
    #expect(trail.text(to: long, hops: 50).utf8.count < 2400)
  }

  @Test func `what another agent sends keeps the bounds or is none`() {
    let longest = [UInt8](repeating: 0x61, count: RedirectTrail.maximumURLBytes)
    #expect(RedirectTrail(urls: Array(repeating: longest, count: RedirectTrail.maximumURLs)) != nil)
    #expect(RedirectTrail(urls: Array(repeating: [], count: RedirectTrail.maximumURLs + 1)) == nil)
    #expect(RedirectTrail(urls: [longest + [0x61]]) == nil)
  }
}
