import CZstd

/// One layer of zstd (RFC 8878): frames, and skippable ones between them.
///
/// The header of a frame is collected and read here before libzstd sees it, for it decides about memory. The context
/// is kept for the next frame and the next body; it never has more than the largest window so far needs.
final class ZstdStream {
  /// RFC 9659 section 3.
  static let largestWindowBytes: UInt64 = 8 << 20
  static let largestBytes = bytes(windowBytes: largestWindowBytes)

  private enum State: Equatable {
    /// So many bytes of the header of a frame.
    case header(Int)
    /// The whole header of a frame, and memory for it is to be granted.
    case ready(Int, neededBytes: Int)
    case body
    case skippable(remainingBytes: Int)
    /// All frames: whatever follows is ignored.
    case over
  }

  private let header = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: ZstdFrameHeader.mostBytes)
  private var context: OpaquePointer?
  private var state = State.header(0)
  /// Whether a frame has ended already.
  private var isContinued = false
  /// Whether libzstd had no room for all that it had.
  private var isFull = false
  var grantedBytes = 0
  private(set) var peakBytes = 0

  deinit {
    freeMemory()
    header.deallocate()
  }

  /// libzstd allocates a context of 94 KiB (1.5.4), and for a frame its window, three blocks (of at most 128 KiB,
  /// RFC 8878 section 3.1.1.2.4) and 64 bytes.
  static func bytes(windowBytes: UInt64) -> Int {
    let window = Int(min(windowBytes, largestWindowBytes))
    return 160 << 10 + window + 3 * min(window, 128 << 10)
  }

  var allocatedBytes: Int { context.map { ZSTD_sizeof_DCtx($0) } ?? 0 }

  /// Whether a body may end here; what may have become the magic number of a further frame has been nothing then.
  var isComplete: Bool {
    switch state {
    case .header(let count): count == 0 || (isContinued && count < 4)
    case .over: true
    case .ready, .body, .skippable: false
    }
  }

  /// Ready for another body.
  func restart() {
    if let context { ZSTD_DCtx_reset(context, ZSTD_reset_session_only) }
    state = .header(0)
    isContinued = false
    isFull = false
  }

  /// Called between bodies or frames.
  func freeMemory() {
    if let context { ZSTD_freeDCtx(context) }
    context = nil
    grantedBytes = 0
  }

  func decode(_ passage: inout Passage) throws(CodingError) -> StreamStop {
    while true {
      switch state {
      case .header(let count):
        guard passage.inputCount > 0 else { return .passed }
        header[count] = passage.input[0]
        passage.consume(1)
        try read(headerBytes: count + 1)
      case .ready(let count, let neededBytes):
        guard grantedBytes >= neededBytes else { return .needs(bytes: neededBytes) }
        try begin(headerBytes: count, &passage)
      case .body:
        // libzstd takes repeated calls with nothing to do for a mistake.
        guard passage.outputCount > 0, passage.inputCount > 0 || isFull else { return .passed }
        let given = passage.inputCount
        let left = try decompress(UnsafeBufferPointer(start: passage.input, count: given), &passage)
        passage.consume(given - left)
      case .skippable(let remaining):
        let count = min(remaining, passage.inputCount)
        passage.consume(count)
        if count == remaining { endFrame() } else { state = .skippable(remainingBytes: remaining - count) }
        if count < remaining { return .passed }
      case .over:
        passage.consume(passage.inputCount)
        return .passed
      }
    }
  }

  private func read(headerBytes count: Int) throws(CodingError) {
    switch ZstdFrameHeader(UnsafeBufferPointer(rebasing: header[..<count])) {
    case .incomplete: state = .header(count)
    case .foreign:
      guard isContinued else { throw .corrupt(.zstd, reason: "no magic number") }
      state = .over
    case .skippable(let bytes): state = .skippable(remainingBytes: bytes)
    case .frame(let windowBytes, let hasDictionary):
      guard !hasDictionary else { throw .dictionaryNeeded(.zstd) }
      guard windowBytes <= Self.largestWindowBytes else { throw .windowTooLarge(.zstd, bytes: windowBytes) }
      state = .ready(count, neededBytes: Self.bytes(windowBytes: windowBytes))
    }
  }

  private func begin(headerBytes count: Int, _ passage: inout Passage) throws(CodingError) {
    if context == nil {
      guard let created = ZSTD_createDCtx() else { preconditionFailure("no memory for libzstd") }
      ZSTD_DCtx_setParameter(created, ZSTD_d_windowLogMax, Int32(Self.largestWindowBytes.trailingZeroBitCount))
      context = created
    }
    state = .body
    let left = try decompress(UnsafeBufferPointer(rebasing: header[..<count]), &passage)
    precondition(left == 0, "libzstd leaves bytes of a header")
  }

  /// How many bytes of the input are left.
  private func decompress(_ bytes: UnsafeBufferPointer<UInt8>, _ passage: inout Passage) throws(CodingError) -> Int {
    var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
    var output = ZSTD_outBuffer(dst: passage.output, size: passage.outputCount, pos: 0)
    let result = ZSTD_decompressStream(context, &output, &input)
    guard ZSTD_isError(result) == 0 else { throw Self.error(result) }
    passage.produce(output.pos)
    isFull = passage.outputCount == 0
    peakBytes = max(peakBytes, allocatedBytes)
    if result == 0 { endFrame() }
    return input.size - input.pos
  }

  private func endFrame() {
    state = .header(0)
    isContinued = true
    isFull = false
  }

  private static func error(_ result: Int) -> CodingError {
    switch ZSTD_getErrorCode(result) {
    case ZSTD_error_checksum_wrong: .checksumMismatch(.zstd)
    case ZSTD_error_dictionary_wrong: .dictionaryNeeded(.zstd)
    case ZSTD_error_memory_allocation: preconditionFailure("no memory for libzstd")
    default: .corrupt(.zstd, reason: String(cString: ZSTD_getErrorName(result)))
    }
  }
}
