import Testing

/// Every fault of the table, one after the other, against one agent: its record says what happened, in time, and the
/// agent is afterwards what it was before.
@Suite struct `A fault` {
  @Test(arguments: Transport.allCases) func `ends its row and nothing else`(on transport: Transport) throws {
    try play(.wide, on: transport)
  }

  @Test(arguments: Transport.allCases) func `that lasts ends at its time limit`(on transport: Transport) throws {
    try play(.narrow, on: transport)
  }

  @Test(arguments: Transport.allCases) func `that is slow ends at the speed limit`(on transport: Transport) throws {
    try play(.speed, on: transport)
  }

  @Test(arguments: Transport.allCases) func `while the request is on its way ends its row`(on transport: Transport)
    throws
  {
    try play(.upload, on: transport)
  }

  @Test func `has a name of its own wherever it is played`() {
    let plays = Fault.table.flatMap { fault in fault.transports.map { "\(fault.name) on \($0), \(fault.limits)" } }
    let shared = Dictionary(grouping: plays) { $0 }.filter { $0.value.count > 1 }
    #expect(shared.isEmpty)
  }

  private func play(_ limits: Fault.Limits, on transport: Transport) throws {
    let faults = Fault.table.filter { $0.limits == limits && $0.transports.contains(transport) }
    try #require(!faults.isEmpty)
    let bench = try FaultBench(transport, limits)
    for fault in faults { try bench.play(fault) }
    try bench.finish()
  }
}
