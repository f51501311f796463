package import FetchModel

// `results.idx`, byte by byte: 32 bytes of header, then blocks to the end. A block says where its lines stand in the
// record file and holds the column of each. It is whole or it does not count: its checksum covers all of it, and its
// lines begin where those of the block before end.

/// The beginning of an index.
package struct IndexHeader: Equatable, Sendable {
  package static let byteCount = 32
  private static let version: UInt32 = 1
  private static let magic = Array("trawlidx".utf8)

  /// The pass's own 16 bytes.
  package var identifier: [UInt8]

  package init(identifier: [UInt8]) {
    precondition(identifier.count == 16, "a pass is named by 16 bytes")
    self.identifier = identifier
  }

  /// nil for anything else than a whole header of this version.
  package init?(_ bytes: Span<UInt8>) {
    guard bytes.count >= Self.byteCount else { return nil }
    var reader = PackedReader(8..<Self.byteCount)
    let version = reader.fixed(UInt32.self, bytes)
    guard bytes.array(0..<8) == Self.magic, version == Self.version, let name = reader.run(16) else { return nil }
    let sum = reader.fixed(UInt32.self, bytes)
    guard sum == CRC32C(of: bytes.extracting(0..<Self.byteCount - 4)).value else { return nil }
    identifier = bytes.array(name)
  }

  package func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.append(contentsOf: Self.magic)
    bytes.appendFixed(Self.version)
    bytes.append(contentsOf: identifier)
    bytes.appendChecksum(from: start)
  }
}

/// The columns of lines that stand one after the other in the record file.
package struct IndexBlock: Equatable, Sendable {
  /// The most rows of one block, so that reading needs little memory.
  package static let maximumRows = 4096
  /// Of magic, rows, length of the payload, offset and length of the lines.
  static let headBytes = 28
  static let checksumBytes = 4
  private static let magic: UInt32 = 0x6B6C_6274
  /// 10 for the row and 10 for the body at most, 5 for time and length, 3 for the status, 4 for failure and attempts.
  private static let maximumRowBytes = 37

  /// Where the first line begins in the record file.
  package var offset: UInt64
  package var columns: [ResultColumn]

  package init(offset: UInt64, columns: [ResultColumn]) {
    self.offset = offset
    self.columns = columns
  }

  package var linesLength: UInt64 { columns.reduce(0) { $0 + UInt64($1.lineLength) } }
  /// Where the last line ends.
  package var end: UInt64 { offset + linesLength }

  package func append(to bytes: inout [UInt8]) {
    precondition((1...Self.maximumRows).contains(columns.count), "a block has 1 to \(Self.maximumRows) rows")
    let start = bytes.count
    bytes.appendFixed(Self.magic)
    bytes.appendFixed(UInt32(columns.count))
    bytes.appendFixed(UInt32(0))
    bytes.appendFixed(offset)
    bytes.appendFixed(linesLength)
    let payload = bytes.count
    var last: UInt64 = 0
    var lastLength: Int64 = 0
    for column in columns {
      bytes.appendFolded(Int64(bitPattern: column.seq &- last))
      bytes.appendVariable(column.bodyBytes)
      bytes.appendVariable(UInt64(column.totalMicroseconds))
      bytes.appendFolded(Int64(column.lineLength) - lastLength)
      bytes.appendVariable(UInt64(column.status))
      bytes.append(column.failure?.rawValue ?? 0)
      bytes.append(column.attempts)
      last = column.seq
      lastLength = Int64(column.lineLength)
    }
    let length = UInt32(bytes.count - payload)
    for index in 0..<4 { bytes[start + 8 + index] = UInt8(truncatingIfNeeded: length >> UInt32(index * 8)) }
    bytes.appendChecksum(from: start)
  }

  package enum Reading: Equatable, Sendable {
    /// A whole block of `size` bytes.
    case block(size: Int)
    /// It goes on behind the bytes at hand; at least `size` are needed.
    case incomplete(size: Int)
    case damaged
  }

  /// Becomes the block that begins at `position`; worth nothing unless `.block` is returned.
  package mutating func read(_ bytes: Span<UInt8>, at position: Int) -> Reading {
    columns.removeAll(keepingCapacity: true)
    guard bytes.count - position >= Self.headBytes else { return .incomplete(size: Self.headBytes) }
    var reader = PackedReader(position..<position + Self.headBytes)
    let magic = reader.fixed(UInt32.self, bytes)
    let rows = Int(reader.fixed(UInt32.self, bytes))
    let length = Int(reader.fixed(UInt32.self, bytes))
    offset = reader.fixed(UInt64.self, bytes)
    let linesLength = reader.fixed(UInt64.self, bytes)
    // First of all: a length out of damaged bytes must not be waited for.
    guard magic == Self.magic, (1...Self.maximumRows).contains(rows), length <= rows * Self.maximumRowBytes else {
      return .damaged
    }
    let size = Self.headBytes + length + Self.checksumBytes
    guard bytes.count - position >= size else { return .incomplete(size: size) }
    let payload = position + Self.headBytes..<position + Self.headBytes + length
    var foot = PackedReader(payload.upperBound..<position + size)
    let sum = CRC32C(of: bytes.extracting(position..<payload.upperBound)).value
    guard foot.fixed(UInt32.self, bytes) == sum, readColumns(rows, bytes, payload) else { return .damaged }
    let (end, overflows) = offset.addingReportingOverflow(linesLength)
    guard !overflows, end <= UInt64(Int64.max), linesLength == self.linesLength else { return .damaged }
    return .block(size: size)
  }

  private mutating func readColumns(_ rows: Int, _ bytes: Span<UInt8>, _ payload: Range<Int>) -> Bool {
    var reader = PackedReader(payload)
    var seq: UInt64 = 0
    var lineLength: Int64 = 0
    columns.reserveCapacity(rows)
    for _ in 0..<rows {
      seq &+= UInt64(bitPattern: reader.folded(bytes))
      let bodyBytes = reader.variable(bytes)
      let total = reader.variable(bytes)
      lineLength &+= reader.folded(bytes)
      let status = reader.variable(bytes)
      let code = reader.fixed(UInt8.self, bytes)
      let attempts = reader.fixed(UInt8.self, bytes)
      let failure = FailureCode(rawValue: code)
      guard reader.isValid, code == 0 || failure != nil, seq < RowSet.limit else { return false }
      guard let total = UInt32(exactly: total), let length = UInt32(exactly: lineLength),
        let status = UInt16(exactly: status)
      else { return false }
      columns.append(
        ResultColumn(
          seq: seq,
          bodyBytes: bodyBytes,
          totalMicroseconds: total,
          lineLength: length,
          status: status,
          failure: failure,
          attempts: attempts
        )
      )
    }
    return reader.remaining == 0
  }
}
