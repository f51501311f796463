import DequeModule

/// An agent's blocks of finished and deferred rows, kept until the coordinator has them for good. Pure.
///
/// Blocks outlive the session: the next one begins with those that were not acknowledged, numbered anew. Their rows
/// are named in its hello, so that nobody else is given them meanwhile.
package struct Outbox<Payload: Sendable>: Sendable {
  private struct Entry: Sendable {
    let number: UInt64
    let bytes: Int
    let payload: Payload
  }

  /// A block to be sent.
  package struct Block {
    /// 1, 2, 3 ... within a session.
    package let number: UInt64
    package let payload: Payload
  }

  private var entries: Deque<Entry> = []
  private var lastNumber: UInt64 = 0
  /// Entries at the front that were sent in this session.
  private var sent = 0
  /// Of all that is inside.
  package private(set) var bytes = 0

  package init() {}

  package var isEmpty: Bool { entries.isEmpty }

  package mutating func add(_ payload: Payload, bytes count: Int) {
    lastNumber += 1
    entries.append(Entry(number: lastNumber, bytes: count, payload: payload))
    bytes += count
  }

  /// The next block that was not sent in this session.
  package mutating func takeUnsent() -> Block? {
    guard sent < entries.count else { return nil }
    let entry = entries[sent]
    sent += 1
    return Block(number: entry.number, payload: entry.payload)
  }

  /// Everything up to the block is in good hands; returns how many bytes that frees.
  package mutating func acknowledged(upTo number: UInt64) -> Int {
    var freed = 0
    while sent > 0, let first = entries.first, first.number <= number {
      freed += first.bytes
      entries.removeFirst()
      sent -= 1
    }
    bytes -= freed
    return freed
  }

  /// Another session begins: what is left is numbered from 1 and has yet to be sent.
  package mutating func beginSession() {
    lastNumber = UInt64(entries.count)
    entries = Deque(
      entries.enumerated().map { Entry(number: UInt64($0) + 1, bytes: $1.bytes, payload: $1.payload) }
    )
    sent = 0
  }

  /// What is inside, oldest first.
  package var payloads: [Payload] { entries.map(\.payload) }

  /// Another job begins; returns how many bytes that frees.
  package mutating func removeAll() -> Int {
    defer { self = Outbox() }
    return bytes
  }
}
