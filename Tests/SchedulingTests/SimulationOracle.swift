import FetchModel
import Scheduling

/// What must be true of a scheduler at every step, kept in books of its own beside the scheduler's.
struct SimulationOracle {
  private enum Place: Equatable { case queued, leased(session: UInt64), deferred, recorded }

  private struct Entry {
    var place = Place.queued
    let length: Int
    let mustNotRepeat: Bool
    var origin: UInt32 = 0
    var starts = 0
  }

  private struct Share {
    let session: UInt64
    let origin: UInt32
    /// What may be open: more than `target` until it is confirmed.
    var held: Int
    var target: Int
  }

  private struct Lease {
    let session: UInt64
    let greeting: Greeting
    var expiry: Instant
  }

  let connectionsPerOrigin: Int
  private var rows: [Entry] = []
  private var shares: [Share] = []
  private var leases: [Lease] = []

  init(connectionsPerOrigin: Int) { self.connectionsPerOrigin = connectionsPerOrigin }

  private static func fail(_ text: String) -> SimulationFailure { SimulationFailure(text) }

  mutating func added(_ seq: UInt64, length: Int, mustNotRepeat: Bool) throws {
    guard seq == UInt64(rows.count) else { throw Self.fail("row \(rows.count) was numbered \(seq)") }
    rows.append(Entry(length: length, mustNotRepeat: mustNotRepeat))
  }

  // MARK: Sessions

  mutating func began(_ session: UInt64, _ greeting: Greeting, now: Instant) {
    leases.append(Lease(session: session, greeting: greeting, expiry: now.adding(nanoseconds: 11_000_000_000)))
  }

  mutating func beat(_ session: UInt64, now: Instant) {
    guard let index = leases.firstIndex(where: { $0.session == session }) else { return }
    leases[index].expiry = now.adding(nanoseconds: 11_000_000_000)
  }

  mutating func ended(_ end: SessionEnd) throws {
    shares.removeAll { $0.session == end.session }
    leases.removeAll { $0.session == end.session }
    var requeued = 0
    for seq in rows.indices where rows[seq].place == .leased(session: end.session) {
      if rows[seq].mustNotRepeat {
        guard end.lost.contains(where: { $0.seq == UInt64(seq) }) else {
          throw Self.fail("unsafe row \(seq) of session \(end.session) is not among the lost")
        }
        rows[seq].place = .recorded
      } else {
        rows[seq].place = .queued
        requeued += 1
      }
    }
    guard requeued == end.requeued else { throw Self.fail("\(end.requeued) rows requeued instead of \(requeued)") }
  }

  // MARK: Work

  mutating func dispatched(_ dispatch: Dispatch, tickets: [RowTicket]) throws {
    guard let lease = leases.first(where: { $0.session == dispatch.session }) else {
      throw Self.fail("work for session \(dispatch.session), which is over")
    }
    for grant in dispatch.shares { try granted(grant, to: dispatch.session) }
    for (seq, ticket) in zip(dispatch.rows, tickets) {
      guard rows[Int(seq)].place == .queued || rows[Int(seq)].place == .deferred else {
        throw Self.fail("row \(seq) given to session \(dispatch.session) while \(rows[Int(seq)].place)")
      }
      rows[Int(seq)].place = .leased(session: dispatch.session)
      rows[Int(seq)].origin = ticket.origin
      let share = shares.first { $0.session == dispatch.session && $0.origin == ticket.origin }
      guard ticket.origin == 0 || share.map({ $0.target > 0 }) == true else {
        throw Self.fail("row \(seq) given to session \(dispatch.session) without a share of origin \(ticket.origin)")
      }
      if rows[Int(seq)].mustNotRepeat, let share {
        let held = rows.count { $0.place == .leased(session: dispatch.session) && $0.origin == ticket.origin }
        guard held <= share.held else { throw Self.fail("unsafe row \(seq) given out without a free connection") }
      }
    }
    let held = rows.filter { $0.place == .leased(session: dispatch.session) }
    guard held.count <= lease.greeting.creditRows else { throw Self.fail("credit of rows exceeded") }
    // The last row may be as long as it likes: else a long one could never leave.
    let bytes = held.reduce(0) { $0 + $1.length } - (held.map(\.length).max() ?? 0)
    guard bytes < lease.greeting.creditBytes else { throw Self.fail("credit of bytes exceeded") }
  }

  private mutating func granted(_ grant: ShareGrant, to session: UInt64) throws {
    if let index = shares.firstIndex(where: { $0.session == session && $0.origin == grant.origin }) {
      if grant.connections > shares[index].held, shares[index].held > shares[index].target {
        throw Self.fail("share of origin \(grant.origin) raised before it was confirmed lowered")
      }
      guard grant.connections != shares[index].target else {
        throw Self.fail("session \(session) is told its share of origin \(grant.origin) again: it would not answer")
      }
      shares[index].target = grant.connections
      shares[index].held = max(shares[index].held, grant.connections)
    } else {
      let target = grant.connections
      shares.append(Share(session: session, origin: grant.origin, held: target, target: target))
    }
    let sum = shares.reduce(0) { $0 + ($1.origin == grant.origin ? $1.held : 0) }
    guard sum <= connectionsPerOrigin else {
      throw Self.fail("\(sum) connections to origin \(grant.origin) given out of \(connectionsPerOrigin)")
    }
    let lease = leases.first { $0.session == session }
    let all = shares.reduce(0) { $0 + ($1.session == session ? $1.held : 0) }
    guard all <= lease?.greeting.connections ?? 0 else {
      throw Self.fail("session \(session) was given \(all) connections, more than it has")
    }
  }

  mutating func lowered(_ origin: UInt32, to connections: Int, by session: UInt64) {
    guard let index = shares.firstIndex(where: { $0.session == session && $0.origin == origin }) else { return }
    shares[index].held = max(connections, shares[index].target)
    if shares[index].held == 0 { shares.remove(at: index) }
  }

  /// An agent sends a row's request, under a session that its own reckoning says is alive.
  mutating func started(_ start: SimulatedAgent.Start, now: Instant) throws {
    let seq = start.row.seq
    guard let lease = leases.first(where: { $0.session == start.session }), now < lease.expiry else {
      throw Self.fail("row \(seq) started under session \(start.session), which the coordinator has given up")
    }
    rows[Int(seq)].starts += 1
    guard rows[Int(seq)].starts == 1 || !rows[Int(seq)].mustNotRepeat else {
      throw Self.fail("unsafe row \(seq) started twice")
    }
  }

  mutating func recorded(_ seq: UInt64, from session: UInt64) throws {
    guard rows[Int(seq)].place == .leased(session: session) else {
      throw Self.fail("row \(seq) recorded from session \(session) while \(rows[Int(seq)].place)")
    }
    rows[Int(seq)].place = .recorded
  }

  mutating func deferred(_ seq: UInt64, from session: UInt64) throws {
    guard rows[Int(seq)].place == .leased(session: session) else {
      throw Self.fail("row \(seq) deferred by session \(session) while \(rows[Int(seq)].place)")
    }
    rows[Int(seq)].place = .deferred
  }

  /// The scheduler's counts are right. Queued and deferred are told apart only by the scheduler, as time passes.
  func check(_ counts: RowCounts) throws {
    guard counts.submitted == counts.queued + counts.leased + counts.deferred + counts.recorded else {
      throw Self.fail("rows are not in one place each: \(counts)")
    }
    var leased: UInt64 = 0
    var recorded: UInt64 = 0
    for row in rows {
      switch row.place {
      case .leased: leased += 1
      case .recorded: recorded += 1
      case .queued, .deferred: break
      }
    }
    guard counts.submitted == UInt64(rows.count), counts.leased == leased, counts.recorded == recorded else {
      throw Self.fail("\(counts), but \(leased) are leased and \(recorded) recorded of \(rows.count)")
    }
  }

  /// Rows that are not recorded, for the message about a job that does not end.
  var unfinished: String {
    let left = rows.indices.filter { rows[$0].place != .recorded }
    return left.prefix(20).map { "\($0) \(rows[$0].place) at origin \(rows[$0].origin)" }.joined(separator: ", ")
  }
}
