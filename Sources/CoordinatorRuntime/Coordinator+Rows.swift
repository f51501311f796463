import FetchModel
import JobStore
import PosixIO
import Scheduling
import WireProtocol

/// Rows in from the input, and out to agents.
extension Coordinator {
  func take(_ chunk: RowChunk) {
    note(hashes: chunk.hashes)
    input.withheldRows += chunk.withheld
    let slot = lines.add(chunk)
    var numbers = [UInt32](repeating: 0, count: chunk.originKeys.count)
    for row in chunk.rows {
      guard row.origin != RowChunk.Row.settled else {
        scheduler.skip()
        continue
      }
      var origin: UInt32 = 0
      if row.origin >= 0 {
        origin = numbers[Int(row.origin)]
        if origin == 0 {
          origin = scheduler.number(of: chunk.originKeys[Int(row.origin)])
          numbers[Int(row.origin)] = origin
        }
      }
      if row.mustNotRepeat { input.mayHoldUnsafeRows = true }
      if plan.logsRepeatedRows, row.isUnsafe {
        input.mayHoldUnsafeRows = true
        input.repeatedRows.insert(scheduler.nextSeq)
      }
      let location = LineStore.location(chunk: slot, row: row)
      let intake = scheduler.add(
        origin: origin,
        length: Int(row.length),
        location: location,
        mustNotRepeat: row.mustNotRepeat,
        leftTo: row.mustNotRepeat ? earlierHolder(of: scheduler.nextSeq) : nil
      )
      switch intake {
      case .taken: continue
      case .recorded: lines.release(location)
      case .lost(let row): recordLost(row, agent: "of an earlier run")
      }
      // It may have been the only row of its origin, which is forgotten then.
      if row.origin >= 0 { numbers[Int(row.origin)] = 0 }
    }
  }

  /// The instance that an unsafe row left to in an earlier run.
  private func earlierHolder(of seq: UInt64) -> [UInt8]? { plan.recovered?.unsafe[seq] }

  func readMore() {
    guard !input.isReading, !input.hasEnded, stage == .running, scheduler.needsRows,
      lines.heldBytes < scheduler.windowBytesLimit
    else { return }
    input.isReading = true
    mailboxes.input.send(.more)
  }

  func carryOut(_ dispatches: [Dispatch]) throws {
    for dispatch in dispatches {
      if !dispatch.rows.isEmpty { hasGivenOut = true }
      // Most jobs have none, and most dispatches of the others.
      let unsafe = input.mayHoldUnsafeRows ? dispatch.rows.filter(hasToBeLogged) : []
      let ready = unsafe.isEmpty ? dispatch.rows : dispatch.rows.filter { !hasToBeLogged($0) }
      if !ready.isEmpty || !dispatch.shares.isEmpty {
        guard try send(ready, shares: dispatch.shares, to: dispatch.session) else {
          // None of them has left, and none was logged.
          scheduler.undelivered(dispatch.rows, to: dispatch.session)
          continue
        }
      }
      if !unsafe.isEmpty { holdBack(unsafe, for: dispatch.session) }
      for recall in dispatch.recalls { try send(recall, to: dispatch.session) }
    }
  }

  /// Whether it has to be known to a later run that the row left.
  func hasToBeLogged(_ seq: UInt64) -> Bool { scheduler.mustNotRepeat(seq) || input.repeatedRows.contains(seq) }

  /// Sends rows and shares in one message; false if it could not leave.
  func send(_ rows: [UInt64], shares: [ShareGrant], to session: UInt64) throws -> Bool {
    var work = WireWork()
    work.job = bytes(files.identifier)
    work.rows = UInt32(rows.count)
    work.shares = shares.map { grant in
      var share = WireShare()
      share.origin = grant.origin
      share.connections = UInt32(grant.connections)
      return share
    }
    var frame: [UInt8] = []
    frame.reserveCapacity(rows.count * (RowFrame.headerBytes + 96))
    // Together: a call for one row through the class copies the scheduler first.
    let tickets = scheduler.tickets(of: rows, now: now)
    for (seq, ticket) in zip(rows, tickets) {
      lines.withLine(at: ticket.location) { line in
        RowFrame.append(
          seq: seq,
          origin: ticket.origin,
          elapsedMilliseconds: ticket.elapsedMilliseconds,
          attempts: ticket.attempts,
          mustNotRepeat: ticket.mustNotRepeat,
          redirect: ticket.redirect,
          line: line,
          to: &frame
        )
      }
    }
    return try send(.work(work), bulk: [frame], to: session)
  }

  private func send(_ recall: Recall, to session: UInt64) throws {
    var message = WireRowRecall()
    message.job = bytes(files.identifier)
    message.rows = UInt32(recall.seqs.count)
    message.origin = recall.origin
    try send(.rowRecall(message), bulk: [SeqFrame.encode(recall.seqs)], to: session)
  }
}
