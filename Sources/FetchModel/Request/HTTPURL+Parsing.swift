extension ByteSet {
  /// Bytes at which copying a path stops: the WHATWG path percent-encode set, what ends a path, the backslash
  /// (encoded, so that no server takes it for a slash that dot segment removal did not see), and the dot, which
  /// begins a dot segment if it follows a slash.
  fileprivate static let pathStops = ByteSet(" \"#<>?^`{}\\.", controls: true, nonASCII: true)
  /// The WHATWG special-query percent-encode set; its "#" ends a query.
  fileprivate static let queryStops = ByteSet(" \"#<>'", controls: true, nonASCII: true)
}

extension HTTPURL {
  /// Reads an absolute URL.
  ///
  /// Stricter than browsers: nothing is stripped or repaired before the path. In particular control characters are
  /// refused wherever they stand, and so is space around the URL, which is the caller's to trim.
  package mutating func parse(_ bytes: Span<UInt8>) throws(URLProblem) {
    do throws(URLProblem) {
      try begin(bytes)
      let end = try readOrigin(bytes)
      target.reset()
      try readTarget(bytes, from: end)
      // Percent-encoding makes three bytes of one, and a name has at most 253.
      if bytes.count > Self.maximumBytes / 4 { try checkLength() }
    } catch {
      throw fail(error, bytes)
    }
  }

  /// Reads only scheme, host and port of an absolute URL, and gives them the values that `parse` does. Does not look
  /// at what follows, so it accepts every URL that `parse` accepts and some more.
  package mutating func parseOrigin(_ bytes: Span<UInt8>) throws(URLProblem) {
    do throws(URLProblem) {
      try begin(bytes)
      _ = try readOrigin(bytes)
      target.reset()
      target.append(UInt8(ascii: "/"))
    } catch {
      throw fail(error, bytes)
    }
  }

  /// Reads a reference, such as the value of Location, against the URL it was found at (RFC 3986 section 5.2.2,
  /// RFC 9110 section 10.2.2). A reference without fragment inherits the base's; one without authority
  /// inherits its userinfo.
  ///
  /// Strict in the sense of RFC 3986 section 5.2.2: "http:g" is no relative reference, but no URL either.
  package mutating func resolve(_ reference: Span<UInt8>, against base: HTTPURL) throws(URLProblem) {
    do throws(URLProblem) {
      try begin(reference)
      origin.forget()
      if endOfScheme(reference) != nil {
        let end = try readOrigin(reference)
        target.reset()
        try readTarget(reference, from: end)
      } else if reference.count >= 2, reference[0] == UInt8(ascii: "/"), reference[1] == UInt8(ascii: "/") {
        scheme = base.scheme
        let end = try readAuthority(reference, from: 2)
        target.reset()
        try readTarget(reference, from: end)
      } else {
        scheme = base.scheme
        hostKind = base.hostKind
        port = base.port
        host = base.host
        storedUserinfo = base.storedUserinfo
        try readRelativeTarget(reference, against: base.target)
      }
      if !storedFragment.isPresent { storedFragment = base.storedFragment }
      try checkLength()
    } catch {
      throw fail(error, reference)
    }
  }

  /// What holds for every input, and a clean start.
  private mutating func begin(_ bytes: Span<UInt8>) throws(URLProblem) {
    storedFragment.remove()
    storedUserinfo.remove()
    guard bytes.count <= Self.maximumBytes else { throw .tooLong }
    guard bytes.count > 0 else { return }
    let space = UInt8(ascii: " ")
    guard bytes[0] != space, bytes[bytes.count - 1] != space else { throw .surroundingSpace }
  }

  /// What was read must be readable again as its canonical text, which percent-encoding, A-labels and an inherited
  /// fragment make longer than what was written.
  private func checkLength() throws(URLProblem) {
    // "https://", brackets, ":65535" and "#".
    let mostAround = 17
    guard target.count + storedFragment.bytes.count + host.count > Self.maximumBytes - mostAround else { return }
    var text: [UInt8] = []
    appendText(to: &text, includingFragment: true)
    guard text.count <= Self.maximumBytes else { throw .tooLong }
  }

  /// Leaves the value as `init` makes it, and finds out whether a control character is behind the problem.
  private mutating func fail(_ problem: URLProblem, _ bytes: Span<UInt8>) -> URLProblem {
    self = HTTPURL()
    switch problem {
    case .tooLong, .surroundingSpace: return problem
    default: break
    }
    return ByteSet.controls.firstMember(in: bytes, 0..<bytes.count) < bytes.count ? .controlCharacter : problem
  }

  /// Appends path and query to `target`, which is empty or holds the base's path up to its last slash, and reads
  /// the fragment.
  private mutating func readTarget(_ bytes: Span<UInt8>, from start: Int) throws(URLProblem) {
    let slash = UInt8(ascii: "/")
    if target.isEmpty, start == bytes.count || bytes[start] != slash { target.append(slash) }
    var hasDotSegment = false
    var index = start
    var run = start
    let stops = ByteSet.pathStops
    while index < bytes.count {
      let byte = bytes[index]
      if stops.contains(byte) {
        if byte == UInt8(ascii: ".") {
          if index == start || bytes[index - 1] == slash { hasDotSegment = true }
        } else if byte == UInt8(ascii: "?") || byte == UInt8(ascii: "#") {
          break
        } else {
          target.append(run..<index, of: bytes)
          try appendEscaped(byte)
          run = index + 1
        }
      }
      index += 1
    }
    target.append(run..<index, of: bytes)
    if hasDotSegment { removeDotSegments(&target) }
    if index < bytes.count { try readQueryAndFragment(bytes, from: index) }
    guard target.count <= Self.maximumBytes else { throw .tooLong }
  }

  /// Reads what follows the path; the byte at `start` is "?" or "#".
  private mutating func readQueryAndFragment(_ bytes: Span<UInt8>, from start: Int) throws(URLProblem) {
    var index = start
    var run = start
    let stops = ByteSet.queryStops
    while index < bytes.count {
      let byte = bytes[index]
      if stops.contains(byte) {
        if byte == UInt8(ascii: "#") { break }
        target.append(run..<index, of: bytes)
        try appendEscaped(byte)
        run = index + 1
      }
      index += 1
    }
    target.append(run..<index, of: bytes)
    guard index < bytes.count else { return }
    let fragment = index + 1..<bytes.count
    guard ByteSet.controls.firstMember(in: bytes, fragment) == bytes.count else { throw .controlCharacter }
    storedFragment.set { $0.append(fragment, of: bytes) }
  }

  /// RFC 3986 section 2.1, with upper-case digits as it recommends.
  private mutating func appendEscaped(_ byte: UInt8) throws(URLProblem) {
    guard !ByteSet.controls.contains(byte) else { throw .controlCharacter }
    target.append(UInt8(ascii: "%"))
    target.append(upperHexadecimalDigit(byte >> 4))
    target.append(upperHexadecimalDigit(byte & 15))
  }

  /// RFC 3986 section 5.2.2 for a reference without scheme and authority. In a target "?" only ever begins the
  /// query: in the path it is "%3F".
  private mutating func readRelativeTarget(_ reference: Span<UInt8>, against base: [UInt8]) throws(URLProblem) {
    target.reset()
    let pathEnd = base.firstIndex(of: UInt8(ascii: "?")) ?? base.count
    let first = reference.count > 0 ? reference[0] : UInt8(ascii: "#")
    switch first {
    case UInt8(ascii: "#"):
      target.append(contentsOf: base)
      if reference.count > 0 { try readQueryAndFragment(reference, from: 0) }
    case UInt8(ascii: "?"):
      target.append(contentsOf: base[..<pathEnd])
      try readQueryAndFragment(reference, from: 0)
      guard target.count <= Self.maximumBytes else { throw .tooLong }
    case UInt8(ascii: "/"):
      try readTarget(reference, from: 0)
    default:
      let directoryEnd = base[..<pathEnd].lastIndex(of: UInt8(ascii: "/")) ?? 0
      target.append(contentsOf: base[...directoryEnd])
      try readTarget(reference, from: 0)
    }
  }
}

/// RFC 3986 section 5.2.4, in place, for a path that begins with a slash.
private func removeDotSegments(_ path: inout [UInt8]) {
  let slash = UInt8(ascii: "/")
  let dot = UInt8(ascii: ".")
  var read = 0
  var write = 0
  while read < path.count {
    // path[read] is the slash before a segment.
    var end = read + 1
    while end < path.count, path[end] != slash { end += 1 }
    let length = end - read - 1
    let isDot = length == 1 && path[read + 1] == dot
    let isDoubleDot = length == 2 && path[read + 1] == dot && path[read + 2] == dot
    if isDoubleDot {
      while write > 0, path[write - 1] != slash { write -= 1 }
      write = max(write - 1, 0)
    }
    if isDot || isDoubleDot {
      if end == path.count {
        path[write] = slash
        write += 1
      }
    } else {
      while read < end {
        path[write] = path[read]
        write += 1
        read += 1
      }
    }
    read = end
  }
  path.removeSubrange(write...)
}

private func upperHexadecimalDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
}
