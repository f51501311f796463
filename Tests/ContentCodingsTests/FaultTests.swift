import ContentCodings
import Testing

@Suite struct FaultTests {
  private static let page = Content.page(400)

  /// The same failure in pieces of any size.
  private func expect(_ bytes: [UInt8], _ coding: ContentCoding, _ expected: CodingError?) throws {
    for cuts in [Cuts(), Cuts(input: [1], output: [1 << 16]), Cuts(input: [3, 1, 2], output: [1, 5])] {
      #expect(try failure(bytes, coding, cuts: cuts) == expected, "\(cuts)")
    }
  }

  /// Corrupt, whatever the library's words for it are.
  private func expectCorrupt(_ bytes: [UInt8], _ coding: ContentCoding) throws {
    for cuts in [Cuts(), Cuts(input: [1], output: [1 << 16]), Cuts(input: [3, 1, 2], output: [1, 5])] {
      let error = try failure(bytes, coding, cuts: cuts)
      guard case .corrupt(coding, _) = error else {
        Issue.record("\(String(describing: error)) with \(cuts)")
        return
      }
    }
  }

  @Test func `a bit that has changed is noticed by codings with a check`() throws {
    let samples: [(ContentCoding, [UInt8])] = [
      (.gzip, try Encoder.gzip(Self.page)), (.gzip, try Encoder.fullGzip(Self.page)),
      (.deflate, try Encoder.zlib(Self.page)), (.zstd, try Encoder.zstd(Self.page)),
    ]
    for (coding, encoded) in samples {
      for bit in 0..<encoded.count * 8 {
        var changed = encoded
        changed[bit / 8] ^= 1 << (bit % 8)
        do {
          // Times and names are not part of the body.
          #expect(try decode(changed, coding) == Self.page, "\(coding) bit \(bit)")
        } catch is CodingError { continue }
      }
    }
  }

  @Test(arguments: [1, 4, 5, 8])
  func `check sum and length of gzip are compared`(_ fromEnd: Int) throws {
    var encoded = try Encoder.gzip(Self.page)
    encoded[encoded.count - fromEnd] ^= 0x10
    try expect(encoded, .gzip, .checksumMismatch(.gzip))
  }

  @Test func `the check sum of a gzip header is compared`() throws {
    var encoded = try Encoder.fullGzip(Self.page)
    let comment = try #require(encoded.firstIndex(of: UInt8(ascii: "m")))
    encoded[comment] ^= 1
    try expect(encoded, .gzip, .checksumMismatch(.gzip))
  }

  @Test func `the check sums of zlib and zstd are compared`() throws {
    for (coding, encoded) in [
      (ContentCoding.deflate, try Encoder.zlib(Self.page)), (.zstd, try Encoder.zstd(Self.page)),
    ] {
      var encoded = encoded
      encoded[encoded.count - 1] ^= 1
      try expect(encoded, coding, .checksumMismatch(coding))
    }
  }

  @Test(arguments: ContentCoding.allCases)
  func `a body that is not encoded is corrupt`(_ coding: ContentCoding) throws {
    // As raw deflate "<" is a block type that does not exist, as br a window and a reserved bit.
    try expectCorrupt(Array("<!DOCTYPE html><html><head><title>Plain</title></head></html>".utf8), coding)
  }

  @Test func `a zlib header that is followed by something else is corrupt`() throws {
    try expectCorrupt([0x78, 0x9C] + Array(repeating: 0xFF, count: 20), .deflate)
  }

  @Test func `reserved flags of a gzip header are refused`() throws {
    try expectCorrupt([0x1F, 0x8B, 8, 0x80, 0, 0, 0, 0, 0, 3] + Array(repeating: 0, count: 20), .gzip)
    try expectCorrupt([0x1F, 0x8B, 7, 0, 0, 0, 0, 0, 0, 3] + Array(repeating: 0, count: 20), .gzip)
  }

  @Test func `frames of zstd before its standard are refused`() throws {
    for first in 0x1E...0x27 as ClosedRange<UInt8> { try expectCorrupt([first, 0xB5, 0x2F, 0xFD, 0, 0, 0, 0], .zstd) }
  }

  // RFC 8878 section 3.1.1.1: a window descriptor, or a content size that stands for it.
  @Test(
    arguments: [
      ([0x00, 0x69], 9 << 20), ([0x00, 0x70], 16 << 20), ([0x00, 0xFF], 0x3C0_0000_0000),
      ([0xA0, 0x01, 0x00, 0x80, 0x00], 8 << 20 + 1), ([0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80], 1 << 63),
      ([0xA3, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], 0xFFFF_FFFF),
    ] as [([UInt8], UInt64)]
  )
  func `a window of zstd above 8 mebibytes is refused`(_ header: [UInt8], _ window: UInt64) throws {
    let bytes = [0x28, 0xB5, 0x2F, 0xFD] + header
    try expect(bytes, .zstd, .windowTooLarge(.zstd, bytes: window))
    // Before libzstd has allocated anything.
    let budget = DecoderBudget()
    let decoder = ContentDecoder([.zstd], budget: budget)
    #expect(throws: CodingError.self) { try decode(bytes, with: decoder) }
    #expect(budget.reservedBytes == 0 && decoder.allocatedBytes.peak == 0)
  }

  @Test func `windows of encoders above the cap are refused`() throws {
    let long = try Encoder.zstd(Content.page(3000), "--ultra", "--long=27")
    try expect(long, .zstd, .windowTooLarge(.zstd, bytes: 1 << 27))
    let large = try Encoder.brotli(Content.page(3000), "--large_window=27")
    let reason = "a large window, which RFC 7932 does not allow"
    try expect(large, .brotli, .corrupt(.brotli, reason: reason))
  }

  @Test func `a dictionary is refused`() throws {
    for header in [[0x01, 0x00, 7], [0x02, 0x00, 0, 1], [0x23, 0, 0, 0, 9, 5]] as [[UInt8]] {
      try expect([0x28, 0xB5, 0x2F, 0xFD] + header, .zstd, .dictionaryNeeded(.zstd))
    }
    // FDICT and the dictionary's check sum (RFC 1950 section 2.2).
    try expect([0x78, 0xBB, 1, 2, 3, 4, 0x4B, 0x04, 0], .deflate, .dictionaryNeeded(.deflate))
  }

  @Test(arguments: CodingTests.samples.filter { !$0.content.isEmpty })
  func `bytes after the end are ignored`(_ sample: CodingTests.Sample) throws {
    let zeros = Array(repeating: 0 as UInt8, count: 50_000)
    for trailer in [
      [0], zeros, Array("<!-- cached -->".utf8), [0x1F], [0x1F, 0x8B], [0x28, 0xB5, 0x2F], [0x50, 0x2A],
    ] {
      for cuts in [Cuts(), Cuts(input: [1], output: [999])] where trailer.count < 100 || cuts.input != [1] {
        #expect(
          try decode(sample.encoded + trailer, sample.coding, cuts: cuts) == sample.content,
          "\(trailer.prefix(9))"
        )
      }
    }
  }

  @Test func `what begins as another member has to be one`() throws {
    let gzip = try Encoder.gzip(Self.page)
    try expect(gzip + [0x1F, 0x8B, 8], .gzip, .truncated(.gzip))
    try expect(gzip + gzip[..<(gzip.count - 1)], .gzip, .truncated(.gzip))
    try expectCorrupt(gzip + [0x1F, 0x8B, 8, 0xFF, 0, 0, 0, 0, 0, 0], .gzip)
    let zstd = try Encoder.zstd(Self.page)
    try expect(zstd + [0x28, 0xB5, 0x2F, 0xFD], .zstd, .truncated(.zstd))
    try expect(zstd + [0x50, 0x2A, 0x4D, 0x18, 1, 0, 0, 0], .zstd, .truncated(.zstd))
    try expect(zstd + [0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xFF], .zstd, .windowTooLarge(.zstd, bytes: 0x3C0_0000_0000))
  }

  @Test func `a failure says what and of which coding`() {
    let texts = [
      CodingError.corrupt(.gzip, reason: "incorrect header check"), .checksumMismatch(.zstd), .truncated(.brotli),
      .windowTooLarge(.zstd, bytes: 9), .dictionaryNeeded(.deflate),
    ].map(\.description)
    #expect(
      texts == [
        "the gzip coding of the body is invalid: incorrect header check",
        "the body does not match the check of its zstd coding", "the body ends within its br coding",
        "the zstd coding of the body needs a window of 9 bytes, more than is allowed",
        "the deflate coding of the body needs a dictionary",
      ]
    )
  }
}
