import DequeModule

/// Finished blocks on their way to the coordinator, kept in count until they are durable there. Pure.
package struct Outbox {
  private var lastBlock: UInt64 = 0
  private var unacknowledged: Deque<(block: UInt64, bytes: Int)> = []

  package init() {}

  /// Numbers a block: 1, 2, 3 ... within a session.
  package mutating func add(bytes: Int) -> UInt64 {
    lastBlock += 1
    unacknowledged.append((lastBlock, bytes))
    return lastBlock
  }

  /// Everything up to the block is durable; returns how many bytes that frees.
  package mutating func acknowledged(upTo block: UInt64) -> Int {
    var freed = 0
    while let first = unacknowledged.first, first.block <= block {
      freed += first.bytes
      unacknowledged.removeFirst()
    }
    return freed
  }

  /// A new session begins; returns how many bytes were still counted.
  package mutating func restart() -> Int {
    let freed = unacknowledged.reduce(0) { $0 + $1.bytes }
    self = Outbox()
    return freed
  }
}
