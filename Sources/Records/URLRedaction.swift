// Passwords in URLs must appear nowhere in records. The functions here work on any text that somebody took for a
// URL, because rows that are no valid request are recorded too: where readers of URLs differ, more is hidden.

/// What stands where a password stood.
let hiddenPassword: StaticString = "REDACTED"

/// Where the password of a URL, or of a reference such as the value of Location, stands; nil if it has none.
///
/// That is the part between the first colon and the last `@` of the authority. If the authority has no `@` but
/// what follows its colon is no port, an unescaped slash, `?` or `#` in a password is assumed and everything up
/// to the last `@` is taken.
package func passwordRange(inURL url: Span<UInt8>) -> Range<Int>? {
  // Nearly every URL is done with here.
  guard holds(UInt8(ascii: "@"), in: url, before: url.count) else { return nil }
  guard let authority = authorityStart(of: url) else { return nil }
  var firstColon: Int?
  var lastAt: Int?
  var onlyPort = true
  var index = authority
  scan: while index < url.count {
    switch url[index] {
    case UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#"): break scan
    case UInt8(ascii: "@"): lastAt = index
    case UInt8(ascii: ":") where firstColon == nil: firstColon = index
    case UInt8(ascii: "0")...UInt8(ascii: "9"): break
    default: if firstColon != nil { onlyPort = false }
    }
    index += 1
  }
  guard let firstColon else { return nil }
  if let lastAt { return firstColon < lastAt ? firstColon + 1..<lastAt : nil }
  // `[::1]` has colons of its own; without a scheme a colon is more likely part of a path.
  guard !onlyPort, authority > 0, url[authority] != UInt8(ascii: "[") else { return nil }
  var last = url.count - 1
  while last > index, url[last] != UInt8(ascii: "@") { last -= 1 }
  return last > index ? firstColon + 1..<last : nil
}

/// A URL with its password replaced by `REDACTED`, for messages and logs.
package func hidingPassword(ofURL url: [UInt8]) -> [UInt8] {
  guard let password = passwordRange(inURL: url.span) else { return url }
  var hidden = Array(url[..<password.lowerBound])
  hiddenPassword.withUTF8Buffer { hidden.append(contentsOf: $0) }
  hidden.append(contentsOf: url[password.upperBound...])
  return hidden
}

/// Where the authority begins; nil for a reference without one.
private func authorityStart(of url: Span<UInt8>) -> Int? {
  var index = 0
  while index < url.count, url[index] <= 0x20 { index += 1 }
  let start = index
  guard start < url.count else { return nil }
  switch url[start] {
  case UInt8(ascii: "/"), UInt8(ascii: "\\"):
    // A network-path reference has two; one begins a path.
    let end = endOfSlashes(in: url, from: start)
    return end - start >= 2 ? end : nil
  case UInt8(ascii: "?"), UInt8(ascii: "#"):
    return nil
  default:
    break
  }
  while index < url.count, isSchemeCharacter(url[index]) { index += 1 }
  guard index < url.count, url[index] == UInt8(ascii: ":") else { return start }
  let afterColon = index + 1
  let end = endOfSlashes(in: url, from: afterColon)
  // Browsers take `https:host` for `https://host`. With any other word it may as well be `user:password@host`.
  return end > afterColon || isWebScheme(url.extracting(start..<index)) ? end : start
}

/// Past slashes, backslashes, and the white space that browsers drop between them.
private func endOfSlashes(in url: Span<UInt8>, from start: Int) -> Int {
  var index = start
  while index < url.count {
    switch url[index] {
    case UInt8(ascii: "/"), UInt8(ascii: "\\"), 0x09, 0x0A, 0x0D: index += 1
    default: return index
    }
  }
  return index
}

private func isSchemeCharacter(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
    true
  default: false
  }
}

/// Whether a scheme is http or https in any case.
private func isWebScheme(_ scheme: Span<UInt8>) -> Bool {
  guard scheme.count == 4 || scheme.count == 5 else { return false }
  let wanted: StaticString = "https"
  for index in 0..<scheme.count where scheme[index] | 0x20 != wanted.utf8Start[index] { return false }
  return true
}
