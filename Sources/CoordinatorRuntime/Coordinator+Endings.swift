import FetchModel
import JobStore
import Logging
import PosixIO
import Records
import Scheduling

/// Ends of sessions and of local agents.
extension Coordinator {
  /// Records what time has brought and says so.
  func note(_ passing: Passing) {
    endSessions(passing.ends, isUnexpected: true)
    for origin in passing.givenUp { record(origin) }
    for row in passing.lost { recordLost(row, agent: "of an earlier run") }
  }

  /// Records what was lost with sessions and says so. One that was not to end is said even if nothing was: its rows
  /// may have been doubled in time.
  func endSessions(_ ends: [SessionEnd], isUnexpected: Bool = false) {
    for end in ends {
      peers[end.session] = nil
      for row in end.lost { recordLost(row, agent: end.agent) }
      if stage == .running, isUnexpected || end.requeued > 0 || !end.lost.isEmpty {
        let lost = end.lost.isEmpty ? "" : ", \(end.lost.count) unsafe rows are lost"
        view.say("agent \(end.agent) is gone: \(end.requeued) rows are given out again\(lost)")
      }
    }
  }

  func recordLost(_ row: EndedRow, agent: String) {
    let failure = FetchFailure(
      .agentLost,
      in: .cluster,
      "agent \(agent) was lost while it held this request, which must not be sent twice"
    )
    var line: [UInt8] = []
    let column = append(row, attempts: UInt32(row.attempts) + 1, failure, to: &line)
    record(lines: line, [column])
  }

  /// Records the rows of an origin that is down.
  private func record(_ origin: GivenUpOrigin) {
    let name = String(decoding: origin.key, as: UTF8.self)
    let last = origin.lastFailure.map { ", at last \($0.name)" } ?? ""
    let failure = FetchFailure(
      .originDown,
      in: .policy,
      "\(name) has not answered for \(configuration.job.retry.giveUpAfter.inSeconds) s: "
        + "\(origin.failures) attempts failed\(last); this request was not sent"
    )
    var block: [UInt8] = []
    let columns = origin.rows.map { append($0, attempts: UInt32($0.attempts), failure, to: &block) }
    record(lines: block, columns)
    sayDown(origin.key)
  }

  /// Appends the record of a row that ends without an agent.
  private func append(_ row: EndedRow, attempts: UInt32, _ failure: FetchFailure, to block: inout [UInt8])
    -> ResultColumn
  {
    var request = RowRequest()
    lines.withLine(at: row.location) { line in _ = try? request.parse(line) }
    var fields = RecordFields(seq: row.seq)
    fields.id = request.id
    fields.method = request.method ?? configuration.job.request.method
    fields.attempts = attempts
    fields.startedAt = Clock.wallMicroseconds()
    fields.failure = failure
    let url = request.urlText
    let start = block.count
    _ = writer.append(fields, url: url.span, to: &block)
    lines.release(row.location)
    return ResultColumn(
      seq: row.seq,
      bodyBytes: 0,
      totalMicroseconds: 0,
      lineLength: UInt32(block.count - start),
      status: 0,
      failure: failure.code,
      attempts: UInt8(clamping: attempts)
    )
  }

  func checkLocalAgents() throws {
    guard localAgents != nil else { return }
    let isOver = stage != .running
    for event in localAgents?.check(now: now, isOver: isOver) ?? [] {
      switch event {
      case .exited(let pid, let description):
        let session = peers.first { $0.value.processIdentifier == pid }?.key
        if case .parting = stage {
          // It was told to end. What it said last comes from another thread of this process, perhaps in a moment.
          if let session { peers[session]?.reportDueAt = now.adding(nanoseconds: 200_000_000) }
          continue
        }
        let end = session.flatMap { scheduler.end($0) }
        if !isOver { view.say("local agent \(end?.agent ?? "of process \(pid)") ended (\(description))") }
        if let end { endSessions([end]) }
      case .givenUp: log.warning("a local agent ended too often and is not started again")
      }
    }
    if !isOver, localAgents?.areAllGone == true {
      throw ending(
        with: CoordinatorError("every local agent ended each time it was started; the lines above say how")
      )
    }
  }
}
