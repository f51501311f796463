import NameServer
import Testing

/// More names than may be asked for at a time.
@Suite struct `Names that wait for their turn` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  @Test func `are not blamed for it, at a server that takes a third of a second`() throws {
    // Two questions a name and a thousand at a time: in one second less than a third of these are answered.
    let count = 5000
    let site = try NamedOrigin(sandbox) { .loopback(to: $0).after(.milliseconds(350)) }
    let rows = try (0..<count).map { try site.url("n\($0).test") }
    let job = try site.fetch(rows, ["--retry", "0", "--connect-timeout", "1"])
    let records = try job.records(count)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.attempts == 1 })
    #expect(try job.summary().errors.isEmpty)
    #expect(job.program.errorText.contains("waits for its turn"), "\(job.program.errorText.suffix(500))")
  }
}
