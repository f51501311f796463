import DequeModule

/// State of one row between its line being read and its record being accepted.
package struct Row {
  package enum State: UInt8 {
    /// In the queue of its origin, or pinned to one of its shares: `leased`, `recorded` by a late result.
    case queued
    /// Given to a session: `recorded`, `deferred`, or `queued` again.
    case leased
    /// Waits for its time: `queued`, `recorded` by a late result.
    case deferred
    /// Its record was accepted; final.
    case recorded
  }

  package static let none = UInt64.max

  /// Neighbours in the one list that the row is in.
  var next = Row.none
  var previous = Row.none
  /// Where its line is, in the terms of whoever runs the scheduler.
  package var location: UInt64
  /// Bytes of the line, for credit.
  package var length: UInt32
  /// Number of the origin; 0 for none.
  package var origin: UInt32
  /// Slot of the session that holds it while leased, or that it is pinned to while queued; else -1.
  var session: Int32 = -1
  /// When it was first given out, in units of 10 ms since the scheduler's start; 0 if never.
  var firstLease: UInt32 = 0
  /// Slot of the session where it failed last, so that the next attempt may be somewhere else; -1 for none.
  var avoided: Int16 = -1
  /// Attempts that have ended.
  package var attempts: UInt16 = 0
  /// How often it was deferred, wrapping.
  var deferrals: UInt8 = 0
  package var state = State.queued
  /// An unsafe request: lost with its session instead of repeated.
  package var mustNotRepeat: Bool
  /// A failure of it was put down to its agent's network once; the next one stands.
  var wasDoubted = false
  /// A copy was given out once; there is no second.
  var wasDoubled = false
  /// An unsafe row that may have been sent before this epoch.
  var mayHaveLeft = false
  /// It stands in the list that is being checked.
  var isMarked = false

  package init(length: UInt32, location: UInt64, origin: UInt32, mustNotRepeat: Bool) {
    self.length = length
    self.location = location
    self.origin = origin
    self.mustNotRepeat = mustNotRepeat
  }
}

/// A list of rows, linked through the rows themselves: no allocation, and a row leaves from anywhere in one step.
struct RowList {
  var head = Row.none
  var tail = Row.none
  var count = 0

  var isEmpty: Bool { count == 0 }
}

/// The rows that are read and not recorded, by their dense numbers.
///
/// Rows stand in pages of 256, found by shifting; a page whose rows are all recorded is used again. So a row costs
/// no allocation and no hashing, and a straggler holds one page and a number per page behind it, not the rows.
package struct RowTable {
  private static let pageBits: UInt64 = 8
  private static let pageRows = 1 << pageBits

  private struct Page {
    var rows: [Row] = []
    var live = 0
  }

  private var pages: [Page] = []
  private var freePages: [Int32] = []
  /// Slot in `pages` of each page number from `firstPage` on; -1 once the page is done.
  private var slots: Deque<Int32> = []
  private var firstPage: UInt64 = 0
  /// Number that the next row gets.
  package private(set) var nextSeq: UInt64 = 0

  package init() {}

  /// Pages that memory is held for.
  package var pageCount: Int { pages.count }

  package mutating func append(_ row: Row) -> UInt64 {
    let seq = nextSeq
    nextSeq += 1
    if seq & UInt64(Self.pageRows - 1) == 0 { addPage() }
    let slot = Int(slots[slots.count - 1])
    pages[slot].rows.append(row)
    pages[slot].live += 1
    return seq
  }

  private mutating func addPage() {
    if let free = freePages.popLast() {
      pages[Int(free)].rows.removeAll(keepingCapacity: true)
      slots.append(free)
    } else {
      var page = Page()
      page.rows.reserveCapacity(Self.pageRows)
      slots.append(Int32(pages.count))
      pages.append(page)
    }
  }

  /// Whether the row is in the table, that is, was read and is not recorded.
  package func contains(_ seq: UInt64) -> Bool {
    guard let slot = slot(of: seq) else { return false }
    return pages[slot].rows[Int(seq & UInt64(Self.pageRows - 1))].state != .recorded
  }

  private func slot(of seq: UInt64) -> Int? {
    let page = seq >> Self.pageBits
    guard seq < nextSeq, page >= firstPage else { return nil }
    let slot = slots[Int(page - firstPage)]
    return slot < 0 ? nil : Int(slot)
  }

  /// A row that has to be in the table.
  package subscript(seq: UInt64) -> Row {
    get {
      guard let slot = slot(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
      return pages[slot].rows[Int(seq & UInt64(Self.pageRows - 1))]
    }
    _modify {
      guard let slot = slot(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
      yield &pages[slot].rows[Int(seq & UInt64(Self.pageRows - 1))]
    }
  }

  /// The row, which is in no list, has its record; its page goes when all of it have.
  package mutating func recorded(_ seq: UInt64) {
    guard let slot = slot(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
    pages[slot].rows[Int(seq & UInt64(Self.pageRows - 1))].state = .recorded
    pages[slot].live -= 1
    guard pages[slot].live == 0, pages[slot].rows.count == Self.pageRows else { return }
    slots[Int((seq >> Self.pageBits) - firstPage)] = -1
    freePages.append(Int32(slot))
    // The last page stays: the next row may belong to it.
    while slots.count > 1, slots.first == -1 {
      slots.removeFirst()
      firstPage += 1
    }
  }

  // MARK: Lists

  mutating func append(_ seq: UInt64, to list: inout RowList) {
    let tail = list.tail
    self[seq].next = Row.none
    self[seq].previous = tail
    if tail == Row.none { list.head = seq } else { self[tail].next = seq }
    list.tail = seq
    list.count += 1
  }

  mutating func prepend(_ seq: UInt64, to list: inout RowList) {
    let head = list.head
    self[seq].previous = Row.none
    self[seq].next = head
    if head == Row.none { list.tail = seq } else { self[head].previous = seq }
    list.head = seq
    list.count += 1
  }

  /// The row has to be in that list.
  mutating func remove(_ seq: UInt64, from list: inout RowList) {
    let (next, previous) = (self[seq].next, self[seq].previous)
    if previous == Row.none { list.head = next } else { self[previous].next = next }
    if next == Row.none { list.tail = previous } else { self[next].previous = previous }
    list.count -= 1
  }

  /// The rows of a list, first to last.
  func sequence(of list: RowList) -> [UInt64] {
    var seqs: [UInt64] = []
    seqs.reserveCapacity(list.count)
    var seq = list.head
    while seq != Row.none {
      seqs.append(seq)
      seq = self[seq].next
    }
    return seqs
  }

  /// The rows of the table that are not recorded, in order. Looks at every page: for the rare case and for views.
  func live(limit: Int) -> [UInt64] {
    var found: [UInt64] = []
    for (index, slot) in slots.enumerated() where slot >= 0 {
      let base = (firstPage + UInt64(index)) << Self.pageBits
      for (offset, row) in pages[Int(slot)].rows.enumerated() where row.state != .recorded {
        guard found.count < limit else { return found }
        found.append(base + UInt64(offset))
      }
    }
    return found
  }
}
