import Testing

/// What real encoders make is recorded as it was before.
@Suite struct `Codings of bodies` {
  let bench: CodingBench
  /// Below what `--body inline` keeps.
  let plain = Plain.page(lines: 600)

  init() throws { bench = try CodingBench() }

  /// A row for each framing.
  private func rows(_ name: String, _ fields: [String]) -> [String] {
    EncodingServer.Framing.allCases.map { bench.server.url(name, fields, $0) }
  }

  @Test(arguments: Encoder.all, ["hash", "inline", "discard"])
  func `are taken off in every framing`(_ encoder: Encoder, body: String) throws {
    let encoded = try bench.sandbox.encode(plain, encoder)
    try bench.server.put("body", encoded)
    let rows = rows("body", [encoder.coding])
    let found = try bench.fetch(rows, ["--compressed", "--body", body])
    for seq in rows.indices {
      let record = try found[seq]
      #expect(record.gist == "200 \(plain.count)", "\(record)")
      #expect(found.wireBytes(seq) == encoded.count, "\(record)")
      #expect(record.bodySha256 == (body == "discard" ? nil : Digest.sha256(plain)), "\(record)")
      #expect(record.body.map { Array($0.utf8) } == (body == "inline" ? plain : nil), "\(record.gist)")
    }
  }

  @Test func `are known by other names and cases`() throws {
    let names: [(Encoder, [String])] = [
      (.gzip, ["x-gzip", "GZIP", "X-GZip", "gzip, identity", "identity, ,gzip,"]),
      (.zlib, ["Deflate"]), (.brotli, ["BR"]), (.zstd, ["ZSTD"]),
    ]
    var rows: [String] = []
    var sizes: [Int] = []
    for (encoder, names) in names {
      let encoded = try bench.sandbox.encode(plain, encoder)
      try bench.server.put(encoder.coding, encoded)
      rows += names.map { bench.server.url(encoder.coding, [$0]) }
      sizes += names.map { _ in encoded.count }
    }
    let found = try bench.fetch(rows)
    for (seq, size) in sizes.enumerated() { try found.expect(seq, plain: plain, wireBytes: size, rows[seq]) }
  }

  @Test func `are nothing where they are identity or not there`() throws {
    try bench.server.put("plain", plain)
    let rows = rows("plain", ["identity"]) + rows("plain", ["Identity", "identity"]) + rows("plain", [])
    let found = try bench.fetch(rows)
    for seq in rows.indices { try found.expect(seq, plain: plain, wireBytes: plain.count, rows[seq]) }
  }

  @Test func `are taken off in the reverse of their order`() throws {
    let layers: [[Encoder]] = [
      [.brotli, .gzip], [.gzip, .zstd], [.zstd, .rawDeflate], [.gzip, .gzip, .brotli],
      [.gzip, .zlib, .brotli, .zstd, .gzip],
    ]
    var rows: [String] = []
    var sizes: [Int] = []
    for (number, encoders) in layers.enumerated() {
      let encoded = try encoders.reduce(plain) { try bench.sandbox.encode($0, $1) }
      try bench.server.put("\(number)", encoded)
      let names = encoders.map(\.coding)
      // In one field, and in a field each.
      let urls = self.rows("\(number)", [names.joined(separator: ", ")]) + self.rows("\(number)", names)
      rows += urls
      sizes += urls.map { _ in encoded.count }
    }
    let found = try bench.fetch(rows)
    for (seq, size) in sizes.enumerated() { try found.expect(seq, plain: plain, wireBytes: size, rows[seq]) }
  }

  @Test func `stay as they are without --compressed, and are not asked for`() throws {
    var rows: [String] = []
    var bodies: [[UInt8]] = []
    for (number, encoder) in Encoder.all.enumerated() {
      bodies.append(try bench.sandbox.encode(plain, encoder))
      try bench.server.put("\(number)", bodies[number])
      rows.append(bench.server.url("\(number)", [encoder.coding]))
    }
    // What nobody can decode is nobody's business then.
    bodies.append(plain)
    try bench.server.put("strange", plain)
    rows.append(bench.server.url("strange", ["pack200-gzip, a, b, c, d, e"]))
    let found = try bench.fetch(rows, [])
    for (seq, body) in bodies.enumerated() { try found.expect(seq, plain: body, wireBytes: nil, rows[seq]) }
    #expect(try bench.server.log().allSatisfy { $0.accepted.isEmpty })
  }

  @Test func `may end and begin again within a body`() throws {
    let more = Plain.page(lines: 50)
    let double = plain + more
    for (encoder, name) in [(Encoder.gzip, "gzip"), (.zstd, "zstd")] {
      let both = try bench.sandbox.encode(plain, encoder) + bench.sandbox.encode(more, encoder)
      try bench.server.put(name, both)
      let rows = rows(name, [name])
      let found = try bench.fetch(rows)
      for seq in rows.indices { try found.expect(seq, plain: double, wireBytes: both.count, rows[seq]) }
    }
  }

  /// Zeros, a document by mistake, the beginning of a signature: see ContentDecoder.
  @Test(arguments: Encoder.all, [[0, 0, 0, 0], Array("\r\n<!-- appended -->".utf8), [0x1F, 0x8B]] as [[UInt8]])
  func `may have something behind, which is not theirs`(_ encoder: Encoder, surplus: [UInt8]) throws {
    let encoded = try bench.sandbox.encode(plain, encoder) + surplus
    try bench.server.put("body", encoded)
    let rows = rows("body", [encoder.coding])
    let found = try bench.fetch(rows)
    for seq in rows.indices { try found.expect(seq, plain: plain, wireBytes: encoded.count, rows[seq]) }
  }

  @Test func `of nothing are nothing, whatever they are called`() throws {
    try bench.server.put("empty", [])
    try bench.server.put("body", plain)
    for name in ["gzip", "br", "zstd", "deflate", "gzip, br"] {
      let urls = rows("empty", [name])
      let head = bench.server.url("body", [name])
      let rows =
        urls + [
          CodingBench.row(head, #""method":"HEAD""#), bench.server.url("body", [name], .length, "status=204"),
          bench.server.url("body", [name], .length, "status=304"),
        ]
      let found = try bench.fetch(rows)
      #expect(found.records.all.map(\.gist) == ["200 0", "200 0", "200 0", "200 0", "204 0", "304 0"], "\(name)")
    }
  }
}
