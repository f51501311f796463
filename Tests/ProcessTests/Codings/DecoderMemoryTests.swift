import Foundation
import Testing

/// All decoders of an agent together have 256 MiB; who finds no room waits, and nobody else is blamed for it.
@Suite struct `Decoders that wait for memory` {
  let bench: CodingBench

  init() throws { bench = try CodingBench() }

  /// Bodies that fill windows of the largest size, and so many that they do not fit.
  private static let cases: [(encoders: [Encoder], count: Int)] = [
    ([Encoder(coding: "zstd", command: "zstd -qc -1 --zstd=wlog=23")], 60),
    ([Encoder(coding: "br", command: "brotli -c --lgwin=24 -q 2 -")], 28),
    ([.gzip, Encoder(coding: "br", command: "brotli -c --lgwin=24 -q 2 -")], 24),
  ]

  /// Of what a body ends with. It comes one by one, twenty a second: three seconds in which all windows are full.
  private static let slowBytes = 60

  @Test(arguments: cases.indices) func `end well, and no server is too slow meanwhile`(index: Int) throws {
    let (encoders, count) = Self.cases[index]
    // More than 8 MiB, and more than 16 for the window of br.
    let page = Data(Plain.page(lines: 2_000))
    var plain = Data()
    while plain.count < (index == 0 ? 9 : 17) << 20 { plain += page }
    let digest = try bench.sandbox.sha256(of: plain)
    let encoded = try encoders.reduce(Array(plain)) { try bench.sandbox.encode($0, $1) }
    try bench.server.put("body", encoded)
    let coding = encoders.map(\.coding).joined(separator: ", ")
    let url = bench.server.url("body", [coding], .length, "drip=\(Self.slowBytes)")
    // Without the wait for memory, those whose sockets are not read would be idle for longer than this.
    let limits = ["--idle-timeout", "1", "--per-origin", "\(count)", "--body", "hash"]
    let options = ["--threads", "2", "--retry", "0", "--compressed"] + limits
    let job = try bench.sandbox.startLocal(input: "-", options, agents: 1, pipe: true)
    try job.program.send(String(repeating: url + "\n", count: count))
    try bench.sandbox.waitForRecords(job, records: count, within: 100)
    let peak = try AgentMemory.peakMebibytes(of: job.program)
    job.program.closeInput()
    let found = try CodedRecords(job.wait(), count)
    for record in found.records.all {
      #expect(record.gist == "200 \(plain.count)" && record.bodySha256 == digest, "\(record)")
      #expect(record.attempts == 1 && found.wireBytes(record.seq) == encoded.count, "\(record)")
    }
    // All were asked for at once, each on a connection of its own, and some had to wait for others to end.
    #expect(try Set(bench.server.log().map(\.connection)).count == count)
    let totals = found.records.all.compactMap { $0.time["total"] }.sorted()
    #expect(try #require(totals.last) > 1.5 * (try #require(totals.first)), "\(totals)")
    if Sanitizer.current == nil { #expect(peak < 450, "the agent had \(peak) MiB") }
    print("peak \(peak) MiB, encoded \(encoded.count), \(totals)")
  }
}
