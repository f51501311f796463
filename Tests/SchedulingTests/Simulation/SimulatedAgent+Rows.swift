import FetchModel
import Scheduling

/// What an agent's workers do with rows.
extension SimulatedAgent {
  /// Ends what has taken its time and starts what may start.
  mutating func work(now: Instant, origins: SimulatedOrigins, random: inout SimulationRandom) throws {
    // A worker closes what it has under a lease that is over; its thread may come to it late.
    finish(now)
    if collecting == nil || collecting?.keepsRows == true { confirmLowered() }
    guard collecting?.keepsRows != false else { return }
    var results: [ResultColumn] = []
    var deferrals: [Deferral] = []
    for slot in slots.indices {
      while let row = slots[slot].waiting.first, mayStart(now) {
        if row.origin == 0 {
          results.append(column(row, status: 0, failure: .invalidURL, duration: 0))
        } else if slots[slot].flights.count >= slots[slot].share + (mutation == .ignoresShares ? 9 : 0) {
          break
        } else if random.chance(2) {
          deferrals.append(Deferral(seq: row.seq, cause: .localTrouble, attempts: row.attempts))
        } else {
          try start(row, slot, now, origins, &random)
        }
        slots[slot].waiting.removeFirst()
      }
    }
    report(results, deferrals)
  }

  private func mayStart(_ now: Instant) -> Bool {
    (holdsLease(now) || mutation == .ignoresLease) && outbox.count < unacknowledgedBlocks
  }

  private mutating func start(
    _ row: SimulatedRow,
    _ slot: Int,
    _ now: Instant,
    _ origins: SimulatedOrigins,
    _ random: inout SimulationRandom
  ) throws {
    let open = slots.reduce(0) { $0 + $1.flights.count }
    guard open < connections || mutation != nil else {
      throw SimulationFailure(.sharesAreWithinTheLimit, "agent \(index) was given more connections than it has")
    }
    let number = origins.number(of: row.key)
    var answer = origins.answer(number, row, now, &random)
    if isNetworkBroken {
      answer = SimulatedOrigins.Answer(duration: 1_000_000, status: 0, failure: .connectUnreachable)
    }
    slots[slot].flights.append(Flight(row: row, end: now.adding(nanoseconds: answer.duration), answer: answer))
    // A request that finds no connection has not left.
    let leaves = answer.failure == nil || answer.failure == .reset
    starts.append(Start(row: row, lease: lease, leaves: leaves))
  }

  private mutating func finish(_ now: Instant) {
    var results: [ResultColumn] = []
    var deferrals: [Deferral] = []
    for slot in slots.indices {
      for flight in slots[slot].flights where flight.end <= now {
        conclude(flight.row, slots[slot].origin, flight.answer, &results, &deferrals)
      }
      slots[slot].flights.removeAll { $0.end <= now }
    }
    report(results, deferrals)
  }

  private mutating func conclude(
    _ row: SimulatedRow,
    _ origin: UInt32,
    _ answer: SimulatedOrigins.Answer,
    _ results: inout [ResultColumn],
    _ deferrals: inout [Deferral]
  ) {
    if let next = answer.redirect {
      let state = RedirectState(
        url: SimulatedOrigins.url(of: next),
        method: .get,
        dropsCredentials: false,
        dropsContent: false,
        hops: (row.redirect?.hops ?? 0) + 1,
        spentMicroseconds: 0,
        visited: []
      )
      return deferrals.append(Deferral(seq: row.seq, cause: .redirect, attempts: row.attempts, redirect: state))
    }
    let mayRepeat = !row.mustNotRepeat && Int(row.attempts) < retries
    guard mayRepeat, answer.failure != nil || answer.status == 429 || answer.status == 503 else {
      results.append(column(row, status: answer.status, failure: answer.failure, duration: answer.duration))
      if answer.retryAfterMilliseconds > 0, session.session != 0 {
        say(.pause(origin: origin, milliseconds: answer.retryAfterMilliseconds))
      }
      return
    }
    deferrals.append(
      Deferral(
        seq: row.seq,
        cause: answer.failure == nil ? .status : .failure,
        failure: answer.failure,
        status: answer.status,
        attempts: row.attempts + 1,
        retryAfterMilliseconds: answer.retryAfterMilliseconds
      )
    )
  }

  private func column(_ row: SimulatedRow, status: UInt16, failure: FailureCode?, duration: UInt64) -> ResultColumn {
    ResultColumn(
      seq: row.seq,
      bodyBytes: 0,
      totalMicroseconds: UInt32(clamping: duration / 1000),
      lineLength: 0,
      status: status,
      failure: failure,
      attempts: UInt8(clamping: Int(row.attempts) + 1)
    )
  }

  private mutating func report(_ results: [ResultColumn], _ deferrals: [Deferral]) {
    if !results.isEmpty { outbox.add(.results(results)) }
    if !deferrals.isEmpty { outbox.add(.deferrals(deferrals)) }
  }
}
