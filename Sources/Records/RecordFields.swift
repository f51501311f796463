package import FetchModel

/// A SHA-256 digest as raw bytes, stored in place.
package typealias SHA256Digest = InlineArray<32, UInt8>

/// Everything that one record says, except its large texts, which the writer borrows.
///
/// Meant to live in a request's slot and to be filled while the attempt goes on: setting a member allocates
/// nothing unless the caller makes a new array. Not copyable, because a copy retains all of its storage. nil always
/// means that the member does not apply, and leaves the field out of the line.
package struct RecordFields: ~Copyable, Sendable {
  /// Number of the row from 0.
  package var seq: UInt64
  /// The caller's own name for the row.
  package var id: [UInt8]?
  /// nil if the row was no valid request.
  package var method: RequestMethod?

  /// Of the last response whose head came.
  package var status: Int?
  /// The x of HTTP/1.x.
  package var httpMinorVersion: UInt8?
  /// Where the value of Content-Type stands in the `head` that the writer is given.
  package var contentType: Range<Int>?
  /// The value of Content-Length.
  package var contentLength: UInt64?
  /// Bytes of the body after de-chunking and decoding.
  package var bodyBytes: UInt64?
  /// Over the same bytes as `bodyBytes`.
  package var bodySHA256: SHA256Digest?
  /// Bytes of the body as they came, if they were decoded.
  package var wireBytes: UInt64?
  /// Why the body is not whole: a lower-case word, without characters that JSON escapes.
  package var truncated: StaticString?

  /// Redirects followed; 0 leaves the field out.
  package var redirects = 0
  /// Where the last redirect led.
  package var finalURL: [UInt8]?
  /// Where the value of the Location of a redirect that was not followed stands in `head`.
  package var location: Range<Int>?
  /// All fields of the response in order, as positions in `head`; nil unless the job asks for them.
  package var headers: [HeaderPosition]?

  /// Why the row failed; may stand beside a status.
  package var failure: FetchFailure?
  /// Attempts so far, this one included; 0 if nothing was tried.
  package var attempts: UInt32 = 1
  /// Microseconds since 1970 (UTC) at which the attempt began.
  package var startedAt: UInt64?
  /// nil before there was one.
  package var connection: ConnectionText?
  /// How long the attempt took.
  package var time = PhaseTimes()

  /// A record of the row `seq` that says nothing else yet.
  package init(seq: UInt64) { self.seq = seq }
}

/// Where one header field stands in the bytes of a response head.
package struct HeaderPosition: Hashable, Sendable {
  /// As the server spelled it.
  package var name: Range<Int>
  /// Without the white space around it.
  package var value: Range<Int>

  package init(name: Range<Int>, value: Range<Int>) {
    self.name = name
    self.value = value
  }
}

/// Durations in nanoseconds: the phases of the last hop, nil for those that did not happen, and the whole
/// attempt. Lines carry them in seconds, rounded to microseconds.
package struct PhaseTimes: Equatable, Sendable {
  /// Until the name had an address.
  package var dns: UInt64?
  /// Of the TCP handshake.
  package var connect: UInt64?
  /// Of the TLS handshake.
  package var tls: UInt64?
  /// From the last byte of the request to the first of the response.
  package var firstByte: UInt64?
  /// Of the whole attempt, redirects included.
  package var total: UInt64 = 0

  package init() {}

  /// `total` as the result columns carry it; rounded as in the line, so both always agree.
  package var totalMicroseconds: UInt32 { UInt32(clamping: microseconds(ofNanoseconds: total)) }
}

/// Whole microseconds, rounded to the nearest.
func microseconds(ofNanoseconds nanoseconds: UInt64) -> UInt64 {
  nanoseconds / 1_000 + (nanoseconds % 1_000 >= 500 ? 1 : 0)
}
