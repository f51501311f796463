import ContentCodings
import Testing

@Suite struct CodingTests {
  /// One coding of one body by one encoder.
  struct Sample: Sendable, CustomTestStringConvertible {
    let name: String
    let coding: ContentCoding
    let content: [UInt8]
    let encoded: [UInt8]

    var testDescription: String { name }
  }

  private static let page = Content.page(3000)

  static let samples: [Sample] = {
    do { return try makeSamples() } catch { preconditionFailure("\(error)") }
  }()

  private static func makeSamples() throws -> [Sample] {
    let noise = Content.noise(700)
    var samples: [Sample] = []
    func add(_ name: String, _ coding: ContentCoding, _ content: [UInt8], _ encoded: [UInt8]) {
      samples.append(Sample(name: name, coding: coding, content: content, encoded: encoded))
    }
    for (name, content) in [("page", page), ("noise", noise), ("nothing", []), ("one byte", [0x61])] {
      add("gzip of \(name)", .gzip, content, try Encoder.gzip(content))
      add("gzip with all fields of \(name)", .gzip, content, try Encoder.fullGzip(content))
      add("zlib of \(name)", .deflate, content, try Encoder.zlib(content))
      add("zlib with a small window of \(name)", .deflate, content, try Encoder.zlib(content, windowBits: 9))
      add("raw deflate of \(name)", .deflate, content, try Encoder.zlib(content, windowBits: -15))
      add("stored raw deflate of \(name)", .deflate, content, try Encoder.zlib(content, windowBits: -15, level: 0))
      add("br of \(name)", .brotli, content, try Encoder.brotli(content))
      add("br with a small window of \(name)", .brotli, content, try Encoder.brotli(content, "-q", "5", "--lgwin=10"))
      add("zstd of \(name)", .zstd, content, try Encoder.zstd(content))
      add("zstd without check of \(name)", .zstd, content, try Encoder.zstd(content, "--no-check", "-19"))
    }
    let members = try Encoder.gzip(page) + Encoder.gzip([]) + Encoder.fullGzip(noise)
    add("gzip of three members", .gzip, page + noise, members)
    let skippable: [UInt8] = [0x5A, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 0x28, 0xB5, 0x2F]
    let empty: [UInt8] = [0x50, 0x2A, 0x4D, 0x18, 0, 0, 0, 0]
    let frames = try skippable + Encoder.zstd(page) + empty + Encoder.zstd(noise, "--no-check") + skippable
    add("zstd of two frames and skippable ones", .zstd, page + noise, frames)
    add("zstd of skippable frames alone", .zstd, [], skippable + empty)
    return samples
  }

  @Test(arguments: samples)
  func `a body is decoded the same, wherever it is cut`(_ sample: Sample) throws {
    var generator = SeededGenerator(state: 3)
    func sizes(_ most: Int) -> [Int] { (0..<7).map { _ in Int.random(in: 1...most, using: &generator) } }
    let decoder = ContentDecoder(CodingList([sample.coding]), budget: DecoderBudget())
    for output in [[1 << 16], [1], [3, 1, 7], sizes(500)] {
      for input in [[1 << 30], [1], [2, 1, 3], sizes(12), sizes(200)] {
        let cuts = Cuts(input: input, output: output)
        #expect(try decode(sample.encoded, with: decoder, cuts) == sample.content, "\(cuts)")
        #expect(decoder.decodedBytes == sample.content.count)
        decoder.restart()
      }
    }
  }

  @Test(arguments: samples)
  func `a body is decoded the same, cut into two anywhere`(_ sample: Sample) throws {
    let decoder = ContentDecoder(CodingList([sample.coding]), budget: DecoderBudget())
    for position in stride(from: 1, to: sample.encoded.count, by: sample.encoded.count > 500 ? 7 : 1) {
      let cuts = Cuts(input: [position, 1 << 30], output: [1 << 16])
      #expect(try decode(sample.encoded, with: decoder, cuts) == sample.content, "\(position)")
      decoder.restart()
    }
  }

  @Test(arguments: samples)
  func `a body that ends early is truncated, wherever it ends`(_ sample: Sample) throws {
    for count in 1..<sample.encoded.count {
      let decoder = ContentDecoder(CodingList([sample.coding]), budget: DecoderBudget())
      do {
        let decoded = try decode(Array(sample.encoded[..<count]), with: decoder, Cuts(input: [count], output: [64]))
        // Between members and frames it may end, and what has begun another one may be bytes without meaning.
        #expect(sample.name.contains("frames") || sample.name.contains("members"), "\(count)")
        #expect(sample.content.starts(with: decoded))
      } catch let error as CodingError {
        #expect(error == .truncated(sample.coding), "\(count)")
      }
    }
  }

  @Test(arguments: samples)
  func `a decoder begins anew within a body as well`(_ sample: Sample) throws {
    let decoder = ContentDecoder(CodingList([sample.coding]), budget: DecoderBudget())
    for count in stride(from: 1, to: sample.encoded.count, by: 13) {
      let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 1)
      defer { room.deallocate() }
      _ = try sample.encoded.withUnsafeBytes { try decoder.decode(.init(rebasing: $0[..<count]), into: room) }
      if count % 2 == 0 { decoder.giveBack() } else { decoder.restart() }
      #expect(try decode(sample.encoded, with: decoder) == sample.content, "\(count)")
      decoder.restart()
    }
  }

  @Test(arguments: ContentCoding.allCases)
  func `a body without bytes is complete`(_ coding: ContentCoding) throws {
    let budget = DecoderBudget()
    let decoder = ContentDecoder(CodingList([coding, coding]), budget: budget)
    #expect(try decode([], with: decoder).isEmpty)
    #expect(budget.reservedBytes == 0)
    #expect(try decode([], coding).isEmpty)
  }

  @Test func `a corpus of real size is decoded`() throws {
    let content = Content.page(600_000) + Content.noise(200_000) + Content.page(400_000)
    #expect(try decode(Encoder.gzip(content, "-1"), .gzip) == content)
    #expect(try decode(Encoder.zlib(content, windowBits: -9), .deflate) == content)
    #expect(try decode(Encoder.brotli(content, "-q", "9"), .brotli) == content)
    #expect(try decode(Encoder.zstd(content, "-19"), .zstd, cuts: Cuts(input: [1000], output: [777])) == content)
  }
}
