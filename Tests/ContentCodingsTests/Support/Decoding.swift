import ContentCodings

/// Where input and output are cut: these sizes over and over.
struct Cuts: Sendable {
  var input = [1 << 30]
  var output = [1 << 16]
}

enum DecodingFault: Error, Equatable {
  case noMemory
  /// A call did nothing and said so as if it had.
  case standstill
  case beyondOutput
}

/// Decodes one body to its end with a decoder that may have decoded others.
func decode(_ bytes: [UInt8], with decoder: ContentDecoder, _ cuts: Cuts = Cuts()) throws -> [UInt8] {
  var decoded: [UInt8] = []
  try decode(bytes, with: decoder, cuts) { decoded += $0 }
  return decoded
}

/// Hands over what is decoded piece by piece, and checks what holds for each call.
func decode(
  _ bytes: [UInt8],
  with decoder: ContentDecoder,
  _ cuts: Cuts = Cuts(),
  _ take: (UnsafeRawBufferPointer) -> Void
) throws {
  let canary: UInt8 = 0xA5
  let room = cuts.output.max() ?? 1
  let output = UnsafeMutableRawBufferPointer.allocate(byteCount: room + 1, alignment: 1)
  defer { output.deallocate() }
  var turn = 0
  try bytes.withUnsafeBytes { bytes in
    var start = 0
    repeat {
      let end = min(bytes.count, start + cuts.input[turn % cuts.input.count])
      let count = cuts.output[turn % cuts.output.count]
      output[count] = canary
      let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      let step = try decoder.decode(piece, into: UnsafeMutableRawBufferPointer(rebasing: output[..<count]))
      guard case .progress(let consumed, let produced) = step else { throw DecodingFault.noMemory }
      guard output[count] == canary, produced <= count else { throw DecodingFault.beyondOutput }
      guard consumed + produced > 0 || piece.isEmpty || decoder.hasMore else { throw DecodingFault.standstill }
      take(UnsafeRawBufferPointer(rebasing: output[..<produced]))
      start += consumed
      turn += 1
    } while start < bytes.count || decoder.hasMore
  }
  try decoder.finish()
}

/// Decodes one body by a decoder of its own; its memory is back afterwards.
func decode(_ bytes: [UInt8], _ codings: ContentCoding..., cuts: Cuts = Cuts()) throws -> [UInt8] {
  let budget = DecoderBudget()
  do {
    return try decode(bytes, with: ContentDecoder(CodingList(codings), budget: budget), cuts)
  }
}

/// Why a body cannot be decoded; nil if it can.
func failure(_ bytes: [UInt8], _ codings: ContentCoding..., cuts: Cuts = Cuts()) throws -> CodingError? {
  do {
    _ = try decode(bytes, with: ContentDecoder(CodingList(codings), budget: DecoderBudget()), cuts)
    return nil
  } catch let error as CodingError {
    return error
  }
}
