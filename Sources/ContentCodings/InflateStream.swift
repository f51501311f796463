import CZlib

/// One layer of gzip (RFC 1952) or deflate, which means zlib (RFC 1950) and by many servers the bare RFC 1951.
///
/// zlib checks header, CRC and length of one member; what follows is this type's: another member, or bytes that mean
/// nothing (see ContentDecoder). Its state is kept for the next body.
final class InflateStream {
  /// libz allocates 7 KiB of state and a window of 32 KiB whatever the stream says.
  static let largestBytes = 48 << 10

  private enum State: Equatable {
    /// Nothing.
    case start
    /// The first byte of what may be a zlib header.
    case headerByte(UInt8)
    case body
    /// A gzip member, and so many bytes of the signature of another one.
    case gap(matched: Int)
    /// The stream: all that follows is ignored.
    case over
  }

  /// ID1, ID2 and CM (RFC 1952 section 2.3.1).
  private static let signature: [UInt8] = [0x1F, 0x8B, 8]

  private let coding: ContentCoding
  private let memory = CountedMemory(limitBytes: .max)
  /// At one address, which libz compares with what it has noted.
  private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
  private var isAllocated = false
  private var state = State.start
  var grantedBytes = 0

  /// `coding` is gzip or deflate.
  init(_ coding: ContentCoding) {
    self.coding = coding
    stream.initialize(to: z_stream())
  }

  deinit {
    freeMemory()
    stream.deallocate()
  }

  var allocatedBytes: Int { memory.usedBytes }
  var peakBytes: Int { memory.peakBytes }

  /// Whether a body may end here.
  var isComplete: Bool {
    switch state {
    case .start, .gap, .over: true
    case .headerByte, .body: false
    }
  }

  /// Ready for another body.
  func restart() { state = .start }

  /// Called between bodies or before anything is decoded.
  func freeMemory() {
    if isAllocated { inflateEnd(stream) }
    isAllocated = false
    grantedBytes = 0
  }

  func decode(_ passage: inout Passage) throws(CodingError) -> StreamStop {
    while true {
      switch state {
      case .start:
        guard passage.inputCount > 0 else { return .passed }
        guard grantedBytes >= Self.largestBytes else { return .needs(bytes: Self.largestBytes) }
        begin(&passage)
      case .headerByte(let first):
        guard passage.inputCount > 0 else { return .passed }
        // The check of RFC 1950 section 2.2.
        let isHeader = (Int(first) << 8 | Int(passage.input[0])) % 31 == 0
        reset(windowBits: isHeader ? MAX_WBITS : -MAX_WBITS)
        try feed([first], &passage)
      case .body:
        guard try inflateBody(&passage) else { return .passed }
        state = coding == .gzip ? .gap(matched: 0) : .over
      case .gap(let matched):
        guard passage.inputCount > 0 else { return .passed }
        guard passage.input[0] == Self.signature[matched] else {
          state = .over
          continue
        }
        passage.consume(1)
        if matched + 1 < Self.signature.count {
          state = .gap(matched: matched + 1)
        } else {
          reset(windowBits: MAX_WBITS + 16)
          try feed(Self.signature, &passage)
        }
      case .over:
        passage.consume(passage.inputCount)
        return .passed
      }
    }
  }

  private func begin(_ passage: inout Passage) {
    guard coding == .deflate else { return reset(windowBits: MAX_WBITS + 16) }
    let first = passage.input[0]
    // CM 8 and a window that exists (RFC 1950 section 2.2); with another first byte it cannot be zlib.
    guard first & 0x0F == 8, first >> 4 <= 7 else { return reset(windowBits: -MAX_WBITS) }
    passage.consume(1)
    state = .headerByte(first)
  }

  /// Makes libz expect another stream; above 16 it is gzip, below 0 without header (zlib.h, inflateInit2).
  private func reset(windowBits: Int32) {
    let status: Int32
    if isAllocated {
      status = inflateReset2(stream, windowBits)
    } else {
      stream.pointee = z_stream()
      stream.pointee.opaque = memory.opaque
      stream.pointee.zalloc = { opaque, items, size in
        opaque.flatMap { CountedMemory.of($0).allocate(Int(items) * Int(size)) }
      }
      stream.pointee.zfree = { opaque, address in
        if let opaque, let address { CountedMemory.of(opaque).free(address) }
      }
      status = trawl_inflateInit2(stream, windowBits)
    }
    precondition(status == Z_OK, "no memory for libz")
    isAllocated = true
    state = .body
  }

  /// Hands over bytes that were consumed before.
  private func feed(_ bytes: [UInt8], _ passage: inout Passage) throws(CodingError) {
    var count = bytes.count
    let status = bytes.withUnsafeBufferPointer { bytes -> Int32 in
      guard let start = bytes.baseAddress else { return Z_OK }
      return inflate(start, &count, &passage)
    }
    _ = try hasEnded(status)
    precondition(count == 0, "libz leaves bytes of a header")
  }

  /// Whether the end was reached.
  private func inflateBody(_ passage: inout Passage) throws(CodingError) -> Bool {
    var count = min(passage.inputCount, Int(Int32.max))
    let given = count
    let status = inflate(passage.input, &count, &passage)
    passage.consume(given - count)
    return try hasEnded(status)
  }

  /// `count`: what is left of the input then.
  private func inflate(_ input: UnsafePointer<UInt8>, _ count: inout Int, _ passage: inout Passage) -> Int32 {
    let room = UInt32(clamping: passage.outputCount)
    // libz does not write to its input (zconf.h, z_const).
    stream.pointee.next_in = UnsafeMutablePointer(mutating: input)
    stream.pointee.avail_in = UInt32(count)
    stream.pointee.next_out = passage.output
    stream.pointee.avail_out = room
    let status = CZlib.inflate(stream, Z_NO_FLUSH)
    count = Int(stream.pointee.avail_in)
    passage.produce(Int(room - stream.pointee.avail_out))
    return status
  }

  private func hasEnded(_ status: Int32) throws(CodingError) -> Bool {
    switch status {
    case Z_STREAM_END: return true
    // Z_BUF_ERROR: neither input nor room, which is no error (zlib.h).
    case Z_OK, Z_BUF_ERROR: return false
    case Z_NEED_DICT: throw .dictionaryNeeded(coding)
    case Z_DATA_ERROR:
      let reason = stream.pointee.msg.map { String(cString: $0) } ?? "invalid data"
      switch reason {
      case "incorrect data check", "incorrect length check", "header crc mismatch": throw .checksumMismatch(coding)
      default: throw .corrupt(coding, reason: reason)
      }
    case Z_MEM_ERROR: preconditionFailure("no memory for libz")
    default: preconditionFailure("inflate: \(status)")
    }
  }
}
