/// Header or trailer fields in the order received: one array of bytes and a table of offsets into it.
///
/// Repeated fields stay apart. Names keep their spelling, values are without surrounding white space,
/// folded values are joined by one SP. No string is made before somebody asks for one.
package struct FieldSection: Equatable, Sendable {
  /// The bytes that all ranges index. Between fields it holds line ends and whatever folding left behind.
  package internal(set) var bytes: [UInt8] = []
  var entries: [FieldEntry] = []

  package init() {}

  /// Number of fields.
  package var count: Int { entries.count }

  /// The name of a field, a range of `bytes`.
  package func name(at index: Int) -> Range<Int> {
    let entry = entries[index]
    return Int(entry.nameStart)..<Int(entry.nameEnd)
  }

  /// The value of a field, a range of `bytes`.
  package func value(at index: Int) -> Range<Int> {
    let entry = entries[index]
    return Int(entry.valueStart)..<Int(entry.valueEnd)
  }

  /// The value of the first field of a name that is given in lower case; names compare without ASCII case.
  package func firstValue(of lowercasedName: StaticString) -> Range<Int>? {
    firstIndex(of: lowercasedName).map(value(at:))
  }

  /// Index of the first field of that name at or after `start`; call again to walk over repeated fields.
  package func firstIndex(of lowercasedName: StaticString, from start: Int = 0) -> Int? {
    bytes.withUnsafeBufferPointer { buffer in
      guard let base = buffer.baseAddress else { return nil }
      for index in start..<entries.count {
        let entry = entries[index]
        let length = Int(entry.nameEnd - entry.nameStart)
        if Octet.equal(base + Int(entry.nameStart), count: length, lowercased: lowercasedName) { return index }
      }
      return nil
    }
  }

  /// The entry that a line at `start` of `line`, which reaches to `end`, has if it is the same as field `index` here;
  /// nil if it is another.
  @inline(__always)
  func entry(_ index: Int, ifAt start: Int, of line: UnsafePointer<UInt8>, end: Int) -> FieldEntry? {
    guard index < entries.count else { return nil }
    var entry = entries[index]
    let first = Int(entry.nameStart)
    let count = Int(entry.valueEnd) - first
    guard start + count + 2 <= end, line[start + count] == Octet.carriageReturn,
      line[start + count + 1] == Octet.lineFeed,
      bytes.withUnsafeBufferPointer({ Octet.areEqual($0.baseAddress.map { $0 + first }, line + start, count: count) })
    else { return nil }
    let shift = UInt32(truncatingIfNeeded: start) &- entry.nameStart
    entry.nameStart &+= shift
    entry.nameEnd &+= shift
    entry.valueStart &+= shift
    entry.valueEnd &+= shift
    return entry
  }

  mutating func removeAll() {
    // Even of an empty array it costs a call.
    if !bytes.isEmpty { bytes.removeAll(keepingCapacity: true) }
    if !entries.isEmpty { entries.removeAll(keepingCapacity: true) }
  }
}

/// Offsets of one field. Sections are bounded by `ReaderLimits`, so 32 bits hold them.
struct FieldEntry: Equatable, Sendable {
  /// The fields that decide over framing and reuse; the others are opaque to this module.
  enum Kind: UInt8, Sendable { case other, contentLength, transferEncoding, connection }

  var nameStart: UInt32
  var nameEnd: UInt32
  var valueStart: UInt32
  var valueEnd: UInt32
  var kind: Kind

  /// Length and first byte exclude nearly every name before anything is compared.
  @inline(__always)
  static func kind(of name: UnsafePointer<UInt8>, count: Int) -> Kind {
    switch (count, name[0] | 0x20) {
    case (10, UInt8(ascii: "c")):
      Octet.equal(name, count: count, lowercased: "connection") ? .connection : .other
    case (14, UInt8(ascii: "c")):
      Octet.equal(name, count: count, lowercased: "content-length") ? .contentLength : .other
    case (17, UInt8(ascii: "t")):
      Octet.equal(name, count: count, lowercased: "transfer-encoding") ? .transferEncoding : .other
    default: .other
    }
  }
}
