import ContentCodings
import Testing

@Suite struct MemoryTests {
  private static let page = Content.page(3000)

  /// Decodes, and compares what was charged with what the library had at most.
  private func measure(_ bytes: [UInt8], _ coding: ContentCoding, slackBytes: Int) throws {
    let budget = DecoderBudget()
    let decoder = ContentDecoder([coding], budget: budget)
    _ = try decode(bytes, with: decoder, Cuts(input: [100], output: [4096]))
    let peak = decoder.allocatedBytes.peak
    #expect(peak > 0 && decoder.reservedBytes == budget.reservedBytes)
    #expect(peak <= decoder.reservedBytes && decoder.reservedBytes <= peak + slackBytes)
    decoder.giveBack()
    #expect(budget.reservedBytes == 0 && decoder.allocatedBytes.now == 0)
  }

  @Test func `deflate is charged for its window`() throws {
    try measure(Encoder.gzip(Self.page), .gzip, slackBytes: 16 << 10)
    try measure(Encoder.zlib(Self.page, windowBits: 9), .deflate, slackBytes: 16 << 10)
    try measure(Encoder.zlib(Self.page, windowBits: -15), .deflate, slackBytes: 16 << 10)
  }

  @Test(arguments: 10...23)
  func `zstd is charged for the window of its frame`(_ bits: Int) throws {
    let encoded = try Encoder.zstd(Self.page, "--zstd=wlog=\(bits)")
    #expect(encoded[5] == UInt8(bits - 10) << 3)
    try measure(encoded, .zstd, slackBytes: 80 << 10)
  }

  @Test(arguments: [1, 255, 256, 4000, 70_000, 131_072, 131_073, 200_000, 8 << 20])
  func `zstd is charged for the content of a single segment`(_ count: Int) throws {
    let encoded = try Encoder.zstd(Content.page(count), "--stream-size=\(count)", "-1")
    // With a window of its own above what the level has.
    #expect(encoded[4] & 0x20 != 0 || count > 1 << 19)
    let decoder = ContentDecoder([.zstd], budget: DecoderBudget())
    _ = try decode(encoded, with: decoder, Cuts(input: [1000], output: [1000]))
    #expect(decoder.allocatedBytes.peak <= decoder.reservedBytes)
  }

  @Test(arguments: 10...24)
  func `br is charged for its window and the most tables there can be`(_ bits: Int) throws {
    let encoded = try Encoder.brotli(Self.page, "-q", "5", "--lgwin=\(bits)")
    try measure(encoded, .brotli, slackBytes: 2816 << 10)
    let decoder = ContentDecoder([.brotli], budget: DecoderBudget())
    _ = try decode(encoded, with: decoder)
    #expect(decoder.reservedBytes == 1 << bits + 2816 << 10)
  }

  @Test func `the most tables that br knows are within the charge`() throws {
    let decoder = ContentDecoder([.brotli], budget: DecoderBudget())
    // What would be the first prefix code is none.
    #expect(throws: CodingError.self) { try decode(Self.tables, with: decoder) }
    let tables = decoder.allocatedBytes.peak
    #expect(tables > 2600 << 10 && tables <= decoder.reservedBytes - 1 << 16)
  }

  /// A meta-block with 256 block types of each kind and 256 prefix codes for each (RFC 7932 section 9.2), up to these.
  private static let tables: [UInt8] = {
    var bits: [Bool] = []
    func append(_ value: Int, _ count: Int) { bits += (0..<count).map { value >> $0 & 1 == 1 } }
    func appendSingleSymbolCode(_ symbolBits: Int) {
      append(1, 2)
      append(0, 2 + symbolBits)
    }
    // A window of 16 bits; the last meta-block, not empty, of 65536 bytes.
    append(0, 1)
    append(0b0001, 4)
    append(0xFFFF, 16)
    for _ in 0..<3 {
      // 256 types, codes for type and count, a count of 1.
      append(0xFFF, 11)
      appendSingleSymbolCode(9)
      appendSingleSymbolCode(5)
      append(0, 2)
    }
    // NPOSTFIX 3 and NDIRECT 15 make the largest alphabet of distances; context modes.
    append(0x3F, 6)
    append(0, 2 * 256)
    for _ in 0..<2 {
      // 256 trees, no run lengths, a map of zeros, no transform.
      append(0xFFF, 11)
      append(0, 1)
      appendSingleSymbolCode(8)
      append(0, 1)
    }
    append(0, 64)
    return stride(from: 0, to: bits.count - 7, by: 8).map { start in
      (0..<8).reduce(0) { $0 | (bits[start + $1] ? 1 << $1 : 0) }
    }
  }()

  @Test func `nothing is charged before a stream says what it needs`() throws {
    let zstd = try Encoder.zstd(Self.page)
    for (coding, first, encoded) in [
      (ContentCoding.gzip, 0, try Encoder.gzip(Self.page)), (.deflate, 1, try Encoder.zlib(Self.page)),
      (.brotli, 0, try Encoder.brotli(Self.page)), (.zstd, 5, zstd),
    ] {
      let budget = DecoderBudget()
      let decoder = ContentDecoder([coding], budget: budget)
      let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
      defer { room.deallocate() }
      _ = try encoded.withUnsafeBytes { try decoder.decode(.init(rebasing: $0[..<first]), into: room) }
      #expect(coding == .deflate || budget.reservedBytes == 0)
      _ = try encoded.withUnsafeBytes { try decoder.decode(.init(rebasing: $0[first..<first + 1]), into: room) }
      #expect(budget.reservedBytes > 0)
    }
  }

  @Test(arguments: [[ContentCoding.gzip], [.deflate], [.brotli], [.zstd], [.gzip, .zstd]], [1, 4, 1 << 20])
  func `a body that finds no memory goes on when there is some`(_ codings: [ContentCoding], _ cut: Int) throws {
    let encoded = try codings.reduce(Self.page) { try Self.encode($0, $1) }
    let budget = DecoderBudget()
    #expect(budget.reserve(budget.limitBytes - 10))
    let decoder = ContentDecoder(CodingList(codings), budget: budget)
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { room.deallocate() }
    var decoded: [UInt8] = []
    var start = 0
    var refusals = 0
    repeat {
      let piece = Array(encoded[start..<min(encoded.count, start + cut)])
      switch try piece.withUnsafeBytes({ try decoder.decode($0, into: room) }) {
      case .progress(let consumed, let produced):
        start += consumed
        decoded += room[..<produced]
      case .needsMemory:
        #expect(decoder.reservedBytes == 0 && decoder.hasMore)
        refusals += 1
        if refusals == 3 { budget.release(budget.limitBytes - 10) }
      }
    } while start < encoded.count || decoder.hasMore
    try decoder.finish()
    #expect(decoded == Self.page && refusals == 3)
  }

  static func encode(_ content: [UInt8], _ coding: ContentCoding) throws -> [UInt8] {
    switch coding {
    case .gzip: try Encoder.gzip(content)
    case .deflate: try Encoder.zlib(content)
    case .brotli: try Encoder.brotli(content)
    case .zstd: try Encoder.zstd(content)
    }
  }

  @Test func `a frame with a larger window gives back before it asks for more`() throws {
    let small = try Encoder.zstd(Self.page, "--zstd=wlog=12")
    let large = try Encoder.zstd(Self.page, "--zstd=wlog=22")
    let budget = DecoderBudget()
    let decoder = ContentDecoder([.zstd], budget: budget)
    #expect(try decode(small, with: decoder) == Self.page)
    let first = decoder.reservedBytes
    decoder.restart()
    #expect(try decode(small + large + small, with: decoder) == Self.page + Self.page + Self.page)
    #expect(decoder.reservedBytes > first + 4 << 20 && decoder.allocatedBytes.peak <= decoder.reservedBytes)

    let other = ContentDecoder([.zstd], budget: budget)
    #expect(try decode(small, with: other) == Self.page)
    other.restart()
    let rest = budget.limitBytes - budget.reservedBytes
    #expect(budget.reserve(rest))
    #expect(throws: DecodingFault.noMemory) { try decode(small + large, with: other) }
    #expect(other.reservedBytes == 0 && budget.reservedBytes == budget.limitBytes - first)
  }

  @Test func `memory stays for the next body and is given back in the end`() throws {
    let budget = DecoderBudget()
    do {
      let decoder = ContentDecoder([.gzip], budget: budget)
      let encoded = try Encoder.gzip(Self.page)
      #expect(try decode(encoded, with: decoder) == Self.page)
      decoder.restart()
      let kept = budget.reservedBytes
      #expect(kept > 0 && decoder.allocatedBytes.now > 0)
      #expect(try decode(encoded, with: decoder) == Self.page)
      #expect(budget.reservedBytes == kept)
      decoder.giveBack()
      #expect(budget.reservedBytes == 0 && decoder.allocatedBytes.now == 0)
      #expect(try decode(encoded, with: decoder) == Self.page)
    }
    #expect(budget.reservedBytes == 0)
  }

  @Test(arguments: ContentCoding.allCases)
  func `a body that fails gives back`(_ coding: ContentCoding) throws {
    let budget = DecoderBudget()
    var encoded = try Self.encode(Self.page, coding)
    encoded.removeLast()
    do {
      let decoder = ContentDecoder([coding], budget: budget)
      #expect(throws: CodingError.truncated(coding)) { try decode(encoded, with: decoder) }
    }
    #expect(budget.reservedBytes == 0)
  }

  @Test func `threads share one budget`() async {
    let budget = DecoderBudget(bytes: DecoderBudget.leastBytes)
    let bytes = budget.limitBytes / 3
    let granted = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          var granted = 0
          for _ in 0..<2000 where budget.reserve(bytes) {
            granted += budget.reservedBytes <= budget.limitBytes ? 1 : .min / 2
            budget.release(bytes)
          }
          return granted
        }
      }
      return await group.reduce(0, +)
    }
    #expect(granted > 0 && budget.reservedBytes == 0)
    #expect(!budget.reserve(budget.limitBytes + 1) && budget.reserve(budget.limitBytes) && !budget.reserve(1))
  }
}
