import FetchClient
import FetchModel
import Logging
import PosixIO
import Resolver
import Scheduling
import WireProtocol
import ZeroMQ

/// What workers say, and what is passed on of it.
extension Agent {
  mutating func forwardReports() throws {
    for report in reports.drain() {
      switch report.news {
      case .effort(let effort): efforts[report.worker] = effort
      case .localTrouble(let text): say(trouble: text)
      // Whatever session the rows were given out in, what became of them counts.
      case .block(let block): try post(.results(block), of: report.worker)
      case .deferrals(let frame, let rows): try post(.deferrals(frame: frame, rows: rows), of: report.worker)
      case .shareLowered(let origin, let connections):
        // Numbers of origins mean others in another session.
        guard report.generation == generation else { continue }
        try lowered(origin, by: report.worker, to: connections)
      case .originPauses(let pauses):
        guard report.generation == generation else { continue }
        try pass(pauses)
      case .holdings(let holdings, let dropped):
        let freed = stocktaking.add(
          holdings,
          dropped: dropped,
          of: report.worker,
          generation: report.generation,
          pruning: &outbox
        )
        guard let freed else { continue }
        admission.addUnacknowledged(-freed)
        rowsInHand[report.worker] = holdings.reduce(0) { $0 + $1.rows.count }
        if stocktaking.isComplete { try handOver() }
      case .finished(let effort):
        efforts[report.worker] = effort
        rowsInHand[report.worker] = 0
        finishedWorkers += 1
        if finishedWorkers == workers.count { try reportJob() }
      }
    }
  }

  /// Not again and again while it lasts.
  private mutating func say(trouble text: String) {
    let now = Clock.bootTime()
    guard text != troubleSaid.text || now.nanoseconds(since: troubleSaid.at) > Self.troubleInterval else { return }
    troubleSaid = (text, now)
    log.warning("paused for want of something on this host: \(text)")
  }

  private mutating func post(_ block: RowBlock, of worker: Int) throws {
    rowsInHand[worker] -= block.rows
    outbox.add(block)
    try sendBlocks()
  }

  /// Sends what the outbox holds and this session has not been sent, as far as the socket takes it. Without a session
  /// it waits for the next.
  mutating func sendBlocks() throws {
    guard session.session != 0 else { return }
    while unsent.isEmpty, let block = outbox.takeUnsent() {
      switch block.payload {
      case .results(let lines):
        var results = WireResults()
        results.job = bytes(job?.identifier ?? [])
        results.block = block.number
        results.rows = UInt32(lines.rows)
        try send(.results(results), bulk: [lines.columns, lines.lines])
      case .deferrals(let frame, let rows):
        var deferrals = WireDeferrals()
        deferrals.job = bytes(job?.identifier ?? [])
        deferrals.block = block.number
        deferrals.rows = UInt32(rows)
        try send(.deferrals(deferrals), bulk: [frame])
      }
    }
  }

  private mutating func lowered(_ origin: UInt32, by worker: Int, to connections: Int) throws {
    let (confirmed, instructions) = spread.lowered(origin: origin, worker: worker, to: connections)
    tell(instructions, of: origin)
    guard let confirmed, session.session != 0 else { return }
    var share = WireShare()
    share.origin = origin
    share.connections = UInt32(confirmed)
    var lowered = WireSharesLowered()
    lowered.shares = [share]
    try send(.sharesLowered(lowered), bulk: [])
  }

  /// Best effort: an origin that is not left alone says so again.
  private mutating func pass(_ pauses: [UInt32: UInt64]) throws {
    guard session.session != 0 else { return }
    var message = WireOriginPauses()
    message.pauses = pauses.sorted { $0.key < $1.key }.map { origin, milliseconds in
      var pause = WireOriginPause()
      pause.origin = origin
      pause.milliseconds = milliseconds
      return pause
    }
    try send(.originPauses(message), bulk: [])
  }

  private mutating func reportJob() throws {
    if configuration.once { exit = .jobDone }
    // Without a session nobody waits for it.
    guard session.session != 0 else { return }
    var report = WireJobReport()
    report.job = bytes(job?.identifier ?? [])
    report.effort = WireEffort(totalEffort)
    try send(.jobReport(report), bulk: [])
    trustSent()
    try perform(session.ended())
  }

  /// After the session's last message nothing is acknowledged any more, but what was sent before it is taken.
  mutating func trustSent() { if unsent.isEmpty { admission.addUnacknowledged(-outbox.removeAll()) } }

  var totalEffort: EffortCounters {
    var total = efforts.reduce(EffortCounters()) { $0 + $1 }
    let done = resolver.counters
    total.resolverQueries += done.queries - resolverBefore.queries
    total.resolverHits += done.hits - resolverBefore.hits
    total.resolverFailures += done.failures - resolverBefore.failures
    total.resolverTimeouts += done.timeouts - resolverBefore.timeouts
    return total
  }

  // MARK: Sending

  /// A message of the session.
  mutating func send(_ body: WireAgentMessage.OneOf_Body, bulk: [[UInt8]]) throws {
    let control = Envelope.encode(session: sessionIdentifier, sequence: session.nextNumber(), body)
    unsent.append([control] + bulk)
    try sendUnsent()
  }

  mutating func sendUnsent() throws {
    while let message = unsent.first {
      switch try socket.send(message) {
      case .sent: unsent.removeFirst()
      case .wouldBlock, .unroutable: return
      }
    }
  }
}
