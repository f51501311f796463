package import FetchModel
import Foundation
package import HTTP1

/// All that a reader says about a stream, pieces of the body merged, so that two ways to feed it can be compared.
package struct Reading: Equatable {
  package private(set) var interim: [Int] = []
  package private(set) var head: ResponseHead?
  package private(set) var body: [UInt8] = []
  package private(set) var isComplete = false
  package private(set) var isReusable = false
  package private(set) var error: ResponseError?
  /// Bytes taken from the stream. Without meaning after an error, which a call may come to behind several lines.
  package private(set) var consumed = 0

  /// What lies around a stream.
  package struct Exchange {
    package var method = RequestMethod.get
    /// nil: the stream stays open.
    package var endsClean: Bool?
    package var limits = ReaderLimits()

    package init() {}
  }

  /// Reads one response with a reader that may have read others; the pieces have the given sizes, over and over.
  package init(_ stream: [UInt8], inPieces sizes: [Int], _ exchange: Exchange, by reader: inout ResponseReader) {
    reader.begin(for: exchange.method)
    do throws(ResponseError) {
      var position = 0
      var turn = 0
      while position < stream.count, !isComplete {
        let end = min(stream.count, position + max(1, sizes[turn % sizes.count]))
        try take(Array(stream[position..<end]), exchange.limits, &reader)
        position = end
        turn += 1
      }
      if !isComplete, let isClean = exchange.endsClean { isComplete = try reader.finish(clean: isClean) == .end }
    } catch {
      self.error = error
      consumed = 0
    }
    if isComplete { head = reader.head }
    isReusable = reader.isReusable
    require(!isReusable || isComplete, "a connection can be used again within a response")
  }

  /// One response by a reader of its own.
  package init(_ stream: [UInt8], inPieces sizes: [Int], _ exchange: Exchange) {
    var reader = ResponseReader(limits: exchange.limits)
    self.init(stream, inPieces: sizes, exchange, by: &reader)
  }

  private mutating func take(_ piece: [UInt8], _ limits: ReaderLimits, _ reader: inout ResponseReader)
    throws(ResponseError)
  {
    var position = 0
    while true {
      let (count, event) = try reader.read(piece.span.extracting(position..<piece.count))
      require(count >= 0 && position + count <= piece.count, "more is consumed than there is")
      checkStorage(reader, limits)
      switch event {
      case .needsMore: require(position + count == piece.count, "more is asked for and some left")
      case .interim(let status): interim.append(status)
      case .head: head = reader.head
      case .body(let range):
        require(!range.isEmpty && range.lowerBound >= 0 && range.upperBound <= count, "a body outside of what was read")
        body += piece[(position + range.lowerBound)..<(position + range.upperBound)]
      case .end: isComplete = true
      }
      position += count
      consumed += count
      if event == .needsMore || event == .end { return }
    }
  }

  /// Bytes are stored in steps, of which the last may go beyond the bound.
  private func checkStorage(_ reader: ResponseReader, _ limits: ReaderLimits) {
    let step = 512
    require(reader.head.bytes.count <= limits.headBytes + step, "more of a head is stored than the limit")
    require(reader.head.trailers.bytes.count <= limits.trailerBytes + step, "more trailers are stored than the limit")
    require(reader.head.fieldCount <= limits.fieldCount, "more fields are stored than the limit")
    require(reader.head.trailers.count <= limits.fieldCount, "more trailer fields are stored than the limit")
  }
}

/// The responses that the reader's own tests collected.
package func collectedResponses() throws -> [[UInt8]] {
  struct File: Decodable {
    struct Case: Decodable { var raw: Data }
    var cases: [Case]
  }
  // From the root of the repository, where deploy/fuzz.sh runs.
  let data = try Data(contentsOf: URL(filePath: "Tests/HTTP1Tests/Fixtures/responses.json"))
  return try JSONDecoder().decode(File.self, from: data).cases.map { Array($0.raw) }
}
