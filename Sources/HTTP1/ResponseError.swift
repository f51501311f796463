/// Why a response could not be read. Every case is the peer's doing; mistakes of the caller trap instead.
///
/// After any of these the position in the byte stream is unknown or worthless, so the connection must be closed.
package enum ResponseError: Error, Equatable, Sendable {
  /// The bytes are no HTTP/1.x response that can be understood in one way only.
  case malformed(Malformation)
  /// A bound of `ReaderLimits` was exceeded.
  case headTooLarge(LimitKind)
  /// The stream ended before the first byte of a response.
  case closedBeforeResponse
  /// The stream ended inside a response. `received` counts body octets; `expected` is nil where the length was
  /// never announced: in the head, in a chunked body, or in a body that runs until the close.
  case closedEarly(expected: UInt64?, received: UInt64)
}

/// What is wrong with a response, one case for each reason.
package enum Malformation: Equatable, Sendable, CaseIterable {
  case statusLine
  case statusCode
  case statusOutOfRange
  case controlInReason
  case bareLineFeed
  case bareCarriageReturn
  case nulByte
  case fieldWithoutColon
  case fieldName
  case whitespaceBeforeColon
  case foldWithoutField
  case foldInFramingField
  case contentLength
  case contentLengthsDiffer
  case contentLengthTooLarge
  case transferCoding
  case unexpectedUpgrade
  case chunkSize
  case chunkSizeTooLarge
  case chunkExtension
  case chunkLineEnd
  case chunkDataEnd
}

extension Malformation: CustomStringConvertible {
  /// A short phrase for records and people.
  package var description: String {
    switch self {
    case .statusLine: "no HTTP/1.x status line"
    case .statusCode: "status code is not three digits"
    case .statusOutOfRange: "status code outside 100 to 599"
    case .controlInReason: "control character in the reason phrase"
    case .bareLineFeed: "line feed without carriage return in the head"
    case .bareCarriageReturn: "carriage return without line feed in the head"
    case .nulByte: "NUL in a header field"
    case .fieldWithoutColon: "header field without a colon"
    case .fieldName: "header field name is no token"
    case .whitespaceBeforeColon: "white space between header field name and colon"
    case .foldWithoutField: "white space at the start of the first header line"
    case .foldInFramingField: "folded Content-Length or Transfer-Encoding"
    case .contentLength: "Content-Length is no number"
    case .contentLengthsDiffer: "different values of Content-Length"
    case .contentLengthTooLarge: "Content-Length is too large"
    case .transferCoding: "transfer coding other than chunked"
    case .unexpectedUpgrade: "101 to a request without Upgrade"
    case .chunkSize: "chunk size is no hexadecimal number"
    case .chunkSizeTooLarge: "chunk size is too large"
    case .chunkExtension: "malformed chunk extension"
    case .chunkLineEnd: "chunk size line does not end with CR LF"
    case .chunkDataEnd: "chunk data is not followed by CR LF"
    }
  }
}

/// The bound of `ReaderLimits` that a response exceeded.
package enum LimitKind: Equatable, Sendable, CaseIterable {
  case statusLine
  case fieldLine
  case head
  case fieldCount
  case interimCount
  case interimBytes
  case chunkLine
  case trailers
}

extension LimitKind: CustomStringConvertible {
  /// A short phrase for records and people.
  package var description: String {
    switch self {
    case .statusLine: "status line too long"
    case .fieldLine: "header line too long"
    case .head: "response head too long"
    case .fieldCount: "too many header fields"
    case .interimCount: "too many interim responses"
    case .interimBytes: "interim responses too long"
    case .chunkLine: "chunk size line too long"
    case .trailers: "trailer section too long"
    }
  }
}
