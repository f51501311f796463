import FetchModel
import WireProtocol

/// Collects finished and deferred rows until a block is worth sending: 256 rows, 256 KiB, 50 ms, or 5 ms if an
/// origin has run out of rows, because the coordinator sends more only for rows that it knows to be finished.
struct BlockBuilder {
  static let maximumRows = 256
  static let maximumBytes = 256 * 1024
  static let maximumAge: UInt64 = 50_000_000
  static let maximumHungryAge: UInt64 = 5_000_000

  var block = ResultBlock()
  private(set) var deferrals: [UInt8] = []
  private(set) var deferredRows = 0
  private var oldest = Instant.distantFuture
  /// Somebody waits for what the answer to this block brings.
  var isHungry = false

  var isEmpty: Bool { block.rows == 0 && deferredRows == 0 }

  var isFull: Bool {
    block.rows >= Self.maximumRows || block.lines.count >= Self.maximumBytes || deferredRows >= Self.maximumRows
      || deferrals.count >= Self.maximumBytes
  }

  /// When what is inside has waited long enough; `distantFuture` if nothing is.
  var dueAt: Instant {
    guard !isEmpty else { return .distantFuture }
    return oldest.adding(nanoseconds: isHungry ? Self.maximumHungryAge : Self.maximumAge)
  }

  /// A line was appended to `block.lines`; this is its column.
  mutating func added(_ column: ResultColumn, now: Instant) {
    if isEmpty { oldest = now }
    block.rows += 1
    ColumnFrame.append(column, to: &block.columns)
  }

  mutating func add(_ deferral: Deferral, now: Instant) {
    if isEmpty { oldest = now }
    deferredRows += 1
    DeferralFrame.append(deferral, to: &deferrals)
  }

  /// Takes everything out; the new block has room for as much as the last one needed.
  mutating func take() -> (block: ResultBlock, deferrals: [UInt8], deferredRows: Int) {
    defer {
      let lines = block.lines.count
      let columns = block.columns.count
      block = ResultBlock()
      block.lines.reserveCapacity(lines)
      block.columns.reserveCapacity(columns)
      deferrals = []
      deferredRows = 0
      isHungry = false
    }
    return (block, deferrals, deferredRows)
  }
}
