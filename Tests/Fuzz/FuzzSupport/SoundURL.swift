package import FetchModel

/// What holds for every URL, wherever it came from: its target injects nothing into a request line, its host is an
/// address or a name of labels, its text has no userinfo and reads as the same URL.
package func requireSound(_ url: HTTPURL) {
  require(url.target.first == UInt8(ascii: "/"), "a target that begins with no slash")
  require(url.target.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }, "a target of other bytes")
  require(url.port > 0, "port 0")
  requireSoundHost(url)

  let text = canonicalText(url, includingFragment: true)
  require(text.count <= HTTPURL.maximumBytes, "a text that is too long to be read")
  guard let again = parsed(text) else { return require(false, "a text that is no URL") }
  require(again.userinfo == nil, "userinfo in a text")
  require(isSame(again, url) && again.fragment == url.fragment, "a text that is another URL")
  require(canonicalText(again, includingFragment: true) == text, "a text that is not stable")
  require(canonicalHostText(url) == url.host, "a host that is another one as an option")
}

/// Whether two URLs are equal but for userinfo and fragment.
package func isSame(_ one: HTTPURL, _ other: HTTPURL) -> Bool {
  one.isSameOrigin(as: other) && one.hostKind == other.hostKind && one.target == other.target
}

package func parsed(_ bytes: [UInt8]) -> HTTPURL? {
  var url = HTTPURL()
  do throws(URLProblem) { try url.parse(bytes.span) } catch { return nil }
  return url
}

package func canonicalText(_ url: HTTPURL, includingFragment: Bool) -> [UInt8] {
  var text: [UInt8] = []
  url.appendText(to: &text, includingFragment: includingFragment)
  return text
}

package func originKey(_ url: HTTPURL) -> [UInt8] {
  var key: [UInt8] = []
  url.appendOriginKey(to: &key)
  return key
}

private func canonicalHostText(_ url: HTTPURL) -> [UInt8]? {
  do throws(URLProblem) { return try canonicalHost(url.host).host } catch { return nil }
}

private func requireSoundHost(_ url: HTTPURL) {
  func holds(_ bytes: some Sequence<UInt8>, only members: StaticString) -> Bool {
    members.withUTF8Buffer { buffer in bytes.allSatisfy { buffer.contains($0) } }
  }
  switch url.hostKind {
  case .ipv6: require(url.host.count >= 2 && holds(url.host, only: "0123456789abcdef:"), "no IPv6 address")
  case .ipv4:
    let parts = url.host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let numbers = parts.compactMap { UInt8(String(decoding: $0, as: UTF8.self)) }
    require(parts.count == 4 && numbers.count == 4 && holds(url.host, only: "0123456789."), "no IPv4 address")
  case .name:
    require(url.tlsName.count <= 253, "a name that is too long")
    for label in url.tlsName.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
      require(!label.isEmpty && label.count <= 63, "a label that is empty or too long")
      require(holds(label, only: "abcdefghijklmnopqrstuvwxyz0123456789-_"), "a label of other bytes")
    }
  }
}
