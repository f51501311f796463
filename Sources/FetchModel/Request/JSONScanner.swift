/// Why a text is no JSON, and where.
package struct JSONProblem: Error, Equatable, Sendable, CustomStringConvertible {
  /// The closed list of reasons.
  package enum Reason: UInt8, Equatable, Sendable {
    case unexpectedEnd, unexpectedByte, invalidNumber, controlCharacter, invalidEscape, loneSurrogate, invalidUTF8
    case tooDeep, textAfterEnd
  }

  package var reason: Reason
  /// How many bytes into the text the problem stands.
  package var offset: Int

  package init(_ reason: Reason, at offset: Int) {
    self.reason = reason
    self.offset = offset
  }

  package var description: String {
    let what: StaticString =
      switch reason {
      case .unexpectedEnd: "ends too early"
      case .unexpectedByte: "has a character where JSON allows none such"
      case .invalidNumber: "has an invalid number"
      case .controlCharacter: "has a control character in a string"
      case .invalidEscape: "has an invalid escape in a string"
      case .loneSurrogate: "has half of a surrogate pair in a string"
      case .invalidUTF8: "is not valid UTF-8"
      case .tooDeep: "is nested too deeply"
      case .textAfterEnd: "goes on after its end"
      }
    return "the JSON text \(what) at byte \(offset)"
  }
}

/// A strict reader of one JSON text (RFC 8259): every call of `next` gives one token.
///
/// The scanner holds a position, never the bytes: every call must be given the same span. It is a value, so a caller
/// can keep a copy and go back to it. It allocates nothing, and its depth is bounded, so that no input can make it
/// use memory or stack. Whether keys repeat is for the caller to see.
package struct JSONScanner: Sendable {
  /// A string between its quotes, whose escapes and UTF-8 are known to be valid.
  package struct Text: Equatable, Sendable {
    /// Where it stands in the input, without quotes.
    package var range: Range<Int>
    /// If not, the bytes in the input are the string.
    package var hasEscapes: Bool

    /// Appends the string in UTF-8. `input` is what the scanner read.
    package func append(to bytes: inout [UInt8], from input: Span<UInt8>) {
      if hasEscapes { appendUnescaped(input, range, to: &bytes) } else { bytes.append(range, of: input) }
    }
  }

  package enum Token: Equatable, Sendable {
    case beginObject, endObject, beginArray, endArray
    /// A member's name; its value is the next token.
    case key(Text)
    case string(Text)
    /// A number, by its place in the input; its form is valid.
    case number(Range<Int>)
    case boolean(Bool)
    case null
    /// The text is complete. Given again at every further call.
    case end
  }

  private enum Expectation { case value, keyOrEnd, key, elementOrEnd, separatorOrEnd }

  /// Arrays and objects within each other.
  package static let maximumDepth = 64

  /// How far the input has been read.
  package private(set) var position = 0
  private var expectation = Expectation.value
  private var depth = 0
  /// What encloses the position, the innermost in the lowest bit: 1 for an object.
  private var enclosing: UInt64 = 0

  package init() {}

  /// Reads the next token.
  package mutating func next(_ input: Span<UInt8>) throws(JSONProblem) -> Token {
    skipWhiteSpace(input)
    if expectation == .separatorOrEnd {
      if depth == 0 {
        guard position == input.count else { throw JSONProblem(.textAfterEnd, at: position) }
        return .end
      }
      let isObject = enclosing & 1 == 1
      let byte = try current(input)
      if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) { return leave() }
      guard byte == UInt8(ascii: ",") else { throw JSONProblem(.unexpectedByte, at: position) }
      position += 1
      expectation = isObject ? .key : .value
      skipWhiteSpace(input)
    }
    let byte = try current(input)
    switch expectation {
    case .keyOrEnd where byte == UInt8(ascii: "}"): return leave()
    case .elementOrEnd where byte == UInt8(ascii: "]"): return leave()
    case .keyOrEnd, .key: return try readKey(input)
    case .value, .elementOrEnd, .separatorOrEnd: return try readValue(input, byte)
    }
  }

  /// Reads over the value that comes next, whatever it is.
  package mutating func skipValue(_ input: Span<UInt8>) throws(JSONProblem) {
    let outside = depth
    repeat { _ = try next(input) } while depth > outside
  }

  private mutating func skipWhiteSpace(_ input: Span<UInt8>) {
    position = ByteSet.jsonWhiteSpace.firstNonMember(in: input, position..<input.count)
  }

  private func current(_ input: Span<UInt8>) throws(JSONProblem) -> UInt8 {
    guard position < input.count else { throw JSONProblem(.unexpectedEnd, at: position) }
    return input[position]
  }

  private mutating func enter(object: Bool) throws(JSONProblem) -> Token {
    guard depth < Self.maximumDepth else { throw JSONProblem(.tooDeep, at: position) }
    depth += 1
    enclosing = enclosing << 1 | (object ? 1 : 0)
    position += 1
    expectation = object ? .keyOrEnd : .elementOrEnd
    return object ? .beginObject : .beginArray
  }

  private mutating func leave() -> Token {
    let isObject = enclosing & 1 == 1
    depth -= 1
    enclosing >>= 1
    position += 1
    expectation = .separatorOrEnd
    return isObject ? .endObject : .endArray
  }

  private mutating func readKey(_ input: Span<UInt8>) throws(JSONProblem) -> Token {
    guard input[position] == UInt8(ascii: "\"") else { throw JSONProblem(.unexpectedByte, at: position) }
    let text = try readString(input)
    skipWhiteSpace(input)
    guard try current(input) == UInt8(ascii: ":") else { throw JSONProblem(.unexpectedByte, at: position) }
    position += 1
    expectation = .value
    return .key(text)
  }

  private mutating func readValue(_ input: Span<UInt8>, _ first: UInt8) throws(JSONProblem) -> Token {
    let token: Token
    switch first {
    case UInt8(ascii: "{"): return try enter(object: true)
    case UInt8(ascii: "["): return try enter(object: false)
    case UInt8(ascii: "\""): token = .string(try readString(input))
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): token = .number(try readNumber(input))
    case UInt8(ascii: "t"): token = try readLiteral("true", .boolean(true), input)
    case UInt8(ascii: "f"): token = try readLiteral("false", .boolean(false), input)
    case UInt8(ascii: "n"): token = try readLiteral("null", .null, input)
    default: throw JSONProblem(.unexpectedByte, at: position)
    }
    expectation = .separatorOrEnd
    return token
  }

  private mutating func readLiteral(
    _ literal: StaticString,
    _ token: Token,
    _ input: Span<UInt8>
  ) throws(JSONProblem) -> Token {
    for offset in 0..<literal.utf8CodeUnitCount {
      let wanted = literal.withUTF8Buffer { $0[offset] }
      guard try current(input) == wanted else { throw JSONProblem(.unexpectedByte, at: position) }
      position += 1
    }
    return token
  }

  /// RFC 8259 section 6.
  private mutating func readNumber(_ input: Span<UInt8>) throws(JSONProblem) -> Range<Int> {
    let start = position
    if input[position] == UInt8(ascii: "-") { position += 1 }
    if try current(input) == UInt8(ascii: "0") { position += 1 } else { try readDigits(input) }
    if position < input.count, input[position] == UInt8(ascii: ".") {
      position += 1
      try readDigits(input)
    }
    if position < input.count, input[position] | 0x20 == UInt8(ascii: "e") {
      position += 1
      let sign = try current(input)
      if sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { position += 1 }
      try readDigits(input)
    }
    // "01" and "1x" are not a number followed by something; nothing may follow here but a separator.
    if position < input.count, ByteSet.numberText.contains(input[position]) {
      throw JSONProblem(.invalidNumber, at: position)
    }
    return start..<position
  }

  private mutating func readDigits(_ input: Span<UInt8>) throws(JSONProblem) {
    guard ByteSet.digits.contains(try current(input)) else { throw JSONProblem(.invalidNumber, at: position) }
    position = ByteSet.digits.firstNonMember(in: input, position..<input.count)
  }

  /// RFC 8259 section 7; the position is at the opening quote.
  private mutating func readString(_ input: Span<UInt8>) throws(JSONProblem) -> Text {
    let start = position + 1
    position = start
    var hasEscapes = false
    while true {
      position = ByteSet.stringStops.firstMember(in: input, position..<input.count)
      let byte = try current(input)
      if byte == UInt8(ascii: "\"") {
        position += 1
        return Text(range: start..<position - 1, hasEscapes: hasEscapes)
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        try readEscape(input)
      } else if byte >= 0x80 {
        let length = lengthOfUTF8Sequence(input, at: position)
        guard length > 0 else { throw JSONProblem(.invalidUTF8, at: position) }
        position += length
      } else if byte == 0x7F {
        // RFC 8259 allows DEL as it is.
        position += 1
      } else {
        throw JSONProblem(.controlCharacter, at: position)
      }
    }
  }

  private mutating func readEscape(_ input: Span<UInt8>) throws(JSONProblem) {
    let start = position
    position += 1
    switch try current(input) {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 1
    case UInt8(ascii: "u"):
      let unit = try readCodeUnit(input)
      if unit & 0xF800 == 0xD800 {
        // A high surrogate, and an escaped low one directly after it, or nothing.
        guard unit < 0xDC00 else { throw JSONProblem(.loneSurrogate, at: start) }
        guard try current(input) == UInt8(ascii: "\\") else { throw JSONProblem(.loneSurrogate, at: start) }
        position += 1
        guard try current(input) == UInt8(ascii: "u") else { throw JSONProblem(.loneSurrogate, at: start) }
        guard try readCodeUnit(input) & 0xFC00 == 0xDC00 else { throw JSONProblem(.loneSurrogate, at: start) }
      }
    default: throw JSONProblem(.invalidEscape, at: start)
    }
  }

  /// The position is at the "u".
  private mutating func readCodeUnit(_ input: Span<UInt8>) throws(JSONProblem) -> UInt16 {
    position += 1
    var unit: UInt16 = 0
    for _ in 0..<4 {
      guard let digit = hexadecimalValue(try current(input)) else { throw JSONProblem(.invalidEscape, at: position) }
      unit = unit << 4 | UInt16(digit)
      position += 1
    }
    return unit
  }
}

extension ByteSet {
  fileprivate static let jsonWhiteSpace = ByteSet(" \t\n\r")
  fileprivate static let numberText = ByteSet("0123456789+-.eE")
  fileprivate static let stringStops = ByteSet("\"\\", controls: true, nonASCII: true)
}
