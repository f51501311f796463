import FetchModel
import JobStore
import PosixIO
import Scheduling
import WireProtocol

/// How a job comes to its end.
extension Coordinator {
  /// No agent is needed any more.
  var isParting: Bool {
    switch stage {
    case .running, .draining: false
    case .flushing, .parting: true
    }
  }

  /// The first signal lets rows under way finish. The second ends the job as soon as what was recorded is durable,
  /// and in a second at the latest: a reader of standard output may have stopped reading.
  func interrupted(_ count: Int) throws {
    guard count > 0 else { return }
    let isFirst = !wasInterrupted && count == 1
    wasInterrupted = true
    if !isFirst, hardStop == nil { hardStop = now.adding(nanoseconds: 1_000_000_000) }
    switch stage {
    case .running where isFirst:
      view.say("interrupted: finishing what is under way")
      stage = .draining(until: now + configuration.grace)
      // What was not started comes back, so that only what is in flight is waited for.
      for session in peers.keys.sorted() { try send(.drain(WireDrain()), to: session) }
    case .running, .draining: stage = .draining(until: now)
    case .flushing, .parting: break
    }
  }

  /// Goes on to the next stage if this one is over; returns how the job ended after the last.
  func advance() throws -> CoordinatorExit? {
    if let hardStop, now >= hardStop { exitInterrupted() }
    switch stage {
    case .running:
      try checkAgentWait()
      if scheduler.isComplete { flush() }
    case .draining(let end):
      if scheduler.counts.leased == 0 || now >= end { flush() }
    case .flushing: break
    case .parting(let end):
      if now >= end || peers.values.allSatisfy({ $0.hasReported || now >= $0.reportDueAt }) { return try finish() }
    }
    return nil
  }

  private func checkAgentWait() throws {
    if scheduler.sessionCount > 0 {
      hadAgents = true
      firstAgentDeadline = nil
    }
    if let deadline = firstAgentDeadline, now >= deadline {
      let exact = configuration.agentWait.inSeconds
      let seconds = exact == exact.rounded() ? "\(Int(exact))" : "\(exact)"
      throw ending(
        with: CoordinatorError(
          "no agent came within \(seconds) s; start one with: agent --coordinator \(socket.endpoint)"
            + (configuration.keys == nil ? "" : " --keys DIR/agent-1")
        )
      )
    }
    if hadAgents, scheduler.sessionCount == 0 {
      hadAgents = false
      if configuration.progress != .none { view.say("all agents are gone; waiting for one to come") }
    }
  }

  private func flush() {
    stage = .flushing
    mailboxes.committer.send(.flush)
  }

  /// Everything is on the disk; of a pass that is whole, that it is, comes last.
  func allDurable() throws {
    guard scheduler.isComplete else { return try part() }
    let ending: [JournalEntry] = input.isCut ? [.inputCut(bytes: input.bytes)] : []
    write(ending + [.ended(rows: records.rows)], then: .part)
  }

  /// All records are durable: agents may report and go.
  func part() throws {
    stage = .parting(until: now.adding(nanoseconds: 2_000_000_000))
    for session in peers.keys.sorted() {
      var end = WireJobEnd()
      end.job = bytes(files.identifier)
      try send(.jobEnd(end), to: session)
    }
  }

  /// Blocks may have come while agents parted: they are durable, too, before the summary counts them.
  private func stopWriting() throws {
    statusFile.due = now
    writeStatus()
    mailboxes.committer.send(.stop)
    while true {
      mailboxes.events.signal.wait(milliseconds: 100)
      now = Clock.bootTime()
      if interruptions.take() > 0 { exitInterrupted() }
      for event in mailboxes.events.drain() {
        switch event {
        case .committer(.idle): return
        case .committer(.failed(let failure)): throw WritingFailed(failure)
        case .committer, .input, .gate: break
        }
      }
    }
  }

  private func exitInterrupted() -> Never {
    if isUntouched { files.discard() }
    Process.exitNow(CoordinatorExit.interrupted.rawValue)
  }

  /// Nobody has seen anything of the job, so its folder can be named again.
  private var isUntouched: Bool { records.rows == 0 && !hasGivenOut && !plan.isSpooled }

  /// What ends the run: of a job that is untouched nothing is left, once nobody writes into its folder any more.
  func ending(with error: CoordinatorError) -> any Error { isUntouched ? JobNeverBegan.failed(error) : error }

  private func finish() throws -> CoordinatorExit {
    try stopWriting()
    let isComplete = scheduler.isComplete && !input.isCut
    let report = JobReport(
      JobReport.Source(
        job: files.identifier,
        state: isComplete ? .complete : scheduler.isComplete ? .incompleteInput : .interrupted,
        startedAtMicroseconds: startedAtMicroseconds,
        duration: .nanoseconds(Int64(clamping: now.nanoseconds(since: startedAt))),
        inputRows: chosenRowsRead,
        earlierRows: plan.recovered?.counters.rows ?? 0,
        withheldRows: input.withheldRows,
        records: records,
        timeline: timeline,
        effort: efforts.total,
        instances: efforts.count,
        silentInstances: efforts.countWithoutLastReport,
        refused: refusals.entries
      )
    )
    if !isComplete, isUntouched { files.discard() }
    if records.rows > 0 || isComplete { try files.write(report) }
    tell(report)
    if !scheduler.isComplete, wasInterrupted { return .interrupted }
    if input.isCut { return .notDone }
    return configuration.failsOnErrors && report.hasFailures ? .rowsFailed : .complete
  }

  private func tell(_ report: JobReport) {
    guard configuration.progress != .none else { return }
    for line in ReportTable(report: report).lines { view.say(line) }
    guard let path = files.path else { return }
    if records.rows > 0 { view.say("records     \(path)/\(files.pass.resultsName)") }
    if report.state == .interrupted, records.rows > 0 || hasGivenOut {
      view.say("go on with  coordinator resume \(path)")
    }
    if report.state == .incompleteInput {
      view.say("standard input was cut off when an earlier run ended: the rows after these are lost")
    }
  }
}
