package import FetchModel

// Owns: where we are in one response, and the storage of its head. Never does I/O, never looks at a clock.
//
// Bytes in, one event out. Bytes of a head (and of trailers) are copied once into storage that is kept from
// response to response, and are consumed at once, so the caller's buffer never has to hold half a head. Octets of
// the body are never copied: an event names their range in the caller's span.

/// Reads the responses of one connection, one after the other.
///
/// A value: copies are snapshots. Feed it with `read` until `.end`, ask `isReusable`, then `begin` the next.
package struct ResponseReader: Equatable, Sendable {
  /// What a prefix of the input was.
  package enum Event: Equatable, Sendable {
    /// All of the input was consumed; more is needed.
    case needsMore
    /// A whole 1xx response, discarded (RFC 9110 section 15.2).
    case interim(status: Int)
    /// `head` is complete; the body follows, and in any case `.end`.
    case head
    /// Octets of the body, as a range of the span passed to this call.
    case body(Range<Int>)
    /// The message is complete. Bytes after `consumed` are no part of it, nor of any response (RFC 9112
    /// section 6.3, last paragraph): if there are some, the connection must not be reused.
    case end
  }

  /// Each case lists what may follow; `failed` may follow all but `idle` and `ended`.
  private enum Phase: Equatable, Sendable {
    /// Before the first `begin`: `head`.
    case idle
    /// Status line and fields: `head` after an interim response, `length`, `chunks`, `untilClose`.
    case head
    /// Octets left of a counted body, 0 too where there is none: `ended`.
    case length(UInt64)
    /// Chunks before the last one: `trailers`.
    case chunks
    /// After the last chunk: `ended`.
    case trailers
    /// A body without announced end: `ended` by `finish`.
    case untilClose
    /// The message is complete: `head` by `begin`.
    case ended
    /// No way on but a new connection.
    case failed(ResponseError)
  }

  /// Bytes appended to the storage at a time: what follows a head in the same read is copied in vain up to that.
  private static let ingestStep = 512

  private let limits: ReaderLimits
  private let headLimits: SectionLimits
  private let trailerLimits: SectionLimits

  private var phase = Phase.idle
  private var request = RequestKind.ordinary
  private var parser = SectionParser()
  private var chunks = ChunkedDecoder()
  /// Whether the connection may be used again once this response has ended, as far as its head says.
  package private(set) var persists = false
  private var interimResponses = 0
  private var interimBytes = 0
  private var bodyBytes: UInt64 = 0
  private var expectedBytes: UInt64?

  /// Valid from `.head` until the next `begin`; complete with trailers at `.end`. A copy that is held while the
  /// reader goes on costs the reader its storage.
  package private(set) var head = ResponseHead()

  /// Of the response before this one, for the lines that are the same.
  private var lastFields = FieldSection()

  /// Whether any byte came since `begin`: from then on the request must not be repeated silently.
  package private(set) var hasReceivedBytes = false

  package init(limits: ReaderLimits = ReaderLimits()) {
    self.limits = limits
    headLimits = SectionLimits(headOf: limits)
    trailerLimits = SectionLimits(trailersOf: limits)
  }

  /// Whether the connection may carry another request as far as this response says: version, Connection
  /// options and framing allow it and the message is complete. The caller adds what only it knows: that nothing
  /// was left over, and that the request did not ask to close.
  ///
  /// Stored, because to compute it for a reader inside a class copies the reader.
  package private(set) var isReusable = false

  /// Ready for the response to a request with that method; keeps allocated storage.
  package mutating func begin(for method: RequestMethod) {
    request = RequestKind(method)
    phase = .head
    swap(&head.fields, &lastFields)
    head.removeAll()
    parser.beginHead(isFirst: true)
    persists = false
    isReusable = false
    interimResponses = 0
    interimBytes = 0
    bodyBytes = 0
    expectedBytes = nil
    hasReceivedBytes = false
  }

  /// Consumes a prefix of `input` and says what it was. Call again with the rest, even if that is empty, until
  /// `.needsMore` or `.end`. After an error every call throws the same one; after `.end` nothing is consumed.
  package mutating func read(_ input: Span<UInt8>) throws(ResponseError) -> (consumed: Int, event: Event) {
    if !input.isEmpty, phase != .ended { hasReceivedBytes = true }
    do throws(ResponseError) {
      switch phase {
      case .idle: preconditionFailure("read before begin")
      case .head: return try readHead(input)
      case .length(let left): return readCounted(input, left)
      case .chunks: return try readChunks(input)
      case .trailers: return try readTrailers(input, from: 0)
      case .untilClose:
        bodyBytes += UInt64(input.count)
        return (input.count, input.isEmpty ? .needsMore : .body(0..<input.count))
      case .ended: return (0, .end)
      case .failed(let error): throw error
      }
    } catch {
      phase = .failed(error)
      throw error
    }
  }

  /// The peer ended the stream; the event is always `.end`. `clean` is false for a TLS end without close_notify
  /// and for a reset: then a body that runs until the close is not known to be whole (RFC 9112 section 9.8).
  package mutating func finish(clean: Bool) throws(ResponseError) -> Event {
    switch phase {
    case .idle: preconditionFailure("finish before begin")
    case .head where !hasReceivedBytes: phase = .failed(.closedBeforeResponse)
    case .head, .chunks, .trailers: phase = .failed(.closedEarly(expected: nil, received: bodyBytes))
    case .length(0): end()
    case .length: phase = .failed(.closedEarly(expected: expectedBytes, received: bodyBytes))
    case .untilClose where clean: end()
    case .untilClose: phase = .failed(.closedEarly(expected: nil, received: bodyBytes))
    case .ended, .failed: break
    }
    if case .failed(let error) = phase { throw error }
    return .end
  }

  private mutating func end() {
    phase = .ended
    isReusable = persists
  }
}

extension ResponseReader {
  private mutating func readHead(_ input: Span<UInt8>) throws(ResponseError) -> (consumed: Int, event: Event) {
    let (consumed, isComplete) = try Self.ingest(input, from: 0, into: &head.fields, &lastFields, &parser, headLimits)
    guard isComplete else { return (consumed, .needsMore) }
    let status = parser.statusLine
    if status.status < 200 {
      try discardInterim(status.status)
      return (consumed, .interim(status: status.status))
    }
    let message = try MessageFraming(status, parser.facts, &head.fields, for: request)
    head.status = status.status
    head.minorVersion = status.minorVersion
    head.reason = status.reason
    head.framing = message.framing
    persists = message.persists
    switch message.framing {
    case .none: phase = .length(0)
    case .length(let count):
      phase = .length(count)
      expectedBytes = count
    case .chunked:
      phase = .chunks
      chunks = ChunkedDecoder()
    case .untilClose: phase = .untilClose
    }
    return (consumed, .head)
  }

  private mutating func discardInterim(_ status: Int) throws(ResponseError) {
    guard status != 101 else { throw .malformed(.unexpectedUpgrade) }
    interimResponses += 1
    interimBytes += head.fields.bytes.count
    guard interimResponses <= limits.interimResponses else { throw .headTooLarge(.interimCount) }
    guard interimBytes <= limits.interimBytes else { throw .headTooLarge(.interimBytes) }
    head.fields.removeAll()
    parser.beginHead(isFirst: false)
  }

  private mutating func readCounted(_ input: Span<UInt8>, _ left: UInt64) -> (consumed: Int, event: Event) {
    if left == 0 {
      end()
      return (0, .end)
    }
    guard !input.isEmpty else { return (0, .needsMore) }
    let count = Int(min(left, UInt64(input.count)))
    phase = .length(left - UInt64(count))
    bodyBytes += UInt64(count)
    return (count, .body(0..<count))
  }

  private mutating func readChunks(_ input: Span<UInt8>) throws(ResponseError) -> (consumed: Int, event: Event) {
    switch try chunks.advance(input, lineLimit: limits.chunkLineBytes) {
    case .needsMore:
      return (input.count, .needsMore)
    case .data(let range):
      bodyBytes += UInt64(range.count)
      return (range.upperBound, .body(range))
    case .lastChunk(let end):
      phase = .trailers
      parser.beginTrailers()
      return try readTrailers(input, from: end)
    }
  }

  private mutating func readTrailers(
    _ input: Span<UInt8>,
    from start: Int
  ) throws(ResponseError) -> (consumed: Int, event: Event) {
    let (consumed, isComplete) = try Self.ingest(
      input,
      from: start,
      into: &head.trailers,
      &lastFields,
      &parser,
      trailerLimits
    )
    guard isComplete else { return (consumed, .needsMore) }
    end()
    return (consumed, .end)
  }

  /// Copies input from `start` on into the section's storage until the section is complete; `consumed` counts
  /// from the beginning of the input. Storage never grows past the section's bound by more than one step.
  private static func ingest(
    _ input: Span<UInt8>,
    from start: Int,
    into section: inout FieldSection,
    _ last: inout FieldSection,
    _ parser: inout SectionParser,
    _ limits: SectionLimits
  ) throws(ResponseError) -> (consumed: Int, isComplete: Bool) {
    var consumed = start
    while consumed < input.count {
      let end = min(input.count, consumed + ingestStep)
      input.withUnsafeBufferPointer {
        section.bytes.append(contentsOf: UnsafeBufferPointer(rebasing: $0[consumed..<end]))
      }
      consumed = end
      if try parser.advance(&section.bytes, &section.entries, &last, limits) {
        let surplus = section.bytes.count - parser.lineStart
        section.bytes.removeLast(surplus)
        return (consumed - surplus, true)
      }
    }
    return (consumed, false)
  }
}
