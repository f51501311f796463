/// What was not accepted from peers, by cause; each peer is worth one line in the log for each cause. Pure.
package struct RefusalLedger: Sendable {
  package enum Cause: String, CaseIterable, Sendable {
    case notThisProtocol = "not_this_protocol"
    case tooManyFrames = "too_many_frames"
    case badFrame = "bad_frame"
    case badLine = "bad_line"
    case versionMismatch = "version_mismatch"
    case wrongJob = "wrong_job"
    case rowNotLeased = "row_not_leased"
    case blockOutOfOrder = "block_out_of_order"
    case messageMissing = "message_missing"
    case badGreeting = "bad_greeting"
    /// A connection with a key that is not on the list.
    case unknownKey = "unknown_key"
    /// Other keys than ours are expected, or none.
    case handshakeFailed = "handshake_failed"
    /// Hung up, or was silent for too long, before it had shown who it is.
    case handshakeUnfinished = "handshake_unfinished"
    /// A session, or a message over a connection that goes on, whose key is not on the list any more.
    case keyRemoved = "key_removed"
  }

  private struct Kind: Hashable {
    let cause: Cause
    let peer: String
  }

  /// A stranger may come from anywhere and under any name.
  package static let maximumKinds = 1_000

  private var counts: [UInt64] = Array(repeating: 0, count: Cause.allCases.count)
  private var known = Set<Kind>()

  package init() {}

  /// Returns whether it is the peer's first of its kind. `peer`: its name, or its address without a port; of peers
  /// beyond a thousand none is remembered, and none is first.
  package mutating func count(_ cause: Cause, of peer: String, times: UInt64 = 1) -> Bool {
    guard let index = Cause.allCases.firstIndex(of: cause) else { return false }
    counts[index] += times
    return known.count < Self.maximumKinds && known.insert(Kind(cause: cause, peer: peer)).inserted
  }

  package var entries: [(cause: String, count: UInt64)] {
    zip(Cause.allCases, counts).filter { $0.1 > 0 }.map { ($0.0.rawValue, $0.1) }
  }
}

/// Refusals that wait to be counted, added up so that a flood of them takes no more room than a few. Pure.
package struct RefusalTally: Equatable, Sendable {
  package struct Entry: Equatable, Sendable {
    package let cause: RefusalLedger.Cause
    /// nil: of several, or not known.
    package let peer: String?
    package var count: UInt64
  }

  /// Peers that are told apart.
  package static let maximumNamed = 64

  package private(set) var entries: [Entry] = []

  package init() {}

  package mutating func add(_ cause: RefusalLedger.Cause, of peer: String?) {
    let isKnown = entries.contains { $0.cause == cause && $0.peer == peer }
    let named = isKnown || entries.count < Self.maximumNamed ? peer : nil
    if let index = entries.firstIndex(where: { $0.cause == cause && $0.peer == named }) {
      entries[index].count += 1
    } else {
      entries.append(Entry(cause: cause, peer: named, count: 1))
    }
  }
}
