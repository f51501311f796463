import FetchModel
import JobStore
import PosixIO
import Records
import Scheduling
import WireProtocol

/// What agents say has become of rows.
extension Coordinator {
  func take(_ results: WireResults, bulk: ArraySlice<[UInt8]>, from session: UInt64) throws {
    guard Array(results.job) == files.identifier else { return try fence(session, .wrongJob) }
    guard peers[session]?.blocks.isNext(results.block) == true else {
      return try fence(session, .blockOutOfOrder)
    }
    let block: BlockCheck.Results
    do throws(BlockCheck.Fault) {
      block = try BlockCheck.results(bulk, count: Int(results.rows))
    } catch {
      return try fence(session, RefusalLedger.Cause(error))
    }
    var acceptance = Acceptance()
    do {
      try scheduler.accept(block.columns, from: session, now: now, into: &acceptance)
    } catch {
      return try fence(session, .rowNotLeased)
    }
    for location in acceptance.freed { lines.release(location) }
    peers[session]?.blocks.addResults(bytes: block.lines.count)
    let accepted = block.without(acceptance.refused)
    record(lines: accepted.lines, accepted.columns, session: session, block: results.block)
    // A quarter of the acknowledgement credit: the agent must not come to a stand for want of a sync.
    if let waiting = peers[session]?.blocks.uncommittedBytes, waiting > 16 * 1024 * 1024 {
      mailboxes.committer.send(.hurry)
    }
  }

  /// Counts records and hands them to the writer.
  func record(lines: [UInt8], _ columns: [ResultColumn], session: UInt64 = 0, block: UInt64 = 0) {
    for column in columns { records.add(column) }
    timeline.add(rows: records.rows, at: now)
    backlogBytes += lines.count
    mailboxes.committer.send(.append(CommitRequest(lines: lines, columns: columns, session: session, block: block)))
  }

  func take(_ deferrals: WireDeferrals, bulk: ArraySlice<[UInt8]>, from session: UInt64) throws {
    guard Array(deferrals.job) == files.identifier else { return try fence(session, .wrongJob) }
    guard peers[session]?.blocks.isNext(deferrals.block) == true else {
      return try fence(session, .blockOutOfOrder)
    }
    let decoded: [Deferral]
    do throws(BlockCheck.Fault) {
      decoded = try BlockCheck.deferrals(bulk, count: Int(deferrals.rows))
    } catch {
      return try fence(session, RefusalLedger.Cause(error))
    }
    do {
      try scheduler.defer(decoded, from: session, now: now)
    } catch {
      return try fence(session, .rowNotLeased)
    }
    if input.mayHoldUnsafeRows { noteReturned(decoded.filter(\.wasNotSent).map(\.seq)) }
    if let block = peers[session]?.blocks.addDeferrals() { try acknowledge(block, to: session) }
  }

  /// The results up to this block are durable.
  func noteDurable(_ block: UInt64, of session: UInt64) throws {
    if let block = peers[session]?.blocks.durable(upTo: block) { try acknowledge(block, to: session) }
  }

  private func acknowledge(_ block: UInt64, to session: UInt64) throws {
    var acknowledgement = WireAcknowledgement()
    acknowledgement.job = bytes(files.identifier)
    acknowledgement.block = block
    try send(.acknowledgement(acknowledgement), to: session)
  }
}

extension RefusalLedger.Cause {
  fileprivate init(_ fault: BlockCheck.Fault) {
    switch fault {
    case .badFrame: self = .badFrame
    case .badLine: self = .badLine
    }
  }
}
