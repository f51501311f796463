import Testing

/// RFC 9112 section 9.8: close_notify comes before the close, and nobody waits for the answer to it.
@Suite struct `A connection that is not needed any more` {
  @Test(arguments: [Transport.tls12, .tls13]) func `is closed with close_notify`(over transport: Transport) throws {
    let sandbox = try Sandbox()
    let origin = try Origin(in: sandbox, transport == .tls12 ? ["--tls-max", "1.2"] : [])
    let rows = try (0..<5).map { try origin.url(Fault.play([Fault.send(Fault.five + "hello"), "open"]) + "?n=\($0)") }
    let options = ["-H", "Connection: close", "--cacert", origin.authority]
    try sandbox.fetch(rows, options).records(rows.count).expectAllFetched()
    var counts = try origin.counts()
    try waitUntil("all are closed", within: 10) {
      counts = try origin.counts()
      return counts.closesNotified == rows.count
    }
    #expect(counts.listeners["https"]?.accepted == rows.count)
  }
}
