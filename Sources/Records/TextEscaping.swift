// How bytes become the inside of a JSON string. Valid UTF-8 stays as it is, except for what could end the line or
// the string, or drive a terminal: C0 and C1 control characters, DEL, quotation mark, backslash, U+2028 and
// U+2029. Anything that is no valid UTF-8 as a whole is read as Latin-1, so no byte is ever lost.

/// How the bytes of one value are read.
enum TextEncoding {
  case utf8
  case latin1

  /// UTF-8 if all bytes together are valid.
  init(of bytes: Span<UInt8>) { self = isValidUTF8(bytes) ? .utf8 : .latin1 }
}

/// Whether bytes are valid UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing beyond U+10FFFF).
func isValidUTF8(_ bytes: Span<UInt8>) -> Bool {
  do throws(UTF8.ValidationError) {
    _ = try UTF8Span(validating: bytes)
    return true
  } catch {
    return false
  }
}

/// A byte becomes at most this many characters.
let maximumEscapeExpansion = 6

/// An upper bound of what `count` bytes need as text that is cut at `limit`.
func textBound(_ count: Int, limit: Int) -> Int {
  // Compared by division: no product that could overflow.
  count > limit / maximumEscapeExpansion ? limit : count * maximumEscapeExpansion
}

extension LineCursor {
  /// Writes the inside of a JSON string; `encoding` nil finds it from these bytes.
  mutating func text(_ bytes: Span<UInt8>, encoding: TextEncoding? = nil) {
    bytes.withUnsafeBufferPointer { source in
      guard let base = source.baseAddress else { return }
      var encoding = encoding
      var at = 0
      while true {
        let run = cleanRun(base, from: at, to: source.count)
        claim(run).initialize(from: base + at, count: run)
        at += run
        guard at < source.count else { return }
        if base[at] < 0x80 {
          ascii(base[at])
          at += 1
        } else {
          // Everything before is ASCII, so the rest decides for the whole.
          let known = encoding ?? TextEncoding(of: bytes.extracting(at..<source.count))
          encoding = known
          at += wide(base + at, known)
        }
      }
    }
  }

  /// Writes the inside of a JSON string of at most `limit` characters; a longer text is cut between characters
  /// and ends in U+2026.
  mutating func text(_ bytes: Span<UInt8>, encoding: TextEncoding? = nil, limit: Int) {
    guard bytes.count > limit / maximumEscapeExpansion else { return text(bytes, encoding: encoding) }
    let encoding = encoding ?? TextEncoding(of: bytes)
    if renderedPrefix(of: bytes, encoding, limit: limit).source == bytes.count {
      text(bytes, encoding: encoding)
    } else {
      let kept = renderedPrefix(of: bytes, encoding, limit: limit - 3).source
      text(bytes.extracting(0..<kept), encoding: encoding)
      literal("…")
    }
  }

  /// Writes the inside of a JSON string for a URL, its password replaced; at most `limit` characters.
  mutating func url(_ bytes: Span<UInt8>, limit: Int) {
    guard let password = passwordRange(inURL: bytes) else { return text(bytes, limit: limit) }
    let before = bytes.extracting(0..<password.lowerBound)
    let after = bytes.extracting(password.upperBound..<bytes.count)
    // Both neighbours of the password are ASCII, so the text without it is valid if its two parts are.
    let encoding: TextEncoding = isValidUTF8(before) && isValidUTF8(after) ? .utf8 : .latin1
    let end = written + limit
    text(before, encoding: encoding, limit: limit - 64)
    literal(hiddenPassword)
    text(after, encoding: encoding, limit: end - written)
  }

  /// Writes an ASCII character that may not stand for itself.
  private mutating func ascii(_ value: UInt8) {
    let escape = asciiEscapes.utf8Start[Int(value)]
    if escape == UInt8(ascii: "u") {
      unicodeEscape(value)
    } else {
      byte(UInt8(ascii: "\\"))
      byte(escape)
    }
  }

  /// Writes the character whose first byte, 0x80 or above, `source` points to; returns how many bytes it has.
  private mutating func wide(_ source: UnsafePointer<UInt8>, _ encoding: TextEncoding) -> Int {
    guard encoding == .utf8 else {
      unicodeEscape(source[0])
      return 1
    }
    switch wideForm(source) {
    case .control:
      unicodeEscape(source[1])
    case .separator:
      literal("\\u202")
      byte(source[2] & 0x0F == 8 ? UInt8(ascii: "8") : UInt8(ascii: "9"))
    case .plain(let length):
      claim(length).initialize(from: source, count: length)
    }
    return wideForm(source).length
  }
}

/// How much of `bytes` fits into `limit` characters of a JSON string, cut between characters.
func renderedPrefix(
  of bytes: Span<UInt8>,
  _ encoding: TextEncoding,
  limit: Int
) -> (source: Int, rendered: Int) {
  bytes.withUnsafeBufferPointer { source in
    guard let base = source.baseAddress else { return (0, 0) }
    var at = 0
    var rendered = 0
    while true {
      // Nearly all bytes of most texts stand for themselves.
      let run = cleanRun(base, from: at, to: at + min(source.count - at, limit - rendered))
      at += run
      rendered += run
      guard at < source.count else { break }
      let length: Int
      let size: Int
      if base[at] < 0x80 {
        length = 1
        size = asciiSize(base[at])
      } else if encoding == .latin1 {
        length = 1
        size = 6
      } else {
        let form = wideForm(base + at)
        length = form.length
        size = form.size
      }
      guard rendered + size <= limit else { break }
      at += length
      rendered += size
    }
    return (at, rendered)
  }
}

// MARK: - Classes of characters

/// What is done with a character of two or more bytes in valid UTF-8.
private enum WideForm {
  /// U+0080 ... U+009F: escaped.
  case control
  /// U+2028, U+2029: escaped, because they end a line in JavaScript and in some readers.
  case separator
  /// Copied; how many bytes it has.
  case plain(Int)

  var length: Int {
    switch self {
    case .control: 2
    case .separator: 3
    case .plain(let length): length
    }
  }

  var size: Int {
    switch self {
    case .control, .separator: 6
    case .plain(let length): length
    }
  }
}

/// Reads no further than the character goes: valid UTF-8 has the bytes that its first one promises.
private func wideForm(_ source: UnsafePointer<UInt8>) -> WideForm {
  switch source[0] {
  case 0xC2: source[1] < 0xA0 ? .control : .plain(2)
  case 0xE2: source[1] == 0x80 && (source[2] == 0xA8 || source[2] == 0xA9) ? .separator : .plain(3)
  case ..<0xE0: .plain(2)
  case ..<0xF0: .plain(3)
  default: .plain(4)
  }
}

/// For each ASCII character: `.` stands for itself, `u` becomes `\u00XX`, else the letter after the backslash.
private let asciiEscapes: StaticString = """
  uuuuuuuubtnufruuuuuuuuuuuuuuuuuu\
  ..\".............................\
  ............................\\...\
  ...............................u
  """

private func asciiSize(_ value: UInt8) -> Int {
  switch asciiEscapes.utf8Start[Int(value)] {
  case UInt8(ascii: "."): 1
  case UInt8(ascii: "u"): 6
  default: 2
  }
}

// MARK: - Clean runs

/// How many bytes from `start` on stand for themselves: printable ASCII but quotation mark and backslash.
private func cleanRun(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Int {
  var at = start
  while end - at >= 8 {
    let marks = uncleanMarks(in: littleEndianWord(base + at))
    if marks != 0 { return at - start + marks.trailingZeroBitCount / 8 }
    at += 8
  }
  if at < end, end >= 8 {
    // The last bytes as the upper end of a word, moved down, and spaces behind them.
    let shift = UInt64(8 - (end - at)) * 8
    let word = littleEndianWord(base + (end - 8)) >> shift | 0x2020_2020_2020_2020 << (64 - shift)
    let marks = uncleanMarks(in: word)
    return marks != 0 ? at - start + marks.trailingZeroBitCount / 8 : end - start
  }
  while at < end, base[at] < 0x80, asciiEscapes.utf8Start[Int(base[at])] == UInt8(ascii: ".") { at += 1 }
  return at - start
}

@inline(__always)
private func littleEndianWord(_ source: UnsafePointer<UInt8>) -> UInt64 {
  UInt64(littleEndian: UnsafeRawPointer(source).loadUnaligned(as: UInt64.self))
}

/// Marks the top bit of the first byte that does not stand for itself; those above it may be marked wrongly.
///
/// The top bit of each byte collects: not ASCII (the byte itself), below 0x20, equal to quotation mark or
/// backslash (the difference to it minus one), or DEL (plus one). A borrow or carry only comes from a byte that is
/// marked itself.
@inline(__always)
private func uncleanMarks(in word: UInt64) -> UInt64 {
  let ones: UInt64 = 0x0101_0101_0101_0101
  let below = word &- 0x2020_2020_2020_2020
  let quote = (word ^ 0x2222_2222_2222_2222) &- ones
  let backslash = (word ^ 0x5C5C_5C5C_5C5C_5C5C) &- ones
  let delete = word &+ ones
  return (word | below | quote | backslash | delete) & 0x8080_8080_8080_8080
}
