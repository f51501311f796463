// Any bytes as a URL, and as a line of the input.
//
// Either it is none, or the URL is sound (SoundURL.swift), its text and the origin read alone say the same, and a value
// that held another URL before ends up equal.

import FetchModel
import FuzzSupport

private func check(_ bytes: [UInt8], _ used: inout HTTPURL) {
  let url = parsed(bytes)
  var origin = HTTPURL()
  let hasOrigin: Bool
  do throws(URLProblem) {
    try origin.parseOrigin(bytes.span)
    hasOrigin = true
  } catch {
    hasOrigin = false
  }
  do throws(URLProblem) { try used.parse(bytes.span) } catch {
    require(url == nil && used == HTTPURL(), "a value that was used reads a URL differently")
    used = HTTPURL()
  }
  if let url {
    require(used == url, "a value that was used reads a URL differently")
    require(hasOrigin && originKey(origin) == originKey(url), "the origin alone is another one")
    require(origin.isSameOrigin(as: url) && origin.hostKind == url.hostKind, "the origin alone is another one")
    requireSound(url)
  }
  checkLine(bytes)
}

/// The coordinator reads the origin of a line and the agent all of it.
private func checkLine(_ bytes: [UInt8]) {
  var row = RowRequest()
  var origin = RowRequest()
  let hasOrigin = origin.parseOrigin(bytes.span)
  do throws(RowProblem) { try row.parse(bytes.span) } catch { return }
  require(hasOrigin && originKey(origin.url) == originKey(row.url), "coordinator and agent read different origins")
  requireSound(row.url)
  if let name = row.sni {
    require(!name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7F }, "a name to be indicated of other bytes")
  }
  let fields = row.headers.flatMap { $0.name + $0.value }
  require(fields.allSatisfy { $0 != 0x0D && $0 != 0x0A && $0 != 0 }, "a line end in a header field")
}

private var used = HTTPURL()

private let seeds = [
  "http://example.org", "hTtPs://User:Pass@Example.Org.:8443/a/./b/../c%20d?e=f&g=h'#Frag ment", "http://0x7f.1/",
  "http://[2001:DB8::1.2.3.4]:80/x", "http://017700000001", "http://a@b@c:1/?#", "https://xn--bcher-kva.example/\u{E9}",
  "http://b\u{FC}cher\u{3002}example/", "http://\u{FF11}\u{FF12}\u{FF17}.0.0.1/", "http://fa\u{DF}.de",
  "http://\u{2603}.net/\u{2603}?\u{2603}#\u{2603}", "http://xn--n3h.xn--a/", "http://a\u{AD}b\u{200D}.\u{5D0}/",
  "http://my_host.r3---a.-b-/\\x{}|^`\"<>", "http://a.1.2.3.4/", "http://1.2.3.4./..", "http://u:@[::]:65535/%zz%",
  #"{"url":"http://a/","method":"POST","headers":{"a":"b"},"body":"\ud83d\ude00","id":"d","timeout":1.5,"sni":"e"}"#,
  #"{"headers":[["a","b"]],"body_b64":"Zm9v","url":"https:\/\/[::1]\/\u00e9","sni":"\u00fc.de"}"#,
].map { Array($0.utf8) }

try runTarget(seeds: seeds) { bytes, count in
  check(input(bytes, count), &used)
  return 0
}
