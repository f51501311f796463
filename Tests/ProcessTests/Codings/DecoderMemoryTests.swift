import Foundation
import Testing

/// All decoders of an agent together have 256 MiB; who finds no room waits, and nobody else is blamed for it.
@Suite struct `Decoders that wait for memory` {
  let bench: CodingBench

  init() throws { bench = try CodingBench() }

  private static let zstd = Encoder(coding: "zstd", command: "zstd -qc -1 --zstd=wlog=23")
  private static let brotli = Encoder(coding: "br", command: "brotli -c --lgwin=24 -q 2 -")

  /// Bodies that fill windows of the largest size, and so many that they do not fit.
  private static let cases: [(encoders: [Encoder], framing: EncodingServer.Framing, count: Int)] = [
    ([zstd], .length, 60), ([brotli], .untilClose, 32), ([brotli, .gzip], .chunked, 32),
  ]

  /// Of what a body ends with. It comes one by one, twenty a second: three seconds in which all windows are full.
  private static let slowBytes = Int(60 * patience)

  /// Longer than a window.
  private static func plain(mebibytes: Int) -> Data {
    let page = Data(Plain.page(lines: 2_000))
    var plain = Data()
    while plain.count < mebibytes << 20 { plain += page }
    return plain
  }

  @Test(arguments: cases.indices) func `end well, and no server is too slow meanwhile`(index: Int) throws {
    let (encoders, framing, count) = Self.cases[index]
    let plain = Self.plain(mebibytes: index == 0 ? 9 : 17)
    let digest = try bench.sandbox.sha256(of: plain)
    let encoded = try encoders.reduce(Array(plain)) { try bench.sandbox.encode($0, $1) }
    try bench.server.put("body", encoded)
    let coding = encoders.map(\.coding).joined(separator: ", ")
    let url = bench.server.url("body", [coding], framing, "drip=\(Self.slowBytes)")
    let limits = ["--compressed", "--idle-timeout", "\(patience)", "--per-origin", "\(count)"]
    let job = try bench.sandbox.startLocal(input: "-", CodingBench.options + limits, agents: 1, pipe: true)
    try job.program.send(String(repeating: url + "\n", count: count))
    try bench.sandbox.waitForRecords(job, records: count, within: 100)
    let peak = try AgentMemory.peakMebibytes(of: job.program)
    job.program.closeInput()
    let found = try CodedRecords(job.wait(), count)
    for record in found.records.all {
      #expect(record.gist == "200 \(plain.count)" && record.bodySha256 == digest, "\(record)")
      #expect(record.attempts == 1 && found.wireBytes(record.seq) == encoded.count, "\(record)")
    }
    // All were asked for at once, each on a connection of its own, and those who waited did so for longer than a server
    // may be idle. Their windows alone would have been more than 500 MiB.
    #expect(try Set(bench.server.log().map(\.connection)).count == count)
    let totals = found.records.all.compactMap { $0.time["total"] }
    #expect(totals.allSatisfy { $0 > 2.5 * patience }, "\(totals)")
    if Sanitizer.current == nil { #expect(peak < 400, "the agent had \(peak) MiB") }
  }

  @Test func `run out of time as others do, and those who had it leave nothing behind`() throws {
    let plain = Self.plain(mebibytes: 9)
    let encoded = try bench.sandbox.encode(plain, Self.zstd)
    try bench.server.put("body", encoded)
    let held = bench.server.url("body", ["zstd"], .length, "hold=\(encoded.count - 10)")
    let limits = ["--compressed", "--max-time", "\(2 * patience)", "--per-origin", "40"]
    let job = try bench.sandbox.startLocal(input: "-", CodingBench.options + limits, agents: 1, pipe: true)
    try job.program.send(String(repeating: held + "\n", count: 40))
    try bench.sandbox.waitForRecords(job, records: 40)
    // 29 of those filled the budget: had they kept anything, none of these would find room.
    try bench.server.release()
    try job.program.send(String(repeating: bench.server.url("body", ["zstd"]) + "\n", count: 20))
    job.program.closeInput()
    let found = try CodedRecords(job.wait(), 60)
    let failures = found.records.all.prefix(40).map(\.error)
    #expect(failures.allSatisfy { $0?.phase == "body" && $0?.code == "timeout_total" }, "\(failures)")
    #expect(found.records.all.suffix(20).allSatisfy { $0.gist == "200 \(plain.count)" })
  }
}
