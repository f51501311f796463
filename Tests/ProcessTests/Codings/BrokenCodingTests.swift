import Foundation
import Testing

/// A body that is not what its coding says fails, once, and takes its connection with it.
@Suite struct `A broken coding` {
  let bench: CodingBench
  let plain = Plain.page(lines: 2_000)

  init() throws { bench = try CodingBench() }

  /// Runs the broken body in every framing, each followed by a whole one, with one connection at a time.
  private func expectFailure(
    _ body: [UInt8],
    _ coding: String,
    saying words: String,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    try bench.server.put("broken", body)
    try bench.server.put("plain", plain)
    let framings = EncodingServer.Framing.allCases
    let rows = framings.flatMap { [bench.server.url("broken", [coding], $0), bench.server.url("plain")] }
    // Retries are allowed, and there are none.
    let options = ["--compressed", "--per-origin", "1", "--retry", "2"]
    let before = try bench.server.log().count
    let found = try bench.fetch(rows, options)
    for seq in stride(from: 0, to: rows.count, by: 2) {
      try found.expectInvalid(seq, saying: words, sourceLocation: sourceLocation)
      #expect(found.wireBytes(seq) ?? 0 <= body.count, sourceLocation: sourceLocation)
      try found.expect(seq + 1, plain: plain, wireBytes: plain.count, sourceLocation: sourceLocation)
    }
    let log = try bench.server.log().dropFirst(before)
    #expect(log.count == rows.count, "each is asked for once", sourceLocation: sourceLocation)
    let used = log.filter { $0.target.hasPrefix("/broken") }.map(\.connection)
    for connection in used {
      // Nothing comes after it on its connection.
      #expect(
        log.last { $0.connection == connection }?.target.hasPrefix("/broken") == true,
        "\(log)",
        sourceLocation: sourceLocation
      )
    }
  }

  @Test(arguments: Encoder.all) func `is one that ends early though the message is whole`(_ encoder: Encoder) throws {
    let whole = try bench.sandbox.encode(plain, encoder)
    // Within the check sum where there is one, within the data, and within the first bytes.
    for count in [whole.count - 1, whole.count / 2, 1] {
      try expectFailure(Array(whole.prefix(count)), encoder.coding, saying: "ends within its \(encoder.coding)")
    }
  }

  @Test func `is one whose check does not match`() throws {
    // Check sums stand at the end: CRC and length of gzip, Adler of zlib, XXH64 of zstd (its tool writes one).
    let cases: [(encoder: Encoder, back: Int)] = [(.gzip, 8), (.gzip, 1), (.zlib, 1), (.zstd, 1)]
    for (encoder, back) in cases {
      var body = try bench.sandbox.encode(plain, encoder)
      body[body.count - back] ^= 0x01
      try expectFailure(body, encoder.coding, saying: "does not match the check of its \(encoder.coding)")
    }
  }

  @Test(arguments: ["gzip", "br", "zstd"]) func `is one that was never there`(coding: String) throws {
    try expectFailure(plain, coding, saying: "the \(coding) coding of the body is invalid")
  }

  @Test func `is an inner one as well`() throws {
    let inner = Array(try bench.sandbox.encode(plain, .brotli).dropLast(3))
    try expectFailure(try bench.sandbox.encode(inner, .gzip), "br, gzip", saying: "ends within its br")
  }

  @Test func `keeps the status of an error that would be retried`() throws {
    try bench.server.put("broken", Array(try bench.sandbox.encode(plain, .gzip).dropLast()))
    let url = bench.server.url("broken", ["gzip"], .length, "status=503")
    let record = try bench.fetch([url], ["--compressed", "--retry", "2"])[0]
    #expect(record.status == 503 && record.attempts == 1, "\(record)")
    #expect(record.error?.code == "content_encoding_invalid", "\(record)")
  }

  @Test func `is a zstd frame with a window over 8 MiB`() throws {
    // From a pipe, so the tool does not know that it needs none so large.
    let encoder = Encoder(coding: "zstd", command: "cat | zstd -qc --long=24")
    try expectFailure(try bench.sandbox.encode(plain, encoder), "zstd", saying: "16777216")
    let largest = Encoder(coding: "zstd", command: "cat | zstd -qc --zstd=wlog=23")
    let encoded = try bench.sandbox.encode(plain, largest)
    try bench.server.put("largest", encoded)
    let found = try bench.fetch([bench.server.url("largest", ["zstd"])])
    try found.expect(0, plain: plain, wireBytes: encoded.count)
  }

  @Test func `is a br stream with a window that RFC 7932 does not know`() throws {
    let encoder = Encoder(coding: "br", command: "brotli -c --large_window=26 -q 5 -")
    try expectFailure(try bench.sandbox.encode(plain, encoder), "br", saying: "large window")
  }
}
