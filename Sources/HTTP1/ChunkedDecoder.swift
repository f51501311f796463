/// Takes the chunked coding apart up to the line of the last chunk (RFC 9112 section 7.1); the trailer section
/// after it is read by `SectionParser`.
///
/// Chunk data is never copied or stored, a size line is walked through byte by byte and only its size is kept.
/// Line ends are CR LF: what section 2.2 allows for a head does not hold here, and a reader that takes a lone LF
/// can be made to see other chunks than the peer's proxy did.
struct ChunkedDecoder: Equatable, Sendable {
  /// Names say what has been read; each case lists what may follow.
  private enum State: Equatable, Sendable {
    /// Nothing of the line: a hexadecimal digit.
    case line
    /// Digits: a digit, or the end of the size.
    case size
    /// White space after the size: more, `;` or CR.
    case sizeSpace
    /// `;`: white space or the first character of a name.
    case semicolon
    /// Characters of an extension's name: more, white space, `=`, `;` or CR.
    case name
    /// White space after the name: more, `=`, `;` or CR.
    case nameSpace
    /// `=`: white space, `"` or the first character of a token.
    case equals
    /// Characters of a token: more, white space, `;` or CR.
    case token
    /// `"` and text: text, `\` or the closing `"`.
    case quoted
    /// `\` in a quoted string: any text.
    case backslash
    /// A whole value: white space, `;` or CR.
    case value
    /// CR of the size line: LF.
    case lineReturn
    /// The size line, and not all of the data.
    case data
    /// All of the data: CR.
    case dataEnd
    /// CR after the data: LF.
    case dataReturn
    /// The line of the last chunk: nothing here.
    case finished
  }

  enum Step: Equatable, Sendable {
    case needsMore
    /// Chunk data inside the input.
    case data(Range<Int>)
    /// The last chunk's line ends before that index of the input.
    case lastChunk(Int)
  }

  private var state = State.line
  /// The size read so far, then the octets of data still to come.
  private var size: UInt64 = 0
  private var lineBytes = 0

  /// Reads on; `.data` and `.lastChunk` leave the rest of the input for the next call.
  mutating func advance(_ input: Span<UInt8>, lineLimit: Int) throws(ResponseError) -> Step {
    var index = 0
    while index < input.count {
      if state == .data {
        let count = Int(min(size, UInt64(input.count - index)))
        size -= UInt64(count)
        if size == 0 { state = .dataEnd }
        return .data(index..<index + count)
      }
      try take(input[index], lineLimit)
      index += 1
      if state == .finished { return .lastChunk(index) }
    }
    return .needsMore
  }

  private mutating func take(_ byte: UInt8, _ lineLimit: Int) throws(ResponseError) {
    switch state {
    case .dataEnd:
      guard byte == Octet.carriageReturn else { throw .malformed(.chunkDataEnd) }
      state = .dataReturn
    case .dataReturn:
      guard byte == Octet.lineFeed else { throw .malformed(.chunkDataEnd) }
      self = ChunkedDecoder()
    case .line, .size, .sizeSpace, .semicolon, .name, .nameSpace, .equals, .token, .quoted, .backslash, .value,
      .lineReturn:
      guard lineBytes < lineLimit else { throw .headTooLarge(.chunkLine) }
      lineBytes += 1
      state = try next(byte)
    case .data, .finished:
      preconditionFailure("byte of a size line in state \(state)")
    }
  }

  private mutating func next(_ byte: UInt8) throws(ResponseError) -> State {
    switch state {
    case .line:
      guard try addDigit(byte) else { throw .malformed(.chunkSize) }
      return .size
    case .size:
      return try addDigit(byte) ? .size : try afterElement(byte, space: .sizeSpace, fault: .chunkSize)
    case .sizeSpace:
      return try afterElement(byte, space: .sizeSpace, fault: .chunkSize)
    case .semicolon:
      if Octet.isWhitespace(byte) { return .semicolon }
      guard Octet.isToken(byte) else { throw .malformed(.chunkExtension) }
      return .name
    case .name:
      if Octet.isToken(byte) { return .name }
      return byte == Octet.equals ? .equals : try afterElement(byte, space: .nameSpace, fault: .chunkExtension)
    case .nameSpace:
      return byte == Octet.equals ? .equals : try afterElement(byte, space: .nameSpace, fault: .chunkExtension)
    case .equals:
      if Octet.isWhitespace(byte) { return .equals }
      if byte == Octet.quote { return .quoted }
      guard Octet.isToken(byte) else { throw .malformed(.chunkExtension) }
      return .token
    case .token:
      return Octet.isToken(byte) ? .token : try afterElement(byte, space: .value, fault: .chunkExtension)
    case .quoted:
      if byte == Octet.quote { return .value }
      guard Octet.isText(byte) else { throw .malformed(.chunkExtension) }
      return byte == Octet.backslash ? .backslash : .quoted
    case .backslash:
      guard Octet.isText(byte) else { throw .malformed(.chunkExtension) }
      return .quoted
    case .value:
      return try afterElement(byte, space: .value, fault: .chunkExtension)
    case .lineReturn:
      guard byte == Octet.lineFeed else { throw .malformed(.chunkLineEnd) }
      return size == 0 ? .finished : .data
    case .data, .dataEnd, .dataReturn, .finished:
      preconditionFailure("byte of a size line in state \(state)")
    }
  }

  /// What follows a size, a name or a value.
  private func afterElement(_ byte: UInt8, space: State, fault: Malformation) throws(ResponseError) -> State {
    if byte == Octet.carriageReturn { return .lineReturn }
    if byte == Octet.semicolon { return .semicolon }
    if Octet.isWhitespace(byte) { return space }
    throw .malformed(byte == Octet.lineFeed ? .chunkLineEnd : fault)
  }

  /// False if the byte is no hexadecimal digit. Sizes above `Int64.max` are refused before any data is read.
  private mutating func addDigit(_ byte: UInt8) throws(ResponseError) -> Bool {
    let digit: UInt8
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
    default: return false
    }
    guard size <= UInt64(Int64.max) >> 4 else { throw .malformed(.chunkSizeTooLarge) }
    size = size << 4 | UInt64(digit)
    return true
  }
}
