extension RowRequest {
  /// Reads a JSON row except for its URL, which is left in `urlText`.
  ///
  /// After a fault of one member the rest is still read, for `urlText` and `id`, and because a line that is not
  /// JSON to its end is worth more as a message; the first fault is reported.
  mutating func readJSON(_ input: Span<UInt8>) throws(RowProblem) {
    var scanner = JSONScanner()
    var seen: Set = []
    var fault: InvalidRequest?
    _ = try next(&scanner, input)
    while case .key(let name) = try next(&scanner, input) {
      let atValue = scanner
      do throws(RowProblem) {
        try readMember(name, &scanner, input, &seen)
      } catch {
        guard case .invalidRequest(let found) = error else { throw error }
        fault = fault ?? found
        scanner = atValue
        do throws(JSONProblem) { try scanner.skipValue(input) } catch { throw .invalidJSON(error) }
      }
    }
    _ = try next(&scanner, input)
    if let fault { throw .invalidRequest(fault) }
    guard seen.contains(.url) else { throw .invalidRequest(.missingURL) }
  }

  /// Finds the first "url" of a JSON row and reads its origin; looks at nothing behind it.
  mutating func readJSONOrigin(_ input: Span<UInt8>) throws(RowProblem) {
    var scanner = JSONScanner()
    _ = try next(&scanner, input)
    while case .key(let name) = try next(&scanner, input) {
      scratch.reset()
      name.append(to: &scratch, from: input)
      guard RowKey(named: scratch) == .url else {
        do throws(JSONProblem) { try scanner.skipValue(input) } catch { throw .invalidJSON(error) }
        continue
      }
      let text = try string(.url, &scanner, input)
      guard text.hasEscapes else { return try readOrigin(input.extracting(text.range)) }
      text.append(to: &urlText, from: input)
      let unescaped = urlText
      return try readOrigin(unescaped.span)
    }
    throw .invalidRequest(.missingURL)
  }

  /// The keys that were there.
  private struct Set: OptionSet {
    var rawValue: UInt16
    static let url = Set(.url)

    init(rawValue: UInt16) { self.rawValue = rawValue }

    init(_ key: RowKey) { rawValue = 1 << UInt16(key.rawValue) }
  }

  private func next(_ scanner: inout JSONScanner, _ input: Span<UInt8>) throws(RowProblem) -> JSONScanner.Token {
    do throws(JSONProblem) { return try scanner.next(input) } catch { throw .invalidJSON(error) }
  }

  private func string(
    _ key: RowKey,
    _ scanner: inout JSONScanner,
    _ input: Span<UInt8>
  ) throws(RowProblem) -> JSONScanner.Text {
    guard case .string(let text) = try next(&scanner, input) else { throw .invalidRequest(.wrongType(key)) }
    return text
  }

  private mutating func readMember(
    _ name: JSONScanner.Text,
    _ scanner: inout JSONScanner,
    _ input: Span<UInt8>,
    _ seen: inout Set
  ) throws(RowProblem) {
    scratch.reset()
    name.append(to: &scratch, from: input)
    guard let key = RowKey(named: scratch) else { throw .invalidRequest(.unknownKey(shownBeginning(of: scratch))) }
    guard seen.insert(Set(key)).inserted else { throw .invalidRequest(.duplicateKey(key)) }
    switch key {
    case .url:
      try string(key, &scanner, input).append(to: &urlText, from: input)
    case .method:
      try readMethod(&scanner, input)
    case .headers:
      try readHeaders(&scanner, input)
      // Each line has a colon, a space and a line end besides.
      let length = headers.reduce(0) { $0 + $1.name.count + $1.value.count + 4 }
      guard length <= Self.maximumHeaderBytes else { throw .invalidRequest(.headersTooLong) }
    case .body, .bodyBase64:
      guard !seen.isSuperset(of: [Set(.body), Set(.bodyBase64)]) else { throw .invalidRequest(.twoBodies) }
      try readBody(key, &scanner, input)
    case .id:
      let text = try string(key, &scanner, input)
      scratch.reset()
      text.append(to: &scratch, from: input)
      guard scratch.count <= Self.maximumIDBytes else { throw .invalidRequest(.idTooLong) }
      storedID.set { text.append(to: &$0, from: input) }
    case .timeout:
      guard case .number(let range) = try next(&scanner, input) else { throw .invalidRequest(.wrongType(key)) }
      guard let value = nanoseconds(inSeconds: input.extracting(range)) else {
        throw .invalidRequest(.invalidTimeout)
      }
      timeoutNanoseconds = value
    case .sni:
      try readSNI(&scanner, input)
    }
  }

  private mutating func readMethod(_ scanner: inout JSONScanner, _ input: Span<UInt8>) throws(RowProblem) {
    let text = try string(.method, &scanner, input)
    scratch.reset()
    text.append(to: &scratch, from: input)
    guard let method = RequestMethod(token: scratch) else { throw .invalidRequest(.invalidMethod) }
    // RFC 9110 section 9.3.6: its target is no URL and its response no content.
    guard method != .other(Array("CONNECT".utf8)) else { throw .invalidRequest(.unsupportedMethod) }
    self.method = method
  }

  private mutating func readBody(
    _ key: RowKey,
    _ scanner: inout JSONScanner,
    _ input: Span<UInt8>
  ) throws(RowProblem) {
    let text = try string(key, &scanner, input)
    guard key == .bodyBase64 else {
      storedBody.set { text.append(to: &$0, from: input) }
      return
    }
    // "/" may be escaped.
    scratch.reset()
    text.append(to: &scratch, from: input)
    let encoded = scratch
    var isValid = false
    storedBody.set { isValid = appendDecodedBase64(encoded.span, to: &$0) }
    guard isValid else { throw .invalidRequest(.invalidBase64) }
  }

  /// RFC 6066 section 3: a DNS name, no address, no trailing dot.
  private mutating func readSNI(_ scanner: inout JSONScanner, _ input: Span<UInt8>) throws(RowProblem) {
    let text = try string(.sni, &scanner, input)
    scratch.reset()
    text.append(to: &scratch, from: input)
    do throws(URLProblem) {
      guard try normaliseHost(&scratch) == .name else { throw .invalidHost }
    } catch { throw .invalidRequest(.invalidSNI) }
    if scratch.last == UInt8(ascii: ".") { scratch.removeLast() }
    storedSNI.set { $0.append(contentsOf: scratch) }
  }

  /// `headers` is an object of strings or an array of pairs.
  private mutating func readHeaders(_ scanner: inout JSONScanner, _ input: Span<UInt8>) throws(RowProblem) {
    switch try next(&scanner, input) {
    case .beginObject:
      // RFC 8259 section 4: what a repeated name means is anyone's guess. Pairs may repeat one.
      while case .key(let text) = try next(&scanner, input) {
        scratch.reset()
        text.append(to: &scratch, from: input)
        let name = scratch
        guard !headers.contains(where: { $0.name == name }) else {
          throw .invalidRequest(.duplicateHeaderName(headers.count + 1))
        }
        try appendHeader(name, try string(.headers, &scanner, input), input)
      }
    case .beginArray:
      while true {
        let token = try next(&scanner, input)
        if token == .endArray { return }
        guard token == .beginArray else { throw .invalidRequest(.wrongType(.headers)) }
        scratch.reset()
        try string(.headers, &scanner, input).append(to: &scratch, from: input)
        let name = scratch
        try appendHeader(name, try string(.headers, &scanner, input), input)
        guard try next(&scanner, input) == .endArray else { throw .invalidRequest(.wrongType(.headers)) }
      }
    default: throw .invalidRequest(.wrongType(.headers))
    }
  }

  private mutating func appendHeader(
    _ name: [UInt8],
    _ value: JSONScanner.Text,
    _ input: Span<UInt8>
  ) throws(RowProblem) {
    let position = headers.count + 1
    guard position <= Self.maximumHeaderFields else { throw .invalidRequest(.tooManyHeaders) }
    scratch.reset()
    value.append(to: &scratch, from: input)
    guard !name.isEmpty, name.allSatisfy(isTokenCharacter) else {
      throw .invalidRequest(.invalidHeaderName(position))
    }
    guard let field = HeaderField(name: name, value: scratch) else {
      throw .invalidRequest(.invalidHeaderValue(position))
    }
    headers.append(field)
  }
}

/// The first characters of a key that nobody knows: no control characters, and no flood either.
private func shownBeginning(of key: [UInt8]) -> String {
  let limit = 40
  var shown = ""
  for scalar in String(decoding: key, as: UTF8.self).unicodeScalars.prefix(limit) {
    let isControl = scalar.properties.generalCategory == .control
    shown.unicodeScalars.append(isControl || scalar == "\"" ? "?" : scalar)
  }
  return key.count > shown.utf8.count ? shown + "..." : shown
}
