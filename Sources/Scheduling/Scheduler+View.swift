package import FetchModel

/// What is left of a job near its end, for a person who waits for it.
package struct Remainder: Equatable, Sendable {
  package var rows = 0
  /// The origins with the most rows left, at most three; rows without an origin are under an empty key.
  package var origins: [(key: [UInt8], rows: Int)] = []
  /// How long ago the oldest of them was first given out; 0 if none was.
  package var oldestMilliseconds: UInt64 = 0

  package static func == (left: Remainder, right: Remainder) -> Bool {
    left.rows == right.rows && left.oldestMilliseconds == right.oldestMilliseconds
      && left.origins.map(\.key) == right.origins.map(\.key) && left.origins.map(\.rows) == right.origins.map(\.rows)
  }
}

/// What a person may want to know.
extension Scheduler {
  private static let namedOrigins = 3
  private static let fewRows: UInt64 = 1000

  /// Origins that nothing is sent to for now.
  package var parkedOriginCount: Int { origins.reduce(0) { $0 + ($1.health.isOpen ? 0 : 1) } }

  /// The key of an origin that has rows, shares or a penalty.
  package func key(ofOrigin number: UInt32) -> [UInt8] { origins[Int(number) - 1].key }

  /// Names of agents that fail everywhere.
  package var suspendedAgents: [String] {
    sessions.compactMap { session in
      session.standing != .fenced && session.trust.isSuspended ? session.greeting.name : nil
    }
  }

  /// What is left, once the input has ended and it is little; looks at every row.
  package func remainder(now: Instant) -> Remainder? {
    let left = counts.submitted - counts.recorded
    guard inputHasEnded, left > 0, left <= Self.fewRows else { return nil }
    var remainder = Remainder()
    var perOrigin: [UInt32: Int] = [:]
    for seq in rows.live(limit: Int(Self.fewRows)) {
      let row = rows[seq]
      remainder.rows += 1
      perOrigin[row.origin, default: 0] += 1
      guard row.firstLease > 0 else { continue }
      let age = UInt64(max(elapsed(now), row.firstLease) - row.firstLease) * 10
      remainder.oldestMilliseconds = max(remainder.oldestMilliseconds, age)
    }
    let largest = perOrigin.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(Self.namedOrigins)
    remainder.origins = largest.map { number, count in
      (key: number == 0 ? [] : origins[Int(number) - 1].key, rows: count)
    }
    return remainder
  }
}
