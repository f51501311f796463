// Any bytes as an encoded body, with any codings.
//
// Any split of input and output gives the same verdict, and the same bytes as far as both got; no call writes beyond
// its output or stands still; the libraries never have more than was charged, and all of it is given back. A decoder
// that has decoded before decodes the same.

import ContentCodings
import FuzzSupport
import Glibc

/// As many layers as there can be, mostly one.
private let lists: [CodingList] =
  ContentCoding.allCases.flatMap { [CodingList([$0]), CodingList([$0]), CodingList([$0])] }
  + [[.gzip, .gzip], [.zstd, .gzip], [.gzip, .brotli], [.gzip, .deflate, .zstd, .brotli, .gzip]]

private struct Verdict {
  var decoded: [UInt8] = []
  var error: CodingError?
  /// All that the layers have made.
  var decodedBytes: UInt64 = 0
}

/// No input of the fuzzer needs more to show something, and a bomb would take its time.
private let mostDecodedBytes = 1 << 20

/// Decodes one body; `cuts` are sizes of input and output in turn. nil if it grew too large.
private func decode(_ bytes: [UInt8], by decoder: ContentDecoder, _ cuts: [(input: Int, output: Int)]) -> Verdict? {
  var verdict = Verdict()
  var output = [UInt8](repeating: 0, count: 1 + (cuts.map(\.output).max() ?? 1))
  var start = 0
  var turn = 0
  do throws(CodingError) {
    repeat {
      let cut = cuts[turn % cuts.count]
      let end = min(bytes.count, start + cut.input)
      output[cut.output] = 0xA5
      let step = try call(decoder, bytes[start..<end], &output, cut.output)
      guard case .progress(let consumed, let produced) = step else {
        fatalError("there is no memory, and none is held")
      }
      require(consumed <= end - start && produced <= cut.output, "more is decoded than there is")
      require(output[cut.output] == 0xA5, "a write beyond the output")
      require(consumed + produced > 0 || start == end || decoder.hasMore, "a call stands still")
      verdict.decoded += output[..<produced]
      start += consumed
      turn += 1
      verdict.decodedBytes = decoder.decodedBytes
      require(verdict.decodedBytes >= UInt64(verdict.decoded.count), "less is counted than decoded")
      if verdict.decodedBytes > UInt64(mostDecodedBytes) { return nil }
    } while start < bytes.count || decoder.hasMore
    try decoder.finish()
  } catch {
    verdict.error = error
  }
  require(decoder.allocatedBytes.peak <= decoder.reservedBytes, "more memory than was charged")
  return verdict
}

private func call(_ decoder: ContentDecoder, _ piece: ArraySlice<UInt8>, _ output: inout [UInt8], _ count: Int)
  throws(CodingError) -> ContentDecoder.Step
{
  // The closures of arrays do not say what they throw.
  var result: Result<ContentDecoder.Step, CodingError> = .success(.needsMemory)
  piece.withUnsafeBytes { piece in
    output.withUnsafeMutableBytes { output in
      let room = UnsafeMutableRawBufferPointer(rebasing: output[..<count])
      do throws(CodingError) { result = .success(try decoder.decode(piece, into: room)) } catch {
        result = .failure(error)
      }
    }
  }
  return try result.get()
}

private func requireSame(_ one: Verdict, _ other: Verdict, _ text: String) {
  require((one.error == nil) == (other.error == nil), "\(text): \(one.error as Any) and \(other.error as Any)")
  if one.error == nil {
    require(one.decoded == other.decoded, "\(text): other bytes")
  } else {
    // What a library had decoded before it found the fault may never come out.
    require(one.decoded.starts(with: other.decoded) || other.decoded.starts(with: one.decoded), "\(text): other bytes")
  }
}

private func check(_ bytes: [UInt8]) {
  var feed = Feed(bytes)
  let list = lists[Int(feed.byte()) % lists.count]
  let cuts = (0..<3).map { _ in (input: Int(feed.byte() % 48) + 1, output: Int(feed.byte()) * 3 + 1) }
  let body = feed.remainder()
  let budget = DecoderBudget(bytes: DecoderBudget.leastBytes)
  do {
    let decoder = ContentDecoder(list, budget: budget)
    if let whole = decode(body, by: decoder, [(max(1, body.count), 1 << 16)]) {
      compare(body, whole, list, cuts)
      if whole.error == nil {
        decoder.restart()
        guard let again = decode(body, by: decoder, cuts) else { fatalError("a second time it is larger") }
        requireSame(whole, again, "a second time")
      }
    }
    require(budget.reservedBytes >= decoder.reservedBytes, "less is charged than a decoder has")
  }
  require(budget.reservedBytes == 0, "memory is not given back")
}

private func compare(
  _ body: [UInt8],
  _ whole: Verdict,
  _ list: CodingList,
  _ cuts: [(input: Int, output: Int)]
) {
  for cuts in [cuts, [(1, 999)]] {
    let other = DecoderBudget(bytes: DecoderBudget.leastBytes)
    do {
      let decoder = ContentDecoder(list, budget: other)
      guard let cut = decode(body, by: decoder, cuts) else { fatalError("in pieces it is larger") }
      requireSame(whole, cut, "in pieces of \(cuts)")
      require(decoder.reservedBytes == other.reservedBytes, "another charge than the decoder has")
    }
    require(other.reservedBytes == 0, "memory is not given back in pieces")
  }
}

private func seeds() -> [[UInt8]] {
  let text = "a body, a body, and nothing but a body"
  let commands = [
    (0, "gzip -c"), (0, "sh -c 'gzip -c; printf more | gzip -c'"), (4, "gzip -c | tail -c +11 | head -c -8"),
    (3, "python3 -c 'import sys, zlib; sys.stdout.buffer.write(zlib.compress(sys.stdin.buffer.read()))'"),
    (6, "brotli -c"), (7, "brotli -c --lgwin=10"), (9, "zstd -qc"), (10, "zstd -qc --no-check -19"),
    (11, "sh -c 'zstd -qc; printf more | zstd -qc'"), (12, "gzip -c | gzip -c"), (13, "zstd -qc | gzip -c"),
    (14, "gzip -c | brotli -c"),
  ]
  return commands.map { choice, command in
    // Not by Foundation's Process, which leaks, and so the sanitizer would say.
    guard let output = popen("printf '%s' '\(text)' | \(command)", "r") else { fatalError("popen: \(errno)") }
    var encoded = [UInt8](repeating: 0, count: 1000)
    encoded.removeLast(encoded.count - fread(&encoded, 1, encoded.count, output))
    require(pclose(output) == 0 && !encoded.isEmpty, "\(command) does not encode")
    return [UInt8(choice), 9, 1, 3, 40, 47, 255] + encoded
  }
}

try runTarget(seeds: seeds()) { bytes, count in
  check(input(bytes, count))
  return 0
}
