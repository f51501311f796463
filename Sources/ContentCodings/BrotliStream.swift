import CBrotli

/// One layer of br (RFC 7932).
///
/// The first byte says how large the window is, and so what libbrotlidec may allocate. It has no way to begin again:
/// each body has a decoder of its own.
final class BrotliStream {
  /// All but the window. Nearly all of it are the tables of a meta-block: up to 256 prefix codes for literals, for
  /// insert-and-copy lengths and for distances (RFC 7932 section 9.2), with 630, 1080 and 920 entries of 4 bytes in
  /// libbrotlidec. They come and go within a call, so the most that a stream can ask for is charged.
  static let tableBytes = 2816 << 10
  /// 24 bits, the most there is without the large windows that RFC 7932 does not know.
  static let largestBytes = bytes(windowBits: 24)

  private enum State { case start, body, over }

  private let memory = CountedMemory(limitBytes: 0)
  private var decoder: OpaquePointer?
  private var state = State.start
  var grantedBytes = 0

  deinit { freeMemory() }

  static func bytes(windowBits: Int) -> Int { 1 << windowBits + tableBytes }

  /// WBITS (RFC 7932 section 9.1), wholly in the first byte of a stream; nil for the one pattern that has no meaning.
  static func windowBits(_ first: UInt8) -> Int? {
    guard first & 1 != 0 else { return 16 }
    let short = Int(first >> 1 & 7)
    if short > 0 { return 17 + short }
    let long = Int(first >> 4 & 7)
    return long == 0 ? 17 : long == 1 ? nil : 8 + long
  }

  var allocatedBytes: Int { memory.usedBytes }
  var peakBytes: Int { memory.peakBytes }

  /// Whether a body may end here.
  var isComplete: Bool { state != .body }

  /// Ready for another body.
  func restart() {
    destroy()
    state = .start
  }

  /// Called between bodies or before anything is decoded.
  func freeMemory() {
    destroy()
    grantedBytes = 0
  }

  func decode(_ passage: inout Passage) throws(CodingError) -> StreamStop {
    if state == .start {
      guard passage.inputCount > 0 else { return .passed }
      guard let windowBits = Self.windowBits(passage.input[0]) else {
        throw .corrupt(.brotli, reason: "a large window, which RFC 7932 does not allow")
      }
      let bytes = Self.bytes(windowBits: windowBits)
      guard grantedBytes >= bytes else { return .needs(bytes: bytes) }
      create()
    }
    if state == .body { try decodeBody(&passage) }
    if state == .over { passage.consume(passage.inputCount) }
    return .passed
  }

  private func create() {
    memory.limitBytes = grantedBytes
    decoder = BrotliDecoderCreateInstance(
      { opaque, bytes in opaque.flatMap { CountedMemory.of($0).allocate(bytes) } },
      { opaque, address in
        if let opaque, let address { CountedMemory.of(opaque).free(address) }
      },
      memory.opaque
    )
    precondition(decoder != nil, "no memory for libbrotlidec")
    // The whole window at once: growing, it would be there twice. Pages that are not written to cost nothing.
    BrotliDecoderSetParameter(decoder, BROTLI_DECODER_PARAM_DISABLE_RING_BUFFER_REALLOCATION, 1)
    state = .body
  }

  private func destroy() {
    if let decoder { BrotliDecoderDestroyInstance(decoder) }
    decoder = nil
  }

  private func decodeBody(_ passage: inout Passage) throws(CodingError) {
    var inputCount = passage.inputCount
    var outputCount = passage.outputCount
    var input: UnsafePointer<UInt8>? = passage.input
    var output: UnsafeMutablePointer<UInt8>? = passage.output
    let result = BrotliDecoderDecompressStream(decoder, &inputCount, &input, &outputCount, &output, nil)
    passage.consume(passage.inputCount - inputCount)
    passage.produce(passage.outputCount - outputCount)
    switch result {
    case BROTLI_DECODER_RESULT_SUCCESS:
      destroy()
      state = .over
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT, BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: break
    default:
      let text = BrotliDecoderErrorString(BrotliDecoderGetErrorCode(decoder))
      throw .corrupt(.brotli, reason: text.map { String(cString: $0) } ?? "invalid data")
    }
  }
}
