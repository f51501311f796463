// Any bytes as a chunked body.
//
// Any split of the bytes gives the same body, end and fault as the bytes whole, and a body that was decoded, encoded
// again in chunks of any size, decodes to itself.

import FetchModel
import FuzzSupport
import HTTP1

private let head = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)

private func encode(_ body: [UInt8], inChunks sizes: [Int]) -> [UInt8] {
  var encoded: [UInt8] = []
  var rest = body[...]
  var turn = 0
  while !rest.isEmpty {
    let chunk = rest.prefix(sizes[turn % sizes.count])
    encoded += Array((String(chunk.count, radix: 16, uppercase: turn % 2 == 0) + "\r\n").utf8) + chunk
    encoded += Array("\r\n".utf8)
    rest = rest.dropFirst(chunk.count)
    turn += 1
  }
  return encoded + Array("0\r\n\r\n".utf8)
}

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  let sizes = (0..<4).map { _ in Int(feed.byte() % 32) + 1 }
  var exchange = Reading.Exchange()
  exchange.endsClean = feed.byte() % 2 == 0
  let stream = head + feed.remainder()

  let whole = Reading(stream, inPieces: [stream.count], exchange)
  require(Reading(stream, inPieces: [1], exchange) == whole, "byte by byte something else is decoded")
  require(Reading(stream, inPieces: sizes, exchange) == whole, "in pieces something else is decoded")
  require(whole.isComplete != (whole.error != nil), "a chunked body without an end")
  guard whole.isComplete else { return }
  require(whole.body.count < stream.count, "a body that is longer than its coding")

  let again = head + encode(whole.body, inChunks: sizes)
  let decoded = Reading(again, inPieces: sizes, exchange)
  require(decoded.isComplete && decoded.body == whole.body, "a body that is encoded decodes to another one")
  require(decoded.consumed == again.count && decoded.isReusable, "something is left over of a body that was encoded")
}

private func seeds() throws -> [[UInt8]] {
  let bodies = [
    "5\r\nhello\r\n0\r\n\r\n",
    "5;a=b;c=\"d\\\"e\" ; f\r\nhello\r\n000;x\r\nA: b\r\n c\r\n\r\n", "0\r\n\r\nHTTP/1.1 200 OK",
    "7fffffffffffffff\r\nhello", "8000000000000000\r\n", "a\r\n0123456789\r\nA \t\r\n0123456789\r\n0\r\n\r\n",
  ].map { Array($0.utf8) }
  // Of each response with chunks what stands behind its head.
  let emptyLine = Array("\r\n\r\n".utf8)
  let collected = try collectedResponses().compactMap { response -> [UInt8]? in
    guard String(decoding: response, as: UTF8.self).lowercased().contains("chunked") else { return nil }
    return response.indices.first { response[$0...].starts(with: emptyLine) }.map { Array(response[($0 + 4)...]) }
  }
  return (bodies + collected).map { [3, 1, 9, 30, 0] + $0 }
}

try runTarget(seeds: try seeds()) { bytes, count in
  check(input(bytes, count))
  return 0
}
