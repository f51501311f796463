/// Why a body is not what its coding says.
package enum CodingError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The reason in the library's words.
  case corrupt(ContentCoding, reason: String)
  /// All was decoded, and check sum or length say that it is not what was encoded.
  case checksumMismatch(ContentCoding)
  /// The body is over and its coding is not.
  case truncated(ContentCoding)
  case windowTooLarge(ContentCoding, bytes: UInt64)
  /// Content codings have no dictionary that both sides know.
  case dictionaryNeeded(ContentCoding)

  package var description: String {
    switch self {
    case .corrupt(let coding, let reason): "the \(coding.name) coding of the body is invalid: \(reason)"
    case .checksumMismatch(let coding): "the body does not match the check of its \(coding.name) coding"
    case .truncated(let coding): "the body ends within its \(coding.name) coding"
    case .windowTooLarge(let coding, let bytes):
      "the \(coding.name) coding of the body needs a window of \(bytes) bytes, more than is allowed"
    case .dictionaryNeeded(let coding): "the \(coding.name) coding of the body needs a dictionary"
    }
  }
}
