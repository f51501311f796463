import FetchModel
import HTTP1

/// How the peer leaves the stream after its last byte.
enum StreamEnd: String, Decodable {
  case clean, unclean
  case keepOpen = "keep-open"
}

/// All that a reader said about a stream, body pieces merged, so that two ways to feed it can be compared.
struct Transcript: Equatable {
  var interim: [Int] = []
  var head: ResponseHead?
  var body: [UInt8] = []
  var isComplete = false
  var isReusable = false
  var error: ResponseError?
  /// Bytes taken from the stream.
  var consumed = 0

  var fields: [[String]] {
    guard let head else { return [] }
    return (0..<head.fieldCount).map { [text(head.bytes[head.name(at: $0)]), text(head.bytes[head.value(at: $0)])] }
  }

  var trailers: [[String]] {
    guard let trailers = head?.trailers else { return [] }
    return (0..<trailers.count).map {
      [text(trailers.bytes[trailers.name(at: $0)]), text(trailers.bytes[trailers.value(at: $0)])]
    }
  }

  func value(_ name: StaticString) -> String? {
    guard let head, let range = head.firstValue(of: name) else { return nil }
    return text(head.bytes[range])
  }
}

/// Octets as text, one scalar for each (Latin-1), so that nothing is lost or merged.
func text(_ octets: some Sequence<UInt8>) -> String {
  var scalars = String.UnicodeScalarView()
  for octet in octets { scalars.append(Unicode.Scalar(octet)) }
  return String(scalars)
}

/// The octets of such a text.
func octets(_ text: String) -> [UInt8] { text.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }

extension ResponseReader {
  /// Reads one response from a stream that arrives in these pieces. Once the response is complete, nothing more
  /// is offered.
  mutating func transcript(
    of pieces: [ArraySlice<UInt8>],
    end: StreamEnd = .clean,
    method: RequestMethod = .get
  ) -> Transcript {
    var result = Transcript()
    begin(for: method)
    do throws(ResponseError) {
      for piece in pieces where !result.isComplete { try feed(Array(piece), into: &result) }
      if !result.isComplete, end != .keepOpen {
        result.isComplete = try finish(clean: end == .clean) == .end
      }
    } catch {
      result.error = error
    }
    // The trailers arrive with the end; after an error their storage is of no interest.
    if result.isComplete { result.head = head }
    result.isReusable = isReusable
    return result
  }

  private mutating func feed(_ piece: [UInt8], into result: inout Transcript) throws(ResponseError) {
    var position = 0
    while true {
      let (consumed, event) = try read(piece.span.extracting(position..<piece.count))
      precondition(consumed >= 0 && position + consumed <= piece.count, "consumed more than there was")
      switch event {
      case .needsMore: precondition(position + consumed == piece.count, "asks for more and leaves some")
      case .interim(let status): result.interim.append(status)
      case .head: result.head = head
      case .body(let range):
        precondition(!range.isEmpty && range.upperBound <= consumed, "body outside of what was consumed")
        result.body += piece[(position + range.lowerBound)..<(position + range.upperBound)]
      case .end: result.isComplete = true
      }
      position += consumed
      result.consumed += consumed
      if event == .needsMore || event == .end { return }
    }
  }
}

/// The transcript of a stream that arrives as a whole, after making sure of the same for every other grouping:
/// byte by byte and every split in two.
func read(
  _ stream: [UInt8],
  end: StreamEnd = .clean,
  method: RequestMethod = .get,
  limits: ReaderLimits = ReaderLimits()
) throws -> Transcript {
  var reader = ResponseReader(limits: limits)
  let whole = reader.transcript(of: [stream[...]], end: end, method: method)
  let drip = reader.transcript(of: stream.indices.map { stream[$0...$0] }, end: end, method: method)
  guard drip.isEquivalent(to: whole) else { throw SplitMatters(at: nil, whole: whole, split: drip) }
  for split in stream.indices.dropFirst() {
    let halves = reader.transcript(of: [stream[..<split], stream[split...]], end: end, method: method)
    guard halves.isEquivalent(to: whole) else { throw SplitMatters(at: split, whole: whole, split: halves) }
  }
  return whole
}

func read(
  _ stream: String,
  end: StreamEnd = .clean,
  method: RequestMethod = .get,
  limits: ReaderLimits = ReaderLimits()
) throws -> Transcript {
  try read(octets(stream), end: end, method: method, limits: limits)
}

/// The outcome of a stream depends on how it was cut; `at` is nil for byte by byte.
struct SplitMatters: Error {
  var at: Int?
  var whole: Transcript
  var split: Transcript
}

extension Transcript {
  /// Equal in all but the bytes consumed before an error, since one call may throw after taking several lines.
  func isEquivalent(to other: Transcript) -> Bool {
    var other = other
    if error != nil { other.consumed = consumed }
    return self == other
  }
}
