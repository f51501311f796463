import Foundation
import Testing

/// Connections go on after a body that was decoded, as after any other.
@Suite struct `Connections with coded bodies` {
  let bench: CodingBench
  let plain = Plain.page(lines: 300)

  init() throws { bench = try CodingBench() }

  @Test func `carry hundreds of them, of changing codings`() throws {
    let encoders = Encoder.all
    var bodies: [[UInt8]] = []
    for (number, encoder) in encoders.enumerated() {
      bodies.append(try bench.sandbox.encode(plain, encoder))
      try bench.server.put("\(number)", bodies[number])
    }
    // Mostly gzip, so that a decoder is used again, and all others now and then.
    let kinds = (0..<500).map { $0 % 7 == 6 ? $0 / 7 % encoders.count : 0 }
    let rows = kinds.enumerated().map { seq, kind in
      let framing = seq % 3 == 0 ? EncodingServer.Framing.chunked : .length
      return bench.server.url("\(kind)", [encoders[kind].coding], framing, "row=\(seq)")
    }
    let found = try bench.fetch(rows, ["--compressed", "--per-origin", "1"])
    for (seq, kind) in kinds.enumerated() {
      try found.expect(seq, plain: plain, wireBytes: bodies[kind].count, rows[seq])
    }
    #expect(try Set(bench.server.log().map(\.connection)).count == 1)
  }

  @Test func `follow a redirect whatever its own body is coded in`() throws {
    let encoded = try bench.sandbox.encode(plain, .gzip)
    try bench.server.put("body", encoded)
    try bench.server.put("torn", Array(encoded.dropLast(10)))
    try bench.server.put("plain", plain)
    // Right, torn, no coding at all, and one that nobody knows: it is drained and not read.
    let redirects = [("body", "gzip"), ("torn", "gzip"), ("plain", "br"), ("plain", "sdch")]
    let rows = redirects.enumerated().map { number, redirect in
      let target = "/body?framing=length%26coding=gzip%26row=\(number)"
      let framing = number % 2 == 0 ? EncodingServer.Framing.length : .chunked
      return bench.server.url(redirect.0, [redirect.1], framing, "status=302", "row=\(number)", "location=\(target)")
    }
    let found = try bench.fetch(rows, ["--compressed", "--location", "--per-origin", "1"])
    for seq in rows.indices {
      try found.expect(seq, plain: plain, wireBytes: encoded.count, rows[seq])
      #expect(try found[seq].redirects == 1)
    }
    let log = try bench.server.log()
    #expect(log.count == 2 * rows.count)
    #expect(Set(log.map(\.connection)).count == 1, "\(log)")
  }

  @Test func `of a redirect that is not followed have its body decoded`() throws {
    let encoded = try bench.sandbox.encode(plain, .zstd)
    try bench.server.put("body", encoded)
    let url = bench.server.url("body", ["zstd"], .length, "status=302", "location=/elsewhere")
    let record = try bench.fetch([url])[0]
    #expect(record.gist == "302 \(plain.count)" && record.bodySha256 == Digest.sha256(plain), "\(record)")
  }

  @Test func `to an nginx carry what it compresses as it goes, over TLS as well`() throws {
    let origin = try Origin(in: bench.sandbox)
    let folder = "\(bench.sandbox.path)/pages"
    try runTool("/bin/mkdir", ["-m", "755", folder])
    try bench.sandbox.write("pages/page.html", String(decoding: plain, as: UTF8.self))
    let stored = try bench.sandbox.encode(plain, .gzip)
    for name in ["page.txt", "page.txt.gz"] { try bench.sandbox.write("pages/\(name)", Data(stored)) }
    try runTool("/bin/chmod", ["-R", "a+rX", folder])
    let location = """
      location /live/ { alias \(folder)/; gzip on; gzip_types *; gzip_min_length 0; }
      location /stored/ { alias \(folder)/; gzip_static on; }
      """
    let nginx = try ForeignServer(.nginx, in: bench.sandbox, certificates: origin, serving: location)
    let listeners: [ForeignServer.Listener] = [.plain, .tls13, .tls12, .brief]
    for listener in listeners {
      let rows = (0..<50).map { nginx.url($0 % 2 == 0 ? "/live/page.html" : "/stored/page.txt", listener) + "?\($0)" }
      let found = try bench.fetch(rows, ["--compressed", "--per-origin", "2", "--cacert", origin.authority])
      for (seq, row) in rows.enumerated() {
        let wireBytes = found.wireBytes(seq)
        #expect(wireBytes ?? 0 < plain.count / 2)
        try found.expect(seq, plain: plain, wireBytes: seq % 2 == 0 ? wireBytes : stored.count, row)
      }
      guard listener != .brief else { continue }
      #expect(found.records.all.count { $0.reused == false } <= 2)
    }
  }
}
