import ContentCodings
import Testing

@Suite struct LayerTests {
  private static let page = Content.page(20_000)

  @Test(arguments: [
    [ContentCoding.gzip, .gzip], [.gzip, .brotli], [.zstd, .deflate], [.deflate, .gzip, .zstd, .brotli],
    [.gzip, .gzip, .gzip, .gzip, .gzip], [.zstd, .brotli, .deflate, .gzip, .zstd],
  ])
  func `codings are taken off in reverse, wherever the body is cut`(_ codings: [ContentCoding]) throws {
    let encoded = try codings.reduce(Self.page) { try MemoryTests.encode($0, $1) }
    let budget = DecoderBudget()
    let decoder = ContentDecoder(CodingList(codings), budget: budget)
    for cuts in [Cuts(), Cuts(input: [1], output: [1 << 16]), Cuts(input: [9, 200], output: [1, 999, 7])] {
      #expect(try decode(encoded, with: decoder, cuts) == Self.page)
      #expect(decoder.allocatedBytes.peak <= decoder.reservedBytes && decoder.decodedBytes >= Self.page.count)
      decoder.restart()
    }
    decoder.giveBack()
    #expect(budget.reservedBytes == 0)
  }

  @Test func `a fault is that of the layer it is in`() throws {
    let inner = try Encoder.brotli(Self.page)
    #expect(try failure(Encoder.gzip(Array(inner.dropLast())), .brotli, .gzip) == .truncated(.brotli))
    #expect(try failure(Array(Encoder.gzip(inner).dropLast()), .brotli, .gzip) == .truncated(.gzip))
    #expect(try failure(Encoder.zstd(inner), .zstd, .zstd) == .corrupt(.zstd, reason: "no magic number"))
    #expect(try decode(Encoder.gzip([]), .brotli, .gzip).isEmpty)
  }

  @Test func `five layers of the largest windows fit into the smallest budget`() throws {
    var encoded = Self.page
    for _ in 0..<5 { encoded = try Encoder.brotli(encoded, "-q", "5", "--lgwin=24") }
    let budget = DecoderBudget(bytes: DecoderBudget.leastBytes)
    let decoder = ContentDecoder(CodingList(Array(repeating: ContentCoding.brotli, count: 5)), budget: budget)
    #expect(try decode(encoded, with: decoder) == Self.page)
  }
}

@Suite struct BombTests {
  /// Counts what comes out, which is all zeros, up to a limit.
  private func countZeros(_ bytes: [UInt8], _ codings: [ContentCoding]) throws -> (count: Int, peak: Int) {
    let decoder = ContentDecoder(CodingList(codings), budget: DecoderBudget())
    var count = 0
    var allZero = true
    try decode(bytes, with: decoder) { piece in
      allZero =
        allZero && (piece.isEmpty || (piece[0] == 0 && piece[piece.count / 2] == 0 && piece[piece.count - 1] == 0))
      count += piece.count
    }
    #expect(allZero && decoder.allocatedBytes.peak <= decoder.reservedBytes)
    return (count, decoder.reservedBytes)
  }

  private func zeros(_ mebibytes: Int) -> [UInt8] { Array(repeating: 0, count: mebibytes << 20) }

  private func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] { Array((0..<count).map { _ in bytes }.joined()) }

  @Test func `a gibibyte of zeros is decoded in little memory`() throws {
    let gzip = try countZeros(repeated(Encoder.gzip(zeros(16)), 64), [.gzip])
    #expect(gzip.count == 1 << 30 && gzip.peak <= 48 << 10)
    let zstd = try countZeros(repeated(Encoder.zstd(zeros(16)), 64), [.zstd])
    #expect(zstd.count == 1 << 30 && zstd.peak <= 4 << 20)
    let script = "head -c 1073741824 /dev/zero | brotli -q 1 -c --lgwin=18"
    let brotli = try countZeros(Encoder.run(["sh", "-c", script], []), [.brotli])
    #expect(brotli.count == 1 << 30 && brotli.peak <= 4 << 20)
    let deflate = try countZeros(Encoder.zlib(zeros(256)), [.deflate])
    #expect(deflate.count == 256 << 20 && deflate.peak <= 48 << 10)
  }

  @Test func `a bomb in a bomb is decoded in little memory`() throws {
    let once = try repeated(Encoder.gzip(zeros(16)), 16)
    let twice = try Encoder.gzip(once)
    #expect(twice.count < 8000)
    let gzip = try countZeros(twice, [.gzip, .gzip])
    #expect(gzip.count == 256 << 20 && gzip.peak <= 128 << 10)
  }

  @Test func `what layers make for nothing is done in parts and counted`() throws {
    // 64 MiB that the inner layer ignores.
    let inner = try Encoder.gzip([1, 2, 3]) + zeros(64)
    let encoded = try Encoder.gzip(inner)
    let decoder = ContentDecoder([.gzip, .gzip], budget: DecoderBudget())
    let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 1)
    defer { room.deallocate() }
    var start = 0
    var calls = 0
    var before: UInt64 = 0
    repeat {
      let piece = Array(encoded[start...])
      guard
        case .progress(let consumed, let produced) = try piece.withUnsafeBytes({ try decoder.decode($0, into: room) })
      else { throw DecodingFault.noMemory }
      #expect(decoder.decodedBytes - before <= 2 << 20 && produced <= 3)
      before = decoder.decodedBytes
      start += consumed
      calls += 1
    } while start < encoded.count || decoder.hasMore
    try decoder.finish()
    #expect(calls >= 32 && decoder.decodedBytes == UInt64(inner.count) + 3)
  }
}
