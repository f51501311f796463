import DequeModule

/// Finished or deferred rows as they travel.
package protocol OutboxPayload: Sendable {
  /// Numbers of its rows.
  var seqs: [UInt64] { get }
  /// Of these, how many are finished; the others are only given back.
  var finishedRows: Int { get }
  /// Of its frames.
  var byteCount: Int { get }
  /// Takes rows out.
  mutating func remove(_ seqs: Set<UInt64>)
}

/// An agent's blocks of finished and deferred rows, kept until the coordinator has them for good. Pure.
///
/// Blocks outlive the session: the next one begins with those that were not acknowledged, numbered anew. Their rows
/// are named in its hello, so that nobody else is given them meanwhile. All of it is of one job; while the agent works
/// for another it is kept in `Shelves`.
package struct Outbox<Payload: OutboxPayload>: Sendable {
  private struct Entry: Sendable {
    var number: UInt64
    var payload: Payload
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

  package mutating func add(_ payload: Payload) {
    lastNumber += 1
    entries.append(Entry(number: lastNumber, payload: payload))
    bytes += payload.byteCount
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
      freed += first.payload.byteCount
      entries.removeFirst()
      sent -= 1
    }
    bytes -= freed
    return freed
  }

  /// Drops what the session that is over has made void: of a row that came to the agent again only the last word
  /// counts, and none of what it said before a row that it has in hand. Returns how many bytes that frees.
  package mutating func prune(inHand: [UInt64]) -> Int {
    let before = bytes
    var superseded = Set(inHand)
    for index in entries.indices.reversed() {
      let seqs = entries[index].payload.seqs
      if seqs.contains(where: superseded.contains) {
        bytes -= entries[index].payload.byteCount
        entries[index].payload.remove(superseded)
        bytes += entries[index].payload.byteCount
      }
      superseded.formUnion(seqs)
    }
    entries.removeAll { $0.payload.seqs.isEmpty }
    return before - bytes
  }

  /// Another session begins: what is left is numbered from 1 and has yet to be sent.
  package mutating func beginSession() {
    for index in entries.indices { entries[index].number = UInt64(index) + 1 }
    lastNumber = UInt64(entries.count)
    sent = 0
  }

  /// Rows inside, oldest first.
  package var seqs: [UInt64] { entries.flatMap(\.payload.seqs) }

  /// Rows inside that would have to be done again.
  package var finishedRows: Int { entries.reduce(0) { $0 + $1.payload.finishedRows } }

  /// Blocks inside.
  package var count: Int { entries.count }

  /// The job is over, or nobody comes for it; returns how many bytes that frees.
  package mutating func removeAll() -> Int {
    defer { self = Outbox() }
    return bytes
  }
}
