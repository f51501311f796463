/// A session's blocks of results and of deferrals in their order, and up to which of them the agent may forget them.
/// Pure.
///
/// Results are settled when they are durable, deferrals at once; a block is acknowledged when it and all before it are.
package struct BlockLedger: Equatable, Sendable {
  private struct Entry: Equatable {
    let number: UInt64
    let bytes: Int
    let isResults: Bool
  }

  private var last: UInt64 = 0
  private var acknowledged: UInt64 = 0
  /// Everything after `acknowledged`; the first is never one of deferrals.
  private var open: [Entry] = []
  /// Of results that are not durable.
  package private(set) var uncommittedBytes = 0

  package init() {}

  /// Whether a block of that number is the next one.
  package func isNext(_ number: UInt64) -> Bool { number == last + 1 }

  /// The next block was of results, which are on their way to the disk.
  package mutating func addResults(bytes: Int) {
    last += 1
    uncommittedBytes += bytes
    open.append(Entry(number: last, bytes: bytes, isResults: true))
  }

  /// The next block was of deferrals; returns what is to be acknowledged, if anything is.
  package mutating func addDeferrals() -> UInt64? {
    last += 1
    open.append(Entry(number: last, bytes: 0, isResults: false))
    return advance(durable: acknowledged)
  }

  /// Results up to that block are durable; returns what is to be acknowledged, if anything is.
  package mutating func durable(upTo number: UInt64) -> UInt64? { advance(durable: number) }

  private mutating func advance(durable number: UInt64) -> UInt64? {
    let settled = open.prefix { !$0.isResults || $0.number <= number }
    guard let newest = settled.last else { return nil }
    for entry in settled { uncommittedBytes -= entry.bytes }
    open.removeFirst(settled.count)
    acknowledged = newest.number
    return newest.number
  }
}
