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
    guard bulk.count == 2, let columnFrame = bulk.first, let lineFrame = bulk.last else {
      return try fence(session, .badFrame)
    }
    guard peers[session]?.blocks.isNext(results.block) == true else {
      return try fence(session, .blockOutOfOrder)
    }
    let columns: [ResultColumn]
    do {
      columns = try ColumnFrame.decode(columnFrame, count: Int(results.rows))
    } catch {
      return try fence(session, .badFrame)
    }
    guard areWellFormed(lineFrame, columns) else { return try fence(session, .badLine) }
    var acceptance = Acceptance()
    do {
      try scheduler.accept(columns, from: session, now: now, into: &acceptance)
    } catch {
      return try fence(session, .rowNotLeased)
    }
    for location in acceptance.freed { lines.release(location) }
    let accepted =
      acceptance.refused.isEmpty ? (lineFrame, columns) : leaveOut(acceptance.refused, of: columns, lineFrame)
    peers[session]?.blocks.addResults(bytes: lineFrame.count)
    record(lines: accepted.0, accepted.1, session: session, block: results.block)
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

  /// A block without the rows whose results do not count.
  private func leaveOut(_ refused: [Int], of columns: [ResultColumn], _ frame: [UInt8]) -> ([UInt8], [ResultColumn]) {
    var kept: [UInt8] = []
    kept.reserveCapacity(frame.count)
    var keptColumns: [ResultColumn] = []
    var offset = 0
    var next = refused.makeIterator()
    var skipped = next.next()
    for (position, column) in columns.enumerated() {
      let end = offset + Int(column.lineLength)
      if position == skipped {
        skipped = next.next()
      } else {
        kept.append(contentsOf: frame[offset..<end])
        keptColumns.append(column)
      }
      offset = end
    }
    return (kept, keptColumns)
  }

  /// The lines are the columns' lines, one after the other and nothing else.
  private func areWellFormed(_ frame: [UInt8], _ columns: [ResultColumn]) -> Bool {
    var offset = 0
    for column in columns {
      let end = offset + Int(column.lineLength)
      guard end <= frame.count, isWellFormedLine(frame.span.extracting(offset..<end), seq: column.seq) else {
        return false
      }
      offset = end
    }
    return offset == frame.count
  }

  func take(_ deferrals: WireDeferrals, bulk: ArraySlice<[UInt8]>, from session: UInt64) throws {
    guard Array(deferrals.job) == files.identifier else { return try fence(session, .wrongJob) }
    guard bulk.count == 1, let frame = bulk.first else { return try fence(session, .badFrame) }
    guard peers[session]?.blocks.isNext(deferrals.block) == true else {
      return try fence(session, .blockOutOfOrder)
    }
    let decoded: [Deferral]
    do {
      decoded = try DeferralFrame.decode(frame, count: Int(deferrals.rows))
    } catch {
      return try fence(session, .badFrame)
    }
    do {
      try scheduler.defer(decoded, from: session, now: now)
    } catch {
      return try fence(session, .rowNotLeased)
    }
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
