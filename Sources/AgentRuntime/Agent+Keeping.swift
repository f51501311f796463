import FetchClient
import FetchModel
import Logging
import PosixIO
import Scheduling
import WireProtocol

/// What is kept for coordinators that are away, and what becomes of it if they stay away.
extension Agent {
  private static let keptBytes = 256 * 1024 * 1024

  static func shelves(hold: Duration) -> Shelves<RowBlock> {
    Shelves(
      Shelves.Limits(hold: hold, bytes: keptBytes, jobs: HelloLimits.keptJobs, rows: HelloLimits.keptRows)
    )
  }

  /// Another job begins: the outbox is the one that was kept of it, and what is left of the job before is kept.
  mutating func changeOutbox(to next: [UInt8]) {
    let before = outbox.bytes
    let dropped = shelves.exchange(&outbox, of: job?.identifier ?? [], servedAt: servedAt, for: next)
    admission.addUnacknowledged(outbox.bytes - before)
    if outbox.finishedRows > 0 {
      log.notice("results of job \(Self.hexadecimal(next)) were kept: \(outbox.finishedRows) rows are sent now")
    }
    for loss in dropped { say(loss) }
  }

  /// Gives up what nobody came for in time.
  mutating func dropUnclaimed() throws {
    let now = Clock.bootTime()
    var dropped = shelves.expire(now: now)
    if let loss = dropOutbox(now) { dropped.append(loss) }
    guard !dropped.isEmpty else { return }
    for loss in dropped { say(loss) }
    try perform(session.dropped(now: now))
  }

  /// The current job's results, if its coordinator has been away for too long.
  private mutating func dropOutbox(_ now: Instant) -> DroppedResults? {
    guard session.session == 0, !outbox.isEmpty, now >= servedAt + configuration.hold else { return nil }
    // Rows that were under way when their worker was asked are named as such, and may be in here by now.
    guard !session.isContinuing else { return nil }
    let loss = DroppedResults(job: job?.identifier ?? [], rows: outbox.finishedRows, cause: .unclaimed)
    admission.addUnacknowledged(-outbox.removeAll())
    held.removeAll { $0.origin == 0 }
    if configuration.once, loss.rows > 0 { exit = .failed(text(of: loss)) }
    return loss
  }

  private func say(_ loss: DroppedResults) {
    // Without finished rows nothing has to be done again. The reason for an end is said at the end.
    if loss.rows > 0, exit == nil { log.warning("\(text(of: loss))") }
  }

  private func text(of loss: DroppedResults) -> String {
    let what = "\(loss.rows) finished rows of job \(Self.hexadecimal(loss.job)) are lost"
    switch loss.cause {
    case .unclaimed:
      let exact = configuration.hold.inSeconds
      let seconds = exact == exact.rounded() ? "\(Int(exact))" : "\(exact)"
      return "\(what): its coordinator was not heard for \(seconds) s at \(configuration.coordinator) (--hold)"
    case .noRoom: return "\(what): more is kept for coordinators that are away than there is room for"
    }
  }

  /// Before the end: what is kept goes with the process.
  func sayLost() {
    let rows = outbox.finishedRows + shelves.finishedRows
    guard rows > 0 else { return }
    log.warning("\(rows) finished rows are lost with this agent: no coordinator of their jobs came for them")
  }
}
