/// The points on which RFC 9110 and 9112 leave a choice are decided once and nowhere switchable: docs/http-client.md
/// has the table, with the reasons. Here are those of them that are numbers; the others are the code that reads.
enum Policy {
  /// Robustness against servers that end the previous message with a CR LF too many (section 2.2).
  static let skippedEmptyLines = 1
  static let statusCodes = 100...599
}

/// Bounds of what a response may make the reader store or walk through without delivering anything.
///
/// Exceeding one is `ResponseError.headTooLarge`, thrown at the first byte past the bound.
package struct ReaderLimits: Equatable, Sendable {
  /// The status line with its line end.
  package var statusLineBytes = 8 * 1024
  /// One field line with its line end, in the head or among the trailers.
  package var fieldLineBytes = 64 * 1024
  /// Status line, field lines and the empty line together. At most `UInt32.max`.
  package var headBytes = 128 * 1024
  /// Field lines in the head; the same again among the trailers.
  package var fieldCount = 1000
  /// Responses with a 1xx status before the final one.
  package var interimResponses = 16
  /// Bytes of all these responses together.
  package var interimBytes = 128 * 1024
  /// A chunk's size and extensions with the line end.
  package var chunkLineBytes = 4 * 1024
  /// All trailer lines and the empty line together. At most `UInt32.max`.
  package var trailerBytes = 16 * 1024

  /// The default bounds, which no server in honest use comes near.
  package init() {}
}
