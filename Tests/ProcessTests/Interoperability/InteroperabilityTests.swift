import Foundation
import Testing

/// The client against servers that nobody here wrote: nothing that is ordinary for them may look like a failure.
@Suite struct `Servers written elsewhere` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    // For its certificates.
    origin = try Origin(in: sandbox)
  }

  private func server(_ software: ServerSoftware) throws -> ForeignServer {
    try ForeignServer(software, in: sandbox, certificates: origin)
  }

  private static let connections = 8

  private func fetch(_ rows: [String], _ options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation)
    throws -> Job
  {
    let always = ["--cacert", origin.authority, "--retry", "0", "--per-origin", "\(Self.connections)"]
    return try sandbox.fetch(rows, always + options, sourceLocation: sourceLocation)
  }

  private static func version(_ listener: ForeignServer.Listener) -> String? {
    switch listener {
    case .plain: nil
    case .tls12: "1.2"
    case .tls13, .brief: "1.3"
    }
  }

  private static func effort(of job: Job) throws -> Summary.Effort {
    let effort = try job.summary().effort
    #expect(effort.instancesWithoutLastReport == 0)
    return effort
  }

  @Test(arguments: ServerSoftware.allCases)
  func `answer requests of all kinds over kept connections`(_ software: ServerSoftware) throws {
    let server = try server(software)
    let first = try fetch([server.url("/1k", .plain)], ["--include-headers"]).records(1)[0]
    let validators = Validators(of: first)
    for listener in [ForeignServer.Listener.plain, .tls13, .tls12] {
      let exchanges = try server.exchanges(listener, validators)
      let job = try fetch(exchanges.map(\.row), ["-L"])
      let records = try job.records(exchanges.count)
      for (record, exchange) in zip(records.all, exchanges) {
        exchange.check(record, of: Self.version(listener))
      }
      try job.summary().expectAgreement(with: records)
      let opened = records.all.count { $0.reused == false }
      #expect(opened <= Self.connections + exchanges.count(where: \.endsConnection), "\(listener)")
      #expect(records.all.count { $0.reused == true } == exchanges.count - opened)
      let effort = try Self.effort(of: job)
      let requests = exchanges.count + exchanges.count { $0.redirects != nil }
      let connections = effort.connections
      #expect(connections.opened + connections.reused == requests, "\(listener): \(connections)")
      #expect(connections.opened <= Self.connections + exchanges.count(where: \.endsConnection))
      if software.upload == .file { #expect(server.uploaded("\(listener)") == Page.medium.content) }
    }
  }

  @Test(arguments: ServerSoftware.allCases, [ForeignServer.Listener.tls13, .tls12])
  func `resume sessions`(_ software: ServerSoftware, _ listener: ForeignServer.Listener) throws {
    let server = try server(software)
    let rows = (0..<60).map { server.url("/1k?row=\($0)", listener) }
    let job = try fetch(rows, ["-H", "Connection: close"])
    let records = try job.records(rows.count)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.tls?.version == Self.version(listener) && $0.reused == false })
    let full = records.all.count { $0.tls?.resumed == false }
    // Each of the first connections may come before there is a session.
    let needed = listener == .tls13 ? software.sessionsOfFullHandshake.map { rows.count / ($0 + 1) } : nil
    #expect(full <= Self.connections + (needed ?? 0))
    let effort = try Self.effort(of: job)
    #expect(effort.connections.opened == rows.count && effort.connections.reused == 0)
    #expect(effort.handshakes.full == full && effort.handshakes.resumed == rows.count - full)
  }

  @Test(arguments: ServerSoftware.allCases)
  func `end connections after a few requests without a row's failing`(_ software: ServerSoftware) throws {
    let server = try server(software)
    let rows = (0..<200).map { server.url("/1k?row=\($0)", .brief) }
    let job = try fetch(rows)
    let records = try job.records(rows.count)
    records.expectAllFetched()
    #expect(records.all.allSatisfy { $0.bodySha256 == Page.small.digest && $0.attempts == 1 })
    let most = software.requestsOfBriefConnections
    let opened = records.all.count { $0.reused == false }
    #expect(opened >= rows.count / (most + 1) && opened <= rows.count / most + Self.connections)
    let effort = try Self.effort(of: job)
    #expect(effort.connections.opened == opened && effort.connections.reused == rows.count - opened)
  }

  @Test func `close a body of no length without the alert that says it is whole`() throws {
    let server = try server(.python)
    let rows = [ForeignServer.Listener.plain, .tls13, .tls12].map { server.url("/cut-off", $0) }
    let gists = try fetch(rows).records(rows.count).all.map(\.gist)
    #expect(gists == ["200 102400", "200 102400 body/closed_early", "200 102400 body/closed_early"])
  }
}
