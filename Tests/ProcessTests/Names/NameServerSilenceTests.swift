import Foundation
import Glibc
import NameServer
import Testing

/// Name servers that are gone: no row may be blamed for it.
@Suite struct `A name server that falls silent` {
  private let sandbox: Sandbox

  init() throws { sandbox = try Sandbox() }

  private static let rows = 4000
  private static let silence = 10.0

  private struct Outage {
    let site: NamedOrigin
    let rows: [String]

    init(_ sandbox: Sandbox, rows count: Int) throws {
      // A tenth of a second each, at most 1024 questions at a time: when a quarter is asked for, the rest is not.
      let site = try NamedOrigin(sandbox) { .loopback(to: $0).after(.milliseconds(100)) }
      self.site = site
      rows = try (0..<count).map { try site.url("n\($0 % 3000).test", "/fixed/1?row=\($0)") }
    }
  }

  /// Starts the job, and waits until the server is in the middle of it.
  private func start(_ outage: Outage, _ options: [String] = []) throws -> Sandbox.RunningJob {
    let list = try sandbox.list(outage.rows)
    let job = try sandbox.startLocal(input: list, outage.site.options + options, agents: 1)
    try waitUntil("the name server is in the middle of the list") { outage.site.names.addressQuestions >= 1500 }
    return job
  }

  private func expectPatience(_ job: Job, sourceLocation: SourceLocation = #_sourceLocation) throws {
    #expect(job.ending == .exit(0), "\(job.program.errorText.suffix(2_000))", sourceLocation: sourceLocation)
    let records = try job.records(Self.rows, sourceLocation: sourceLocation)
    records.expectAllFetched(sourceLocation: sourceLocation)
    let summary = try job.summary()
    #expect(summary.errors.isEmpty && summary.failedRows == 0, sourceLocation: sourceLocation)
    let warnings = job.program.errorLines.filter { $0.contains("for want of something on this host") }
    #expect(
      warnings.contains { $0.contains("resolver: no name server") },
      "\(warnings)",
      sourceLocation: sourceLocation
    )
  }

  @Test(
    arguments: [NameServer.Mode.silent, .frozen],
    [[], ["--connect-timeout", "2"]]
  )
  func `for ten seconds costs no row anything but time, not even an attempt`(
    _ mode: NameServer.Mode,
    _ options: [String]
  ) throws {
    let outage = try Outage(sandbox, rows: Self.rows)
    let job = try start(outage, options + ["--retry", "0"])
    try outage.site.names.set(mode)
    // What is tested is a time.
    usleep(UInt32(Self.silence * 1e6))
    #expect(job.program.poll() == nil, "there were names left to ask for")
    try outage.site.names.set(.answering)
    let done = try job.wait()
    try expectPatience(done)
    #expect(try done.records(Self.rows).all.allSatisfy { $0.attempts == 1 })
    // With a time limit below the resolver's it does not come so far as to know.
    if options.isEmpty { #expect(done.program.errorText.contains(outage.site.names.text), "it says which server") }
  }

  @Test func `because it is gone for ten seconds costs no row anything but time`() throws {
    let outage = try Outage(sandbox, rows: Self.rows)
    let job = try start(outage)
    outage.site.names.stop()
    let hold = try PortHold(port: outage.site.names.port)
    usleep(UInt32(Self.silence * 1e6))
    #expect(job.program.poll() == nil, "there were names left to ask for")
    hold.release()
    let again = try NameServer(port: outage.site.names.port) { .loopback(to: $0) }
    let done = try job.wait()
    try expectPatience(done)
    #expect(done.program.errorText.contains("refused"), "\(done.program.errorText.suffix(500))")
    #expect(again.addressQuestions > 0)
  }

  @Test(arguments: [NameServer.Mode.silent, nil])
  func `from the beginning makes the job wait and say why`(_ mode: NameServer.Mode?) throws {
    let site = try NamedOrigin(sandbox)
    // Nobody has the port then.
    if let mode { try site.names.set(mode) } else { site.names.stop() }
    let list = try sandbox.list(try (0..<10).map { try site.url("n\($0).test") })
    let job = try sandbox.startLocal(input: list, site.options + ["--retry", "0", "--connect-timeout", "2"], agents: 1)
    try waitUntil("the operator is told") { job.program.errorText.contains("resolver: no name server") }
    #expect(job.program.poll() == nil)
    job.program.signal(SIGINT)
    let done = try job.wait(within: 20)
    #expect(done.ending == .exit(130))
    #expect(try Records.lines(done.data).isEmpty, "no row is blamed")
  }

  @Test func `beside another one costs a second at first and then nothing`() throws {
    let site = try NamedOrigin(sandbox)
    let mute = try NameServer { _ in .silent }
    try mute.set(.silent)
    let rows = try (0..<200).map { try site.url("n\($0).test") }
    let options = ["--dns-servers", "\(mute.text),\(site.names.text)", "--retry", "0"]
    let job = try sandbox.fetch(rows, options)
    let records = try job.records(200)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { ($0.time["dns"] ?? 0) < 3 * patience })
    #expect(!job.program.errorText.contains("for want of something"))
    #expect(mute.addressQuestions > 0, "the first of the list is asked first")
  }
}
