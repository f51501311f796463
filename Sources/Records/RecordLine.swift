package import FetchModel

/// What one finished line of a record file says of its row: the column that went with it when it was recorded.
///
/// Reads what `RecordWriter` writes, and is strict about it: an object on one line of JSON in UTF-8, `seq` first, with
/// `attempts` and `time.total`, nothing behind it but the newline. Members that it does not know are read over, so a
/// later version may have more of them.
package struct RecordLine: Equatable, Sendable {
  package let column: ResultColumn

  /// nil for anything that is not one whole line of a record.
  package init?(_ bytes: Span<UInt8>) {
    guard bytes.count > 2, bytes.count <= maximumLineBytes else { return nil }
    guard bytes[bytes.count - 1] == UInt8(ascii: "\n"), bytes[bytes.count - 2] == UInt8(ascii: "}") else { return nil }
    var members = RecordMembers()
    let isASCII: Bool? = bytes.withUnsafeBufferPointer { bytes in
      guard let base = bytes.baseAddress else { return nil }
      var cursor = JSONCursor(base, count: bytes.count - 1)
      guard members.read(&cursor), cursor.isAtEnd else { return nil }
      return cursor.isASCII
    }
    guard let isASCII, isASCII || isValidUTF8(bytes) else { return nil }
    guard let seq = members.seq, let attempts = members.attempts, let total = members.totalMicroseconds else {
      return nil
    }
    column = ResultColumn(
      seq: seq,
      bodyBytes: members.bodyBytes ?? 0,
      totalMicroseconds: UInt32(clamping: total),
      lineLength: UInt32(bytes.count),
      status: UInt16(clamping: members.status ?? 0),
      failure: members.failure,
      attempts: UInt8(clamping: attempts)
    )
  }
}

/// The members of a line that go into its column.
private struct RecordMembers {
  var seq: UInt64?
  var status: UInt64?
  var bodyBytes: UInt64?
  var failure: FailureCode?
  var attempts: UInt64?
  var totalMicroseconds: UInt64?

  /// Returns whether the object is whole and each of these is in it at most once.
  mutating func read(_ cursor: inout JSONCursor) -> Bool {
    guard cursor.take(#"{"seq":"#), let seq = cursor.decimal() else { return false }
    self.seq = seq
    while cursor.take(",") {
      guard let key = cursor.key() else { return false }
      guard readMember(key, &cursor) else { return false }
    }
    return cursor.take("}")
  }

  private mutating func readMember(_ key: JSONCursor.Text, _ cursor: inout JSONCursor) -> Bool {
    if key.isEqual(to: "status") { return status == nil && cursor.decimal(into: &status) }
    if key.isEqual(to: "body_bytes") { return bodyBytes == nil && cursor.decimal(into: &bodyBytes) }
    if key.isEqual(to: "attempts") { return attempts == nil && cursor.decimal(into: &attempts) }
    if key.isEqual(to: "time") { return totalMicroseconds == nil && readTime(&cursor) }
    if key.isEqual(to: "error") { return failure == nil && readError(&cursor) }
    if key.isEqual(to: "seq") { return false }
    return cursor.skipValue()
  }

  private mutating func readTime(_ cursor: inout JSONCursor) -> Bool {
    guard cursor.take("{") else { return false }
    repeat {
      guard let key = cursor.key() else { return false }
      if key.isEqual(to: "total") {
        guard totalMicroseconds == nil, let microseconds = cursor.microseconds() else { return false }
        totalMicroseconds = microseconds
      } else {
        guard cursor.skipValue() else { return false }
      }
    } while cursor.take(",")
    return totalMicroseconds != nil && cursor.take("}")
  }

  private mutating func readError(_ cursor: inout JSONCursor) -> Bool {
    guard cursor.take("{") else { return false }
    repeat {
      guard let key = cursor.key() else { return false }
      if key.isEqual(to: "code") {
        guard failure == nil, let name = cursor.string() else { return false }
        failure = FailureCode.allCases.first { name.isEqual(to: $0.name) }
        guard failure != nil else { return false }
      } else {
        guard cursor.skipValue() else { return false }
      }
    } while cursor.take(",")
    return failure != nil && cursor.take("}")
  }
}
