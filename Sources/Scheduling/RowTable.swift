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

  /// Its number in the input.
  fileprivate(set) var seq: UInt64 = 0
  /// Neighbours in the one list that the row is in, by place.
  var next = RowList.none
  var previous = RowList.none
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

  /// What stands where no row is.
  static let recorded: Row = {
    var row = Row(length: 0, location: 0, origin: 0, mustNotRepeat: false)
    row.state = .recorded
    return row
  }()

  /// `when`: in units of 10 ms since the scheduler's start, not 0. Returns the length of its line.
  mutating func lease(to slot: Int32, _ when: UInt32) -> Int {
    state = .leased
    session = slot
    if firstLease == 0 { firstLease = when }
    return Int(length)
  }

  package init(length: UInt32, location: UInt64, origin: UInt32, mustNotRepeat: Bool) {
    self.length = length
    self.location = location
    self.origin = origin
    self.mustNotRepeat = mustNotRepeat
  }
}

/// A list of rows, linked through the rows themselves: no allocation, and a row leaves from anywhere in one step.
struct RowList {
  static let none: Int32 = -1

  /// Places in the table.
  var head = RowList.none
  var tail = RowList.none
  var count = 0

  var isEmpty: Bool { count == 0 }
}

/// The rows that are read and not recorded, by their dense numbers.
///
/// Rows stand in pages of 256 of one array, found by shifting; a page whose rows are all recorded is used again. So a
/// row costs no allocation and no hashing, and a straggler holds one page and a number per page behind it, not the
/// rows. Where a row stands, its place, does not change; lists are linked by it.
package struct RowTable {
  private static let pageBits: UInt64 = 8
  private static let pageRows = 1 << pageBits

  private var rows: ContiguousArray<Row> = []
  /// Rows of each page that are not recorded.
  private var live: ContiguousArray<Int32> = []
  private var freePages: [Int32] = []
  /// Page in `rows` of each page number from `firstPage` on, which stands at `firstSlot`; -1 once the page is done.
  private var slots: ContiguousArray<Int32> = []
  private var firstSlot = 0
  private var firstPage: UInt64 = 0
  /// Number that the next row gets.
  package private(set) var nextSeq: UInt64 = 0

  package init() {}

  /// Pages that memory is held for.
  package var pageCount: Int { live.count }

  package mutating func append(_ row: Row) -> UInt64 {
    let seq = nextSeq
    nextSeq += 1
    if seq & UInt64(Self.pageRows - 1) == 0 { addPage() }
    let page = Int(slots[slots.count - 1])
    let place = page << Self.pageBits + Int(seq & UInt64(Self.pageRows - 1))
    rows[place] = row
    rows[place].seq = seq
    live[page] += 1
    return seq
  }

  private mutating func addPage() {
    if let free = freePages.popLast() {
      slots.append(free)
      return
    }
    slots.append(Int32(live.count))
    live.append(0)
    rows.append(contentsOf: repeatElement(Row.recorded, count: Self.pageRows))
  }

  // MARK: Places

  /// Where the row stands; nil if it was not read or its page is done.
  func place(of seq: UInt64) -> Int? {
    guard seq < nextSeq else { return nil }
    let page = seq >> Self.pageBits
    guard page >= firstPage else { return nil }
    let slot = slots[firstSlot + Int(page - firstPage)]
    return slot < 0 ? nil : Int(slot) << Self.pageBits + Int(seq & UInt64(Self.pageRows - 1))
  }

  private func knownPlace(of seq: UInt64) -> Int {
    guard let place = place(of: seq) else { preconditionFailure("row \(seq) is not in the table") }
    return place
  }

  /// A row by its place.
  subscript(at place: Int) -> Row {
    _read { yield rows[place] }
    _modify { yield &rows[place] }
  }

  /// Whether the row is in the table, that is, was read and is not recorded.
  package func contains(_ seq: UInt64) -> Bool {
    guard let place = place(of: seq) else { return false }
    return rows[place].state != .recorded
  }

  /// A row that has to be in the table.
  package subscript(seq: UInt64) -> Row {
    _read { yield rows[knownPlace(of: seq)] }
    _modify { yield &rows[knownPlace(of: seq)] }
  }

  /// The row, which is in no list, has its record; its page goes when all of it have.
  package mutating func recorded(_ seq: UInt64) { recorded(at: knownPlace(of: seq)) }

  mutating func recorded(at place: Int) {
    let seq = rows[place].seq
    rows[place].state = .recorded
    let page = place >> Self.pageBits
    live[page] -= 1
    // The last page stays: the next row may belong to it.
    guard live[page] == 0, nextSeq >> Self.pageBits > seq >> Self.pageBits else { return }
    slots[firstSlot + Int((seq >> Self.pageBits) - firstPage)] = -1
    freePages.append(Int32(page))
    dropDonePages()
  }

  private mutating func dropDonePages() {
    while slots.count - firstSlot > 1, slots[firstSlot] == -1 {
      firstSlot += 1
      firstPage += 1
    }
    guard firstSlot > 1024, firstSlot > slots.count / 2 else { return }
    slots.removeSubrange(..<firstSlot)
    firstSlot = 0
  }

  // MARK: Lists

  mutating func append(_ seq: UInt64, to list: inout RowList) { append(place: knownPlace(of: seq), to: &list) }

  mutating func append(place: Int, to list: inout RowList) {
    let tail = list.tail
    rows[place].next = RowList.none
    rows[place].previous = tail
    if tail < 0 {
      list.head = Int32(truncatingIfNeeded: place)
    } else {
      rows[Int(tail)].next = Int32(truncatingIfNeeded: place)
    }
    list.tail = Int32(truncatingIfNeeded: place)
    list.count += 1
  }

  mutating func prepend(_ seq: UInt64, to list: inout RowList) {
    let place = Int32(truncatingIfNeeded: knownPlace(of: seq))
    let head = list.head
    rows[Int(place)].previous = RowList.none
    rows[Int(place)].next = head
    if head < 0 { list.tail = place } else { rows[Int(head)].previous = place }
    list.head = place
    list.count += 1
  }

  /// The row has to be in that list.
  mutating func remove(_ seq: UInt64, from list: inout RowList) { remove(place: knownPlace(of: seq), from: &list) }

  mutating func remove(place: Int, from list: inout RowList) {
    let (next, previous) = (rows[place].next, rows[place].previous)
    if previous < 0 { list.head = next } else { rows[Int(previous)].next = next }
    if next < 0 { list.tail = previous } else { rows[Int(next)].previous = previous }
    list.count -= 1
  }

  /// The first row of a list.
  func first(of list: RowList) -> UInt64? { list.head < 0 ? nil : rows[Int(list.head)].seq }

  /// The rows of a list, first to last.
  func sequence(of list: RowList) -> [UInt64] {
    var seqs: [UInt64] = []
    seqs.reserveCapacity(list.count)
    var place = list.head
    while place >= 0 {
      seqs.append(rows[Int(place)].seq)
      place = rows[Int(place)].next
    }
    return seqs
  }

  /// The last rows of a list that are as wanted, in order.
  func last(_ limit: Int, of list: RowList, where isWanted: (UInt64) -> Bool) -> [UInt64] {
    var seqs: [UInt64] = []
    var place = list.tail
    while place >= 0, seqs.count < limit {
      let row = rows[Int(place)]
      if isWanted(row.seq) { seqs.append(row.seq) }
      place = row.previous
    }
    return seqs.reversed()
  }

  /// The rows of the table that are not recorded, in order. Looks at every page: for the rare case and for views.
  func live(limit: Int) -> [UInt64] {
    var found: [UInt64] = []
    for slot in slots[firstSlot...] where slot >= 0 {
      let first = Int(slot) << Self.pageBits
      for place in first..<first + Self.pageRows where rows[place].state != .recorded {
        guard found.count < limit else { return found }
        found.append(rows[place].seq)
      }
    }
    return found
  }
}
