import FetchModel
import PosixIO
import Scheduling
import WireProtocol

/// Rows in from the input, and out to agents.
extension Coordinator {
  func take(_ chunk: RowChunk) {
    let slot = lines.add(chunk)
    var numbers = [UInt32](repeating: 0, count: chunk.originKeys.count)
    for row in chunk.rows {
      var origin: UInt32 = 0
      if row.origin >= 0 {
        origin = numbers[Int(row.origin)]
        if origin == 0 {
          origin = scheduler.number(of: chunk.originKeys[Int(row.origin)])
          numbers[Int(row.origin)] = origin
        }
      }
      let location = LineStore.location(chunk: slot, row: row)
      let intake = scheduler.add(
        origin: origin,
        length: Int(row.length),
        location: location,
        mustNotRepeat: row.mustNotRepeat
      )
      switch intake {
      case .taken: break
      case .recorded: lines.release(location)
      case .lost(let row): recordLost(row, agent: "of an earlier run")
      }
    }
  }

  func readMore() {
    guard !isReading, !inputHasEnded, stage == .running, scheduler.needsRows,
      lines.heldBytes < scheduler.windowBytesLimit
    else { return }
    isReading = true
    mailboxes.input.send(.more)
  }

  func carryOut(_ dispatches: [Dispatch]) throws {
    for dispatch in dispatches {
      var work = WireWork()
      work.job = bytes(files.identifier)
      work.rows = UInt32(dispatch.rows.count)
      work.shares = dispatch.shares.map { grant in
        var share = WireShare()
        share.origin = grant.origin
        share.connections = UInt32(grant.connections)
        return share
      }
      var frame: [UInt8] = []
      frame.reserveCapacity(dispatch.rows.count * (RowFrame.headerBytes + 96))
      // Together: a call for one row through the class copies the scheduler first.
      let tickets = scheduler.tickets(of: dispatch.rows, now: now)
      for (seq, ticket) in zip(dispatch.rows, tickets) {
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
      if work.rows > 0 || !work.shares.isEmpty {
        guard try send(.work(work), bulk: [frame], to: dispatch.session) else {
          scheduler.undelivered(dispatch.rows, to: dispatch.session)
          continue
        }
      }
      for recall in dispatch.recalls { try send(recall, to: dispatch.session) }
    }
  }

  private func send(_ recall: Recall, to session: UInt64) throws {
    var message = WireRowRecall()
    message.job = bytes(files.identifier)
    message.rows = UInt32(recall.seqs.count)
    message.origin = recall.origin
    try send(.rowRecall(message), bulk: [SeqFrame.encode(recall.seqs)], to: session)
  }
}
