import DequeModule
import FetchModel

/// What an agent says of itself in its hello.
package struct Greeting: Equatable, Sendable {
  /// Random per process; 16 bytes.
  package var instance: [UInt8]
  package var name: String
  /// Connections it can hold over all origins.
  package var connections: Int
  package var creditRows: Int
  package var creditBytes: Int

  package init(instance: [UInt8], name: String, connections: Int, creditRows: Int, creditBytes: Int) {
    self.instance = instance
    self.name = name
    self.connections = connections
    self.creditRows = creditRows
    self.creditBytes = creditBytes
  }
}

/// An agent under a lease.
struct Session {
  let identifier: UInt64
  let greeting: Greeting
  /// For rendezvous hashing; the instance, not the order of arrival, decides.
  let hash: UInt64
  var expiry: Instant
  var freeConnections: Int
  var outstandingRows = 0
  var outstandingBytes = 0
  /// Origins with a share here, rows in the queue and room for more.
  var ready: Deque<UInt32> = []
  /// Origins whose share here had nothing to do when it was listed, each once. May hold some that are busy again.
  var idleShares: Deque<UInt32> = []
  /// Whether messages reach it. One that they do not reach gets nothing more, but keeps what it has until its lease
  /// ends: it may be alive and at work.
  var isReachable = true

  var creditRows: Int { greeting.creditRows - outstandingRows }
  /// Has nothing better to do than to take a part of what others have too much of.
  var isHungry: Bool { hasCredit && ready.isEmpty && outstandingRows < greeting.creditRows / 2 }
  var hasCredit: Bool { creditRows > 0 && outstandingBytes < greeting.creditBytes && isReachable }
}
