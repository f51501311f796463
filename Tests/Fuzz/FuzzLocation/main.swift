// Any bytes as a URL and a Location that was found there.
//
// Either it is none, or what it leads to is a sound URL (SoundURL.swift), the same as from the text of the URL it was
// found at, whose fragment it has if it has none of its own; credentials go along within one origin only.

import FetchModel
import FuzzSupport

private let fallback = Array("https://u:p@host.example:8443/p/q;r?s/t#f".utf8)

private func resolved(_ reference: [UInt8], _ base: HTTPURL) -> HTTPURL? {
  var url = HTTPURL()
  do throws(URLProblem) { try url.resolve(reference.span, against: base) } catch {
    require(url == HTTPURL(), "something is left of a reference that is none")
    return nil
  }
  return url
}

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  let text = feed.run()
  guard let base = parsed(text) ?? parsed(fallback) else { fatalError("the base is no URL") }
  let reference = feed.remainder()
  let next = resolved(reference, base)
  guard let again = parsed(canonicalText(base, includingFragment: true)) else { fatalError("the base has no text") }
  let other = resolved(reference, again)
  require((next == nil) == (other == nil), "a reference is one against a URL, and none against its text")
  guard let next, let other else { return }
  require(isSame(next, other) && next.fragment == other.fragment, "a reference leads elsewhere from the text of a URL")
  requireSound(next)
  if !reference.contains(UInt8(ascii: "#")) {
    require(next.fragment == base.fragment, "a fragment that is not inherited")
  }
  let isCarriedOn = next.scheme == base.scheme && next.host == base.host && next.port == base.port
  require(keepsCredentials(from: base, to: next) == isCarriedOn, "credentials go to another origin")
  // An absolute URL means the same everywhere.
  let absolute = canonicalText(next, includingFragment: true)
  guard let direct = resolved(absolute, base) else { fatalError("a URL that is no reference") }
  require(isSame(direct, next), "an absolute reference leads elsewhere")
}

private let seeds: [[UInt8]] = {
  let bases = ["http://a/b/c/d;p?q", "https://a:8443/p/q?r#f", "http://[::1]/?x/y", "http://u:p@b\u{FC}.de/\u{E9}/"]
  let references = [
    "g", "./g/.", "/g", "//g", "?y", "g?y#s", "#s", "", ".", "../../../g", "g;x=1/../y", "g:h", "http:g", "//b:443/",
    "HTTP://B:80", "x y", "\u{E9}?\u{E9}#\u{E9}", "\\\\evil/x", "/\\evil", "//0x7f.1", "//u:p@b/x",
    "//b\u{FC}cher\u{3002}/", "///", "//[::1]:9?", "/%2e%2e/", "//xn--a/", "1a:b",
  ]
  return references.enumerated().map { number, reference in
    var writer = FeedWriter()
    writer.append(run: Array(bases[number % bases.count].utf8))
    return writer.bytes + Array(reference.utf8)
  }
}()

try runTarget(seeds: seeds) { bytes, count in
  check(input(bytes, count))
  return 0
}
