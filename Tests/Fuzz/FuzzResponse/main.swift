// Any bytes as a response.
//
// Any split of the bytes gives the same events, result and consumed count as the bytes whole, nothing is stored beyond
// the limits, and what a reader read before changes nothing.

import FetchModel
import FuzzSupport
import HTTP1

private let methods: [RequestMethod] = [.get, .head, .post, .other(Array("CONNECT".utf8))]

/// So small that inputs of some hundred bytes come to each of them.
private let narrow: ReaderLimits = {
  var limits = ReaderLimits()
  limits.statusLineBytes = 40
  limits.fieldLineBytes = 48
  limits.headBytes = 160
  limits.fieldCount = 4
  limits.interimResponses = 2
  limits.interimBytes = 100
  limits.chunkLineBytes = 16
  limits.trailerBytes = 64
  return limits
}()

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  let choice = feed.byte()
  var exchange = Reading.Exchange()
  exchange.method = methods[Int(choice % 4)]
  exchange.endsClean = [nil, true, false, true][Int(choice / 4 % 4)]
  if choice & 16 != 0 { exchange.limits = narrow }
  let sizes = (0..<4).map { _ in Int(feed.byte() % 32) + 1 }
  let stream = feed.remainder()

  let whole = Reading(stream, inPieces: [max(1, stream.count)], exchange)
  require(Reading(stream, inPieces: [1], exchange) == whole, "byte by byte something else is read")
  // A reader that has read the same before, and perhaps failed.
  var reader = ResponseReader(limits: exchange.limits)
  for _ in 0..<2 {
    require(Reading(stream, inPieces: sizes, exchange, by: &reader) == whole, "in pieces something else is read")
  }
  guard whole.isComplete, whole.consumed < stream.count else { return }
  // What follows a message has no influence on it.
  let cut = Reading(Array(stream[..<whole.consumed]), inPieces: [stream.count], exchange)
  require(cut == whole, "what follows a response changes it")
}

private func seeds() throws -> [[UInt8]] {
  try collectedResponses().enumerated().map { number, response in
    [UInt8(number % 32), 7, 1, 30, 2] + response
  }
}

try runTarget(seeds: try seeds()) { bytes, count in
  check(input(bytes, count))
  return 0
}
