import Testing

/// A request says which codings its response may have, and only these are taken off.
@Suite struct `Accept-Encoding` {
  let bench: CodingBench
  let plain = Plain.page(lines: 100)

  init() throws {
    bench = try CodingBench()
    for encoder in Encoder.all { try bench.server.put(encoder.coding, try bench.sandbox.encode(plain, encoder)) }
  }

  /// What each request said, in the order of rows.
  private func accepted(_ rows: Int) throws -> [[String]] {
    let log = try bench.server.log()
    #expect(log.count == rows)
    return log.map(\.accepted)
  }

  private func wireBytes(_ encoder: Encoder) throws -> Int { try bench.sandbox.encode(plain, encoder).count }

  @Test func `names all codings that can be decoded`() throws {
    let found = try bench.fetch([bench.server.url("gzip", ["gzip"])])
    try found.expect(0, plain: plain, wireBytes: wireBytes(.gzip))
    #expect(try accepted(1) == [["gzip, deflate, br, zstd"]])
  }

  @Test func `of the job's own is sent instead, and what it leaves out is refused`() throws {
    let rows = [("br", "br"), ("zstd", "zstd"), ("gzip", "gzip"), ("br", "br, gzip")]
      .map { bench.server.url($0, [$1]) }
    let found = try bench.fetch(
      rows,
      ["--compressed", "--per-origin", "1", "-H", "accept-encoding: br;q=0.5, ZSTD , gzip;q=0"]
    )
    try found.expect(0, plain: plain, wireBytes: wireBytes(.brotli))
    try found.expect(1, plain: plain, wireBytes: wireBytes(.zstd))
    try found.expectInvalid(2, in: "head", saying: "gzip", "not asked for")
    try found.expectInvalid(3, in: "head", saying: "gzip", "not asked for")
    #expect(try accepted(4) == Array(repeating: ["br;q=0.5, ZSTD , gzip;q=0"], count: 4))
  }

  @Test func `of a row's own is sent for that row alone`() throws {
    let own = #""headers":{"Accept-Encoding":"gzip"}"#
    let rows = [
      CodingBench.row(bench.server.url("gzip", ["x-gzip"]), own), CodingBench.row(bench.server.url("br", ["br"]), own),
      bench.server.url("br", ["br"]),
      CodingBench.row(bench.server.url("zstd", ["zstd"]), #""headers":{"Accept-Encoding":"*"}"#),
    ]
    let found = try bench.fetch(rows, ["--compressed", "--per-origin", "1"])
    try found.expect(0, plain: plain, wireBytes: wireBytes(.gzip))
    try found.expectInvalid(1, in: "head", saying: "br", "not asked for")
    try found.expect(2, plain: plain, wireBytes: wireBytes(.brotli))
    try found.expect(3, plain: plain, wireBytes: wireBytes(.zstd))
    #expect(try accepted(4) == [["gzip"], ["gzip"], ["gzip, deflate, br, zstd"], ["*"]])
  }

  @Test func `of the caller's own without --compressed is sent, and nothing is decoded`() throws {
    let encoded = try bench.sandbox.encode(plain, .gzip)
    let found = try bench.fetch([bench.server.url("gzip", ["gzip"])], ["-H", "Accept-Encoding: gzip"])
    try found.expect(0, plain: encoded, wireBytes: nil)
    #expect(try accepted(1) == [["gzip"]])
  }

  @Test func `says so in vain to a server with codings that nobody knows`() throws {
    let lists = [
      ["compress"], ["gzip, sdch"], ["gzip", "aes128gcm"], ["gzip;q=1"], ["gzip, gzip, gzip, gzip, gzip, gzip"],
    ]
    let found = try bench.fetch(lists.map { bench.server.url("gzip", $0) })
    for (seq, words) in ["compress", "sdch", "aes128gcm", "gzip;q=1", "more than 5"].enumerated() {
      try found.expectInvalid(seq, in: "head", saying: words)
    }
  }
}
