import FetchModel
import Scheduling

/// What the shell knows of a session besides what the scheduler does.
struct PeerSession {
  /// Where its messages go, and come from: a session is bound to one connection.
  let routing: [UInt8]
  /// The key that its agent has shown, as text; empty without keys.
  let user: [UInt8]
  let name: String
  let processIdentifier: Int32
  let instance: [UInt8]
  var blocks = BlockLedger()
  var incoming = MessageOrder()
  var outgoing = MessageOrder()
  var hasReported = false
  /// Its process has ended: until then its last report may still be on the way.
  var reportDueAt = Instant.distantFuture
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
