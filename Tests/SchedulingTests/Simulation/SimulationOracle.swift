import FetchModel
import Scheduling

/// A session, told apart over all epochs.
struct LeaseName: Hashable, CustomStringConvertible {
  let epoch: UInt64
  let session: UInt64

  var description: String { "\(epoch).\(session)" }
}

/// What must be true whatever happens, kept in books of its own beside the scheduler's.
struct SimulationOracle {
  private struct Row {
    let length: Int
    let isUnsafe: Bool
    /// Accepted in this epoch, or skipped.
    var isRecorded = false
    /// Given out once: the log of unsafe rows has it.
    var hasLeft = false
    /// Somebody may have sent it in this epoch.
    var isOut = false
    var wasDoubled = false
    var starts = 0
  }

  private struct Share {
    let key: [UInt8]
    /// What may be open: more than `target` until it is confirmed.
    var held: Int
    var target: Int
  }

  private struct Lease {
    let name: LeaseName
    let greeting: Greeting
    var expiry: Instant
    var lastBeat: Instant
    var isFenced = false
    var shares: [Share] = []
    /// Rows in hand and their origins.
    var rows: [UInt64: [UInt8]] = [:]
    var dispatchedBytes: [UInt64: Int] = [:]
  }

  private let limit: Int
  private let leaseNanoseconds: UInt64
  private var rows: [Row]
  private var leases: [Lease] = []
  /// When leases end that are over in the books: the agents may not know yet.
  private var expiries: [LeaseName: Instant] = [:]
  private var pauses: [[UInt8]: Instant] = [:]
  /// Until when an agent's network was broken: what origins seemed to be may be its fault.
  var brokenUntil = Instant.zero
  private(set) var acceptedRows = 0
  private var hasCrashed = false
  private var doublings = 0

  init(input: [PlannedRow], limit: Int, leaseNanoseconds: UInt64) {
    self.limit = limit
    self.leaseNanoseconds = leaseNanoseconds
    rows = input.map { Row(length: $0.length, isUnsafe: $0.isUnsafe) }
  }

  // MARK: Sessions

  private func index(of name: LeaseName) -> Int? { leases.firstIndex { $0.name == name } }

  mutating func began(_ name: LeaseName, _ greeting: Greeting, _ holdings: [Holding], now: Instant) {
    let expiry = now.adding(nanoseconds: leaseNanoseconds)
    var lease = Lease(name: name, greeting: greeting, expiry: expiry, lastBeat: now)
    for holding in holdings {
      for seq in holding.rows {
        lease.rows[seq] = holding.key
        rows[Int(seq)].isOut = true
      }
      guard !holding.key.isEmpty else { continue }
      lease.shares.append(Share(key: holding.key, held: holding.connections, target: holding.connections))
    }
    leases.append(lease)
    expiries[name] = expiry
  }

  mutating func beat(_ name: LeaseName, now: Instant) {
    guard let index = index(of: name) else { return }
    leases[index].lastBeat = now
    leases[index].expiry = now.adding(nanoseconds: leaseNanoseconds)
    expiries[name] = leases[index].expiry
  }

  /// `isFenced`: its connections may be open until its lease is over.
  mutating func ended(_ name: LeaseName, isFenced: Bool) {
    guard let index = index(of: name) else { return }
    guard isFenced else {
      leases.remove(at: index)
      return
    }
    leases[index].isFenced = true
    leases[index].rows = [:]
    leases[index].dispatchedBytes = [:]
  }

  /// The process of a fenced session says hello over the same connection: it has closed everything.
  mutating func forgetFenced(on link: UInt64, _ instance: [UInt8]) {
    leases.removeAll { $0.isFenced && $0.greeting.link == link && $0.greeting.instance == instance }
  }

  /// The coordinator is gone, and what it knew.
  mutating func crashed() {
    leases = []
    pauses = [:]
    hasCrashed = true
    acceptedRows = 0
    for seq in rows.indices {
      rows[seq].isRecorded = false
      rows[seq].wasDoubled = false
    }
  }

  mutating func skipped(_ seq: UInt64) {
    rows[Int(seq)].isRecorded = true
    acceptedRows += 1
  }

  // MARK: Shares

  mutating func granted(_ key: [UInt8], _ connections: Int, to name: LeaseName, now: Instant) throws {
    leases.removeAll { $0.isFenced && $0.expiry <= now }
    guard let index = index(of: name), !leases[index].isFenced else {
      throw SimulationFailure(.sharesAreWithinTheLimit, "a share for session \(name), which is over")
    }
    if let share = leases[index].shares.firstIndex(where: { $0.key == key }) {
      let known = leases[index].shares[share]
      if connections > known.held, known.held > known.target {
        throw SimulationFailure(
          .sharesAreWithinTheLimit,
          "a share of \(name) is raised before it was confirmed lowered"
        )
      }
      leases[index].shares[share].target = connections
      leases[index].shares[share].held = max(known.held, connections)
    } else {
      leases[index].shares.append(Share(key: key, held: connections, target: connections))
    }
    try checkShares(of: key, connections)
    let all = leases[index].shares.reduce(0) { $0 + $1.held }
    guard all <= leases[index].greeting.connections else {
      throw SimulationFailure(
        .sharesAreWithinTheLimit,
        "session \(name) was given \(all) connections, more than it has"
      )
    }
  }

  /// How many sessions may connect to the origin.
  func sharers(of key: [UInt8]) -> Int {
    leases.count { lease in !lease.isFenced && lease.shares.contains { $0.key == key && $0.target > 0 } }
  }

  mutating func takeDoublings() -> Int {
    defer { doublings = 0 }
    return doublings
  }

  private func checkShares(of key: [UInt8], _ connections: Int) throws {
    guard connections > 0 else { return }
    var sum = 0
    for lease in leases { for share in lease.shares where share.key == key { sum += share.held } }
    guard sum <= limit else {
      let name = String(decoding: key, as: UTF8.self)
      throw SimulationFailure(.sharesAreWithinTheLimit, "\(sum) connections to \(name) given out of \(limit)")
    }
  }

  mutating func lowered(_ key: [UInt8], to connections: Int, by name: LeaseName) {
    guard let index = index(of: name), let share = leases[index].shares.firstIndex(where: { $0.key == key }) else {
      return
    }
    leases[index].shares[share].held = max(connections, leases[index].shares[share].target)
    if leases[index].shares[share].held == 0 { leases[index].shares.remove(at: share) }
  }

  // MARK: Rows

  mutating func dispatched(_ seq: UInt64, _ key: [UInt8], to name: LeaseName, suspended: [String], now: Instant) throws
  {
    guard let index = index(of: name), !leases[index].isFenced else {
      throw SimulationFailure(.honestAgentsAreBelieved, "work for session \(name), which is over")
    }
    guard !rows[Int(seq)].isRecorded else {
      throw SimulationFailure(.eachRowIsRecordedOnce, "row \(seq) is given out although it is recorded")
    }
    if let pause = pauses[key], now < pause {
      throw SimulationFailure(
        .pausesAreKept,
        "row \(seq) goes to \(String(decoding: key, as: UTF8.self)), which asked for a pause until "
          + "\(pause.nanoseconds / 1_000_000)"
      )
    }
    for lease in leases where lease.rows[seq] != nil {
      let isSuspect = suspended.contains(lease.greeting.name) || now.nanoseconds(since: lease.lastBeat) >= 3_000_000_000
      guard isSuspect, !rows[Int(seq)].isUnsafe, !rows[Int(seq)].wasDoubled, lease.name != name else {
        throw SimulationFailure(
          .onlySuspectRowsAreDoubled,
          "row \(seq) is given to \(name), and \(lease.name) has it; suspect: \(isSuspect), "
            + "unsafe: \(rows[Int(seq)].isUnsafe), doubled before: \(rows[Int(seq)].wasDoubled)"
        )
      }
      rows[Int(seq)].wasDoubled = true
      doublings += 1
    }
    leases[index].rows[seq] = key
    leases[index].dispatchedBytes[seq] = rows[Int(seq)].length
    rows[Int(seq)].hasLeft = true
    rows[Int(seq)].isOut = true
  }

  /// After something was given out.
  func checkCredit(of name: LeaseName) throws {
    guard let index = index(of: name) else { return }
    let lease = leases[index]
    guard !lease.dispatchedBytes.isEmpty else { return }
    guard lease.rows.count <= lease.greeting.creditRows || lease.dispatchedBytes.isEmpty else {
      throw SimulationFailure(.creditIsKept, "\(lease.rows.count) rows at \(name), credit \(lease.greeting.creditRows)")
    }
    // The last row may be as long as it likes: else a long one could never leave.
    let bytes = lease.dispatchedBytes.values.reduce(0, +) - (lease.dispatchedBytes.values.max() ?? 0)
    guard bytes < lease.greeting.creditBytes else {
      throw SimulationFailure(.creditIsKept, "\(bytes) bytes at \(name), credit \(lease.greeting.creditBytes)")
    }
  }

  /// Rows that never left.
  mutating func undelivered(_ seqs: [UInt64], by name: LeaseName) {
    reported(seqs, by: name)
    for seq in seqs { rows[Int(seq)].isOut = leases.contains { $0.rows[seq] != nil } }
  }

  mutating func reported(_ seqs: [UInt64], by name: LeaseName) {
    guard let index = index(of: name) else { return }
    for seq in seqs {
      leases[index].rows[seq] = nil
      leases[index].dispatchedBytes[seq] = nil
    }
  }

  mutating func deferred(_ deferral: Deferral, by name: LeaseName, now: Instant) {
    if deferral.cause == .notStarted || deferral.cause == .localTrouble {
      rows[Int(deferral.seq)].isOut = leases.contains { $0.name != name && $0.rows[deferral.seq] != nil }
    }
    guard let index = index(of: name), let key = leases[index].rows[deferral.seq], !key.isEmpty else { return }
    guard deferral.status == 429 || deferral.status == 503 else { return }
    paused(key, milliseconds: deferral.retryAfterMilliseconds, now: now)
  }

  mutating func paused(_ key: [UInt8], milliseconds: UInt64, now: Instant) {
    let end = now.adding(nanoseconds: milliseconds * 1_000_000)
    pauses[key] = max(end, pauses[key] ?? .zero)
  }

  mutating func accepted(_ seqs: [UInt64]) throws {
    for seq in seqs {
      guard !rows[Int(seq)].isRecorded else {
        throw SimulationFailure(.eachRowIsRecordedOnce, "row \(seq) is recorded again")
      }
      rows[Int(seq)].isRecorded = true
      acceptedRows += 1
    }
  }

  /// `records`: how often each row stands on the disk.
  func acknowledged(_ seqs: [UInt64], records: [Int]) throws {
    for seq in seqs where records[Int(seq)] == 0 {
      throw SimulationFailure(.acknowledgedIsDurable, "row \(seq) is acknowledged and not on the disk")
    }
  }

  mutating func lost(_ seq: UInt64, isLogged: Bool) throws {
    // A log says only that a row was about to leave, not that it did or that it came back.
    guard rows[Int(seq)].isUnsafe, rows[Int(seq)].isOut || hasCrashed && isLogged else {
      throw SimulationFailure(.lossesAreTrue, "row \(seq) is recorded as lost, which it cannot be")
    }
  }

  /// How far back a failure may lie that speaks against an origin.
  func doubtful(_ now: Instant) -> Instant {
    Instant(nanoseconds: now.nanoseconds - min(now.nanoseconds, 120_000_000_000))
  }

  func gaveUp(_ origin: GivenUpOrigin, isTrue: Bool, now: Instant) throws {
    guard isTrue || now < brokenUntil else {
      throw SimulationFailure(.lossesAreTrue, "\(String(decoding: origin.key, as: UTF8.self)) is not down")
    }
  }

  // MARK: Requests

  /// An agent sends a row's request, under a lease that its own reckoning says is valid.
  mutating func started(_ start: SimulatedAgent.Start, now: Instant) throws {
    let seq = start.row.seq
    guard let expiry = expiries[start.lease], now < expiry else {
      throw SimulationFailure(.holderStopsFirst, "row \(seq) started under \(start.lease), which is over")
    }
    guard start.leaves else { return }
    rows[Int(seq)].starts += 1
    guard rows[Int(seq)].starts == 1 || !rows[Int(seq)].isUnsafe else {
      throw SimulationFailure(.unsafeRowsStartOnce, "unsafe row \(seq) started twice")
    }
  }

  func checkOpen(_ connections: Int, key: [UInt8]) throws {
    guard connections <= limit else {
      let name = String(decoding: key, as: UTF8.self)
      throw SimulationFailure(
        .connectionsAreWithinTheLimit,
        "\(connections) connections to \(name) are open of \(limit)"
      )
    }
  }

  // MARK: Books

  func check(_ counts: RowCounts, audit: String?) throws {
    if let audit { throw SimulationFailure(.booksBalance, audit) }
    guard counts.submitted == counts.queued + counts.leased + counts.deferred + counts.recorded else {
      throw SimulationFailure(.booksBalance, "rows are not in one place each: \(counts)")
    }
  }

  func checkEnd(records: [Int]) throws {
    for (seq, count) in records.enumerated() where count != 1 {
      let invariant = count == 0 ? Invariant.everyRowIsRecorded : .eachRowIsRecordedOnce
      throw SimulationFailure(invariant, "row \(seq) stands \(count) times in the results")
    }
  }
}
