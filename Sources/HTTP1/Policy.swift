/// The points on which RFC 9110 and 9112 leave a choice, each decided once and nowhere switchable.
///
/// | axis | RFC 9112 | decision |
/// |---|---|---|
/// | line ends with LF only, in head or trailers | 2.2 MAY accept | rejected |
/// | CR without LF in head or trailers | 2.2 reject or SP | rejected |
/// | empty lines before the status line | 2.2 | one is skipped in each exchange, a second is rejected |
/// | several SP, or HTAB, before the status code | 4 MAY accept | rejected |
/// | no reason phrase, no SP after the status code | 4 | accepted |
/// | control character in the reason phrase, HTAB excepted | 4 | rejected |
/// | status 000-099, 600-999 | RFC 9110 15 | rejected |
/// | HTTP/1.2 to 1.9 | RFC 9110 6.2 SHOULD | read as 1.1 |
/// | any other version | RFC 9110 6.2 | rejected |
/// | white space before the colon of a field | 5.1 | rejected |
/// | field line without colon, name that is no token | 5 | rejected |
/// | NUL in a value | RFC 9110 5.5 reject or SP | rejected |
/// | other control character in a value | RFC 9110 5.5 MAY retain | kept as it is |
/// | obs-fold | 5.2 MUST be SP | one SP; rejected in Content-Length and Transfer-Encoding |
/// | white space at the start of the first field line | 2.2 | rejected |
/// | 101 | RFC 9110 15.2.2 | rejected, since no request offers an upgrade |
/// | 2xx to CONNECT | 6.3 | no body, no reuse: tunnels are not supported |
/// | Content-Length and Transfer-Encoding | 6.3 | Transfer-Encoding wins, no reuse |
/// | Content-Length repeated with equal values | RFC 9110 8.6 | collapsed |
/// | Content-Length that differs or is no number | 6.3 | rejected |
/// | Transfer-Encoding in HTTP/1.0 | 6.1 MUST close | obeyed, no reuse |
/// | any transfer coding but one `chunked` (none was offered) | 6.3 | rejected |
/// | SP or HTAB at the end of a chunk size line | 7.1.1 | accepted |
/// | malformed chunk extension | 7.1.1 | rejected |
/// | line ends with LF only around a chunk | 2.2 does not apply | rejected |
/// | end of stream after the last chunk but before the final CR LF | 8 | closed early |
/// | body until close, ended without close_notify or by a reset | 9.8 | closed early |
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
