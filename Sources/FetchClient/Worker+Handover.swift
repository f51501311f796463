import DequeModule
import FetchModel
import PosixIO
import WireProtocol

/// What a worker gives back, and what it takes from one session into the next.
extension Worker {
  // MARK: Giving back

  /// Rows that nothing will start here any more go back to the scheduler.
  func returnWaiting(of origin: OriginSlot) {
    guard !origin.waiting.isEmpty else { return }
    for pending in origin.waiting { giveBack(pending) }
    origin.waiting.removeAll()
    builder.isHungry = true
    if builder.isFull { flush() }
  }

  /// Others have time for these rows. One that has left the queue meanwhile stays.
  func recall(_ seqs: [UInt64], from number: UInt32) {
    guard let origin = origins[number] else { return }
    let wanted = Set(seqs)
    for pending in origin.waiting where wanted.contains(pending.row.seq) { giveBack(pending) }
    origin.waiting.removeAll { wanted.contains($0.row.seq) }
    builder.isHungry = true
    if builder.isFull { flush() }
  }

  /// Rows that wait where nothing is open and nothing may be.
  func returnStranded() {
    for origin in origins.values where origin.share == 0 && origin.openConnections == 0 { returnWaiting(of: origin) }
  }

  private func giveBack(_ pending: PendingRow) {
    let row = pending.row
    // A row in the middle of its redirects goes on from there.
    let cause: Deferral.Cause = pending.redirect == nil ? .notStarted : .redirect
    builder.add(Deferral(seq: row.seq, cause: cause, attempts: row.attempts, redirect: pending.redirect), now: now)
  }

  // MARK: Handing over

  /// What is held of each origin. What is open counts as allowed from now on, so that no lowering is owed to a session
  /// that is over.
  func takeStock() -> [WorkerHolding] {
    // Nothing is open there, and nobody here knows which origins they are.
    earlyShares.removeAll()
    var running: [UInt32: [UInt64]] = [:]
    for connection in connections {
      guard let connection, connection.state != .idle else { continue }
      running[connection.origin.number, default: []].append(connection.attempt.pending.row.seq)
    }
    var held: [WorkerHolding] = []
    for (number, origin) in origins.sorted(by: { $0.key < $1.key }) {
      origin.share = max(origin.share, origin.openConnections)
      origin.owesLowered = false
      let rows = (running[number] ?? []) + origin.waiting.map(\.row.seq)
      guard origin.share > 0 || !rows.isEmpty else {
        origins[number] = nil
        continue
      }
      var key: [UInt8] = []
      origin.url.appendOriginKey(to: &key)
      held.append(WorkerHolding(origin: number, key: key, connections: origin.share, rows: rows))
    }
    return held
  }

  /// Goes on under the numbers of another session. What that one does not know as held is not.
  func renumber(_ numbers: [UInt32: UInt32]) {
    // They name what they speak of by the old numbers.
    originPauses.removeAll()
    earlyShares.removeAll()
    let known = origins
    origins.removeAll()
    for (number, origin) in known {
      if let new = numbers[number] {
        origin.number = new
        origins[new] = origin
      } else {
        forget(origin)
      }
    }
  }

  private func forget(_ origin: OriginSlot) {
    origin.waiting.removeAll()
    for connection in connections {
      if let connection, connection.origin === origin { close(connection) }
    }
    forgetStalled(origin)
  }
}
