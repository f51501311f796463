/// Reads a head (status line and fields) or a trailer section (fields only) from storage that grows.
///
/// The caller appends bytes and calls `advance`. A line that the last section had in its place is only compared with
/// it. Of all others each byte is searched once for the end of its line, wherever the input was split, and is looked at
/// once more when its line is complete. The search never goes past a bound of the section, so the outcome, errors
/// included, depends on the bytes alone and not on their grouping.
struct SectionParser: Equatable, Sendable {
  private enum Stage: Equatable, Sendable { case statusLine, fields }

  /// Where the line being read begins; after the end of the section, where the section ends.
  private(set) var lineStart = 0
  private(set) var statusLine = StatusLine()
  private(set) var facts = FramingFacts()
  private var searched = 0
  private var emptyLinesLeft = 0
  private var stage = Stage.fields

  /// Ready for a head. The allowance of empty lines is for the whole exchange: interim responses share it.
  mutating func beginHead(isFirst: Bool) {
    if isFirst { emptyLinesLeft = Policy.skippedEmptyLines }
    facts = FramingFacts()
    stage = .statusLine
    lineStart = 0
    searched = 0
  }

  mutating func beginTrailers() {
    stage = .fields
    lineStart = 0
    searched = 0
  }

  /// Reads on through `bytes`; true once the empty line that ends the section has been read.
  ///
  /// `last` is a section that was read before: a server says most of what it says again and again, and a line that is
  /// the same as the one in its place there is known already. It is not changed; `inout` keeps it from being copied.
  mutating func advance(
    _ bytes: inout [UInt8],
    _ entries: inout [FieldEntry],
    _ last: inout FieldSection,
    _ limits: SectionLimits
  ) throws(ResponseError) -> Bool {
    try bytes.withUnsafeMutableBufferPointer { buffer throws(ResponseError) in
      guard let base = buffer.baseAddress else { return false }
      while true {
        if stage == .statusLine {
          try checkStatusLinePrefix(base, count: buffer.count)
        } else if let entry = knownEntry(entries.count, &last, base, count: buffer.count, limits) {
          facts.note(entry, in: base)
          entries.append(entry)
          continue
        }
        guard let end = try lineEnd(base, count: buffer.count, limits) else { return false }
        let start = lineStart
        lineStart = end + 2
        searched = end + 2
        switch stage {
        case .statusLine:
          if start == end {
            emptyLinesLeft -= 1
          } else {
            statusLine = try StatusLine(base, from: start, to: end)
            stage = .fields
          }
        case .fields:
          if start == end { return true }
          if Octet.isWhitespace(base[start]) {
            try unfold(base, from: start, to: end, into: &entries)
          } else {
            guard entries.count < limits.fieldCount else { throw .headTooLarge(.fieldCount) }
            let entry = try Self.field(base, from: start, to: end)
            facts.note(entry, in: base)
            entries.append(entry)
          }
        }
      }
    }
  }

  /// The entry of the line that begins here, if it is whole and the same as the one in its place before.
  @inline(__always)
  private mutating func knownEntry(
    _ index: Int,
    _ last: inout FieldSection,
    _ base: UnsafePointer<UInt8>,
    count: Int,
    _ limits: SectionLimits
  ) -> FieldEntry? {
    guard searched == lineStart, index < limits.fieldCount,
      let entry = last.entry(index, ifAt: lineStart, of: base, end: min(count, limits.totalBytes))
    else { return nil }
    let end = Int(entry.valueEnd) + 2
    // A folded field is one line here, which may be longer than a line may be.
    guard end - lineStart <= limits.fieldLineBytes else { return nil }
    lineStart = end
    searched = end
    return entry
  }

  private func checkStatusLinePrefix(_ base: UnsafePointer<UInt8>, count: Int) throws(ResponseError) {
    guard lineStart < count else { return }
    if emptyLinesLeft > 0, base[lineStart] == Octet.carriageReturn { return }
    // An LF here would pass for a foreign protocol; the search names it more exactly.
    if emptyLinesLeft > 0, base[lineStart] == Octet.lineFeed { return }
    try StatusLine.check(prefixOf: base + lineStart, count: count - lineStart)
  }

  /// Index of the CR that ends the current line, or nil if the line is not complete.
  @inline(__always)
  private mutating func lineEnd(
    _ base: UnsafePointer<UInt8>,
    count: Int,
    _ limits: SectionLimits
  ) throws(ResponseError) -> Int? {
    let lineBytes = stage == .statusLine ? limits.statusLineBytes : limits.fieldLineBytes
    let bound = min(lineStart + lineBytes, limits.totalBytes)
    let limit = min(count, bound)
    var index = searched
    while true {
      index = Octet.firstControl(in: base, from: index, to: limit)
      if index >= limit { break }
      let byte = base[index]
      if byte == Octet.carriageReturn {
        if index + 1 >= limit { break }
        guard base[index + 1] == Octet.lineFeed else { throw .malformed(.bareCarriageReturn) }
        return index
      }
      // Section 2.2 lets a reader take a lone LF for a line end; two readers that differ in it disagree about
      // where the head ends.
      if byte == Octet.lineFeed { throw .malformed(.bareLineFeed) }
      if byte == 0, stage == .fields { throw .malformed(.nulByte) }
      index += 1
    }
    searched = index
    if limit == bound {
      if bound == limits.totalBytes { throw .headTooLarge(limits.totalKind) }
      throw .headTooLarge(stage == .statusLine ? .statusLine : .fieldLine)
    }
    return nil
  }

  /// One field line (RFC 9112 section 5).
  @inline(__always)
  private static func field(
    _ base: UnsafePointer<UInt8>,
    from start: Int,
    to end: Int
  ) throws(ResponseError) -> FieldEntry {
    let colon = Octet.tokenEnd(in: base, from: start, to: end)
    guard colon < end, base[colon] == Octet.colon, colon > start else {
      throw .malformed(nameFault(base, from: colon, to: end))
    }
    let value = trimmed(base, from: colon + 1, to: end)
    return FieldEntry(
      nameStart: UInt32(truncatingIfNeeded: start),
      nameEnd: UInt32(truncatingIfNeeded: colon),
      valueStart: UInt32(truncatingIfNeeded: value.lowerBound),
      valueEnd: UInt32(truncatingIfNeeded: value.upperBound),
      kind: FieldEntry.kind(of: base + start, count: colon - start)
    )
  }

  /// Says what is wrong with a name that ends at a byte which is neither token nor colon.
  private static func nameFault(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Malformation {
    var index = start
    while index < end, Octet.isWhitespace(base[index]) { index += 1 }
    if index < end, base[index] == Octet.colon { return index > start ? .whitespaceBeforeColon : .fieldName }
    while index < end, base[index] != Octet.colon { index += 1 }
    return index < end ? .fieldName : .fieldWithoutColon
  }

  /// Joins a continuation line to the field before it with one SP (RFC 9112 section 5.2), moving the text down
  /// over the line end. Lines of white space alone add nothing.
  private mutating func unfold(
    _ base: UnsafeMutablePointer<UInt8>,
    from start: Int,
    to end: Int,
    into entries: inout [FieldEntry]
  ) throws(ResponseError) {
    guard var entry = entries.popLast() else { throw .malformed(.foldWithoutField) }
    switch entry.kind {
    case .contentLength, .transferEncoding: throw .malformed(.foldInFramingField)
    case .connection, .other: break
    }
    let text = Self.trimmed(base, from: start, to: end)
    if !text.isEmpty {
      if entry.valueStart == entry.valueEnd {
        entry.valueStart = UInt32(truncatingIfNeeded: text.lowerBound)
        entry.valueEnd = UInt32(truncatingIfNeeded: text.upperBound)
      } else {
        let join = Int(entry.valueEnd)
        base[join] = Octet.space
        (base + join + 1).update(from: base + text.lowerBound, count: text.count)
        entry.valueEnd = UInt32(truncatingIfNeeded: join + 1 + text.count)
      }
    }
    entries.append(entry)
    facts.renote(entries, in: base)
  }

  @inline(__always)
  private static func trimmed(_ base: UnsafePointer<UInt8>, from start: Int, to end: Int) -> Range<Int> {
    var first = start
    var last = end
    while first < last, Octet.isWhitespace(base[first]) { first &+= 1 }
    while first < last, Octet.isWhitespace(base[last &- 1]) { last &-= 1 }
    return first..<last
  }
}

/// The bounds of one section, and what to call the section when it is too long.
struct SectionLimits: Equatable, Sendable {
  var statusLineBytes: Int
  var fieldLineBytes: Int
  var totalBytes: Int
  var fieldCount: Int
  var totalKind: LimitKind

  init(headOf limits: ReaderLimits) {
    statusLineBytes = limits.statusLineBytes
    fieldLineBytes = limits.fieldLineBytes
    totalBytes = limits.headBytes
    fieldCount = limits.fieldCount
    totalKind = .head
  }

  init(trailersOf limits: ReaderLimits) {
    self.init(headOf: limits)
    totalBytes = limits.trailerBytes
    totalKind = .trailers
  }
}
