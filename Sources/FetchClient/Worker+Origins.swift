import DequeModule
import FetchModel
import PosixIO
import WireProtocol

extension Worker {
  /// Takes rows in; those that are no valid requests end here.
  func adopt(_ batch: RowBatch) {
    guard let job else { return }
    var touched: [OriginSlot] = []
    for row in batch.rows {
      var pending = PendingRow(batch: batch, row: row)
      if let range = row.redirect {
        // Checked when the frame was decoded.
        pending.redirect = try? RedirectFrame.decode(Array(batch.bytes[range]))
      }
      guard let origin = slot(for: pending, job) else {
        refuse(pending, job)
        continue
      }
      if origin.waiting.isEmpty { touched.append(origin) }
      origin.waiting.append(pending)
    }
    for origin in touched { pump(origin) }
    if builder.isFull { flush() }
  }

  /// The slot of a row's origin, made on its first row; nil if the row has none.
  private func slot(for pending: PendingRow, _ job: WorkerJob) -> OriginSlot? {
    let number = pending.row.origin
    if let known = origins[number] { return known }
    guard number != 0 else { return nil }
    if let redirect = pending.redirect {
      guard (try? job.url.parseOrigin(redirect.url.span)) != nil else { return nil }
    } else {
      let bytes = pending.batch.bytes
      guard job.row.parseOrigin(bytes.span.extracting(pending.row.line)) else { return nil }
      job.url = job.row.url
    }
    let origin = OriginSlot(number: number, url: job.url, job: job, checksAddress: dialing.deniesPrivate)
    origin.share = earlyShares.removeValue(forKey: number) ?? 0
    origins[number] = origin
    return origin
  }

  /// Starts as many waiting rows as connections, share, lease and credit allow.
  func pump(_ origin: OriginSlot) {
    guard let job, !origin.isPumping else { return }
    origin.isPumping = true
    defer { origin.isPumping = false }
    if now < origin.pausedUntil { return returnWaiting(of: origin) }
    while !origin.waiting.isEmpty {
      guard mayStart else { return stall(origin) }
      let needsFresh = origin.waiting[0].needsFreshConnection
      if !needsFresh, let connection = origin.idle.popLast() {
        busyConnections += 1
        start(origin.waiting.removeFirst(), on: connection, job)
      } else if !needsFresh, origin.waiting.count <= origin.settling {
        // They will be served in a moment.
        return
      } else if origin.openConnections < origin.share {
        guard now >= dialingPausedUntil else { return stall(origin) }
        open(for: origin.waiting.removeFirst(), at: origin)
      } else if let oldest = origin.idle.first {
        close(oldest)
      } else {
        // A row that was to go on here after the share was given up.
        if origin.share == 0, origin.openConnections == 0 {
          returnWaiting(of: origin)
          forgetIfUnused(origin)
        }
        return
      }
    }
    builder.isHungry = true
  }

  /// A larger share takes effect at once; a smaller one as connections end, and is confirmed then.
  func setShare(of number: UInt32, to connections: Int) {
    guard let origin = origins[number] else {
      // Nothing is open yet, so a lower share is reached at once.
      let earlier = earlyShares[number] ?? 0
      earlyShares[number] = connections == 0 ? nil : connections
      if connections == 0 || connections < earlier {
        report(.shareLowered(origin: number, connections: connections))
      }
      return
    }
    let isLower = connections < origin.share
    origin.share = connections
    if isLower {
      origin.owesLowered = true
      if connections == 0 { returnWaiting(of: origin) }
      while origin.openConnections > connections, let oldest = origin.idle.first { close(oldest) }
      reportLoweredShare(origin)
    } else {
      pump(origin)
    }
  }

  func reportLoweredShare(_ origin: OriginSlot) {
    guard origin.owesLowered, origin.openConnections <= origin.share else { return }
    origin.owesLowered = false
    report(.shareLowered(origin: origin.number, connections: origin.share))
    forgetIfUnused(origin)
  }

  /// Its number may be given to another origin once nothing is left of it.
  private func forgetIfUnused(_ origin: OriginSlot) {
    guard origin.share == 0, origin.openConnections == 0, origin.waiting.isEmpty, origins[origin.number] === origin
    else { return }
    origins[origin.number] = nil
    forgetStalled(origin)
  }
}
