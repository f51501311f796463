import NameServer
import Testing

/// Name servers that answer for one family, and for the other late or never; RFC 8305 section 3.
@Suite struct `The addresses of one family` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private func times(_ type: RecordType, _ late: @escaping @Sendable (Question) -> Response) throws -> [[String:
    Double]]
  {
    let site = try NamedOrigin(sandbox) { question in
      let isLate = question.type == type && !question.name.isEmpty
      return isLate ? late(question) : .loopback(to: question)
    }
    // One after another, so that none waits for the processor.
    let rows = try (0..<5).map { try site.url("n\($0).test") }
    var times: [[String: Double]] = []
    for row in rows {
      let record = try site.fetch([row], ["--retry", "0"]).records(1).all[0]
      #expect(record.gist == "200 1", "\(record)")
      times.append(record.time)
    }
    return times
  }

  @Test func `are waited for the others' no longer than the Resolution Delay`() throws {
    for late in [Response.noData.after(.milliseconds(300)), Response.silent] {
      for time in try times(.ipv6, { _ in late }) {
        let (dns, total) = (time["dns"] ?? 0, time["total"] ?? 0)
        #expect(dns >= 0.045 && dns < 0.05 + 0.05 * patience, "\(time)")
        #expect(total < 0.2 * patience, "\(time)")
      }
    }
  }

  @Test func `are not used before the other family is known to have none`() throws {
    // IPv6 has none and says so at once; IPv4 is late.
    for time in try times(.ipv4, { .loopback(to: $0).after(.milliseconds(300)) }) {
      let dns = time["dns"] ?? 0
      #expect(dns >= 0.3 && dns < 0.3 + 0.1 * patience, "\(time)")
    }
  }
}
