import FetchModel
import Scheduling

/// What the shell knows of a session besides what the scheduler does.
struct PeerSession {
  /// Where its messages go, and come from: a session is bound to one connection.
  let routing: [UInt8]
  let name: String
  let processIdentifier: Int32
  let instance: [UInt8]
  var blocks = BlockLedger()
  var incoming = MessageOrder()
  var outgoing = MessageOrder()
  var hasReported = false
  /// Its silence was said.
  var isSaidSilent = false
}

/// Effort by agent instance: cumulative reports, the latest counts.
struct EffortLedger {
  private var instances: [(instance: [UInt8], effort: EffortCounters, isFinal: Bool)] = []

  mutating func report(_ effort: EffortCounters, by instance: [UInt8], isFinal: Bool) {
    if let index = instances.firstIndex(where: { $0.instance == instance }) {
      instances[index] = (instance, effort, isFinal)
    } else {
      instances.append((instance, effort, isFinal))
    }
  }

  /// An agent has come, perhaps not for the first time.
  mutating func note(_ instance: [UInt8]) {
    if !instances.contains(where: { $0.instance == instance }) { instances.append((instance, EffortCounters(), false)) }
  }

  var total: EffortCounters { instances.reduce(EffortCounters()) { $0 + $1.effort } }
  var count: Int { instances.count }
  var countWithoutLastReport: Int { instances.count { !$0.isFinal } }
}

/// What was not accepted from peers, by cause; each cause is worth one line in the log.
struct RefusalLedger {
  enum Cause: String, CaseIterable {
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
  }

  private var counts: [UInt64] = Array(repeating: 0, count: Cause.allCases.count)

  /// Returns whether it is the first of its kind.
  mutating func count(_ cause: Cause) -> Bool {
    guard let index = Cause.allCases.firstIndex(of: cause) else { return false }
    counts[index] += 1
    return counts[index] == 1
  }

  var entries: [(cause: String, count: UInt64)] {
    zip(Cause.allCases, counts).filter { $0.1 > 0 }.map { ($0.0.rawValue, $0.1) }
  }
}
