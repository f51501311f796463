import Foundation
import Testing

/// Limits of what comes and of what becomes of it.
@Suite struct `A limit on bodies` {
  let bench: CodingBench

  init() throws { bench = try CodingBench() }

  private static let bombs: [(coding: String, commands: [String])] = [
    ("gzip", ["gzip -1nc"]), ("deflate", [Encoder.zlib.command]), ("deflate", [Encoder.rawDeflate.command]),
    ("br", ["brotli -c -q 1 -"]), ("zstd", ["zstd -1qc"]), ("gzip, gzip", ["gzip -nc", "gzip -nc"]),
    ("zstd, br", ["zstd -1qc", "brotli -c -q 5 -"]),
  ]

  @Test func `on decoded bytes stops bombs while most of them is still to come`() throws {
    let options = ["--compressed", "--max-decoded", "1000000", "--per-origin", "20"]
    var rows: [String] = []
    for (number, bomb) in Self.bombs.enumerated() {
      let body = try bench.sandbox.encode(zeros: 200, bomb.commands)
      try bench.server.put("\(number)", body)
      // The rest is never sent: what is recorded does not depend on it.
      rows.append(bench.server.url("\(number)", [bomb.coding], .length, "hold=\(body.count * 9 / 10)"))
    }
    let job = try bench.sandbox.startLocal(input: "-", CodingBench.options + options, agents: 1, pipe: true)
    let text = rows.joined(separator: "\n") + "\n"
    try job.program.send(text)
    try bench.sandbox.waitForRecords(job, records: rows.count)
    let peak = try AgentMemory.peakMebibytes(of: job.program)
    job.program.closeInput()
    try bench.server.release()
    let records = try job.wait().records(rows.count)
    for record in records.all {
      #expect(record.status == 200 && record.attempts == 1, "\(record)")
      #expect(record.error.map { "\($0.phase)/\($0.code)" } == "body/decoded_too_large", "\(record)")
      #expect(record.error?.message.contains("1000000") == true, "\(record)")
      #expect(record.bodyBytes ?? .max <= 1_000_000, "\(record)")
    }
    if Sanitizer.current == nil { #expect(peak < 100, "the agent had \(peak) MiB") }
  }

  @Test func `on decoded bytes is kept to the byte`() throws {
    let plain = Plain.page(lines: 3_000)
    var rows: [String] = []
    for encoder in Encoder.all {
      let name = "\(rows.count)"
      try bench.server.put(name, try bench.sandbox.encode(plain, encoder))
      rows += EncodingServer.Framing.allCases.map { bench.server.url(name, [encoder.coding], $0) }
    }
    let exact = try bench.fetch(rows, ["--compressed", "--max-decoded", "\(plain.count)"])
    exact.records.expectAllFetched()
    let less = try bench.fetch(rows, ["--compressed", "--max-decoded", "\(plain.count - 1)"])
    #expect(less.records.all.allSatisfy { $0.error?.code == "decoded_too_large" && $0.status == 200 })
    // What is not coded is no matter of this limit, and 0 is none.
    try bench.server.put("plain", plain)
    let free = try bench.fetch([bench.server.url("plain")], ["--compressed", "--max-decoded", "10"])
    try free.expect(0, plain: plain, wireBytes: plain.count)
    try bench.fetch(rows, ["--compressed", "--max-decoded", "0"]).records.expectAllFetched()
  }

  @Test(arguments: Encoder.all) func `on what comes cuts a body, and its coding is not blamed`(_ encoder: Encoder)
    throws
  {
    let plain = Plain.page(lines: 8_000)
    let encoded = try bench.sandbox.encode(plain, encoder)
    try bench.server.put("body", encoded)
    let limit = encoded.count / 2
    let rows = EncodingServer.Framing.allCases.map { bench.server.url("body", [encoder.coding], $0) }
    let found = try bench.fetch(rows, ["--compressed", "--max-filesize", "\(limit)"])
    for seq in rows.indices {
      let record = try found[seq]
      #expect(record.status == 200 && record.error == nil && record.truncated == "length", "\(record)")
      #expect(found.wireBytes(seq) == limit, "\(record)")
      let count = record.bodyBytes ?? 0
      #expect(count > limit && count < plain.count, "\(record)")
      #expect(record.bodySha256 == Digest.sha256(plain.prefix(count)), "\(record)")
    }
    // A limit that is just met cuts nothing.
    let whole = try bench.fetch(rows, ["--compressed", "--max-filesize", "\(encoded.count)"])
    for seq in rows.indices { try whole.expect(seq, plain: plain, wireBytes: encoded.count) }
    #expect(whole.records.all.allSatisfy { $0.truncated == nil })
  }
}
