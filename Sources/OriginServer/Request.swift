// One request as the reader hands it on. A plain value.

/// A request received in full.
package struct Request: Equatable, Sendable {
  package var method: String
  package var target: RequestTarget
  /// Whether the connection may stay open: HTTP/1.1 without `Connection: close`.
  package var keepAlive: Bool
  /// Whether a field `X-Count` asks for this target to be counted by itself.
  package var wantsCount: Bool
  /// The field lines as received, each ended by CRLF or LF; cut up only by `/echo`.
  package var fieldLines: [UInt8]
  /// The first bytes of the body, at most ``RequestReader/keptBodyLimit``.
  package var body: [UInt8] = []
  /// The size of the whole body after removal of the chunk framing.
  package var bodyBytes = 0
  /// FNV-1a of the whole body.
  package var bodyHash = FNV1a()

  /// Names and values in the order received; bytes that are no UTF-8 are repaired.
  package var fields: [(name: String, value: String)] {
    fieldLines.split(whereSeparator: { $0 == UInt8(ascii: "\n") }).compactMap { line in
      let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { return nil }
      return (String(decoding: parts[0], as: UTF8.self), String(decoding: trimmed(parts[1]), as: UTF8.self))
    }
  }
}

/// `bytes` without spaces, tabs and carriage returns at both ends.
func trimmed(_ bytes: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
  func blank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0D }
  var bytes = bytes
  while let byte = bytes.first, blank(byte) { bytes.removeFirst() }
  while let byte = bytes.last, blank(byte) { bytes.removeLast() }
  return bytes
}

/// Why a request was refused; the connection is closed after the answer.
package enum RequestError: Error, Equatable, Sendable {
  case malformed
  case headTooLarge
  case bodyTooLarge

  package var status: Int {
    switch self {
    case .malformed: 400
    case .headTooLarge: 431
    case .bodyTooLarge: 413
    }
  }
}
