import FetchModel
import Scheduling
import Testing

private let first: [UInt8] = [1]
private let second: [UInt8] = [2]
private let third: [UInt8] = [3]

/// An outbox with blocks that were sent in a session that is over.
private func outbox(_ payloads: String...) -> Outbox<Letters> {
  var outbox = Outbox<Letters>()
  for payload in payloads { outbox.add(Letters(payload)) }
  while outbox.takeUnsent() != nil {}
  return outbox
}

private func sent(_ outbox: inout Outbox<Letters>) -> [String] {
  var sent: [String] = []
  while let block = outbox.takeUnsent() { sent.append("\(block.number) \(block.payload.text)") }
  return sent
}

private func shelves(bytes: Int = 100, jobs: Int = 16, rows: Int = 100) -> Shelves<Letters> {
  Shelves(Shelves.Limits(hold: .seconds(60), bytes: bytes, jobs: jobs, rows: rows))
}

extension Shelves {
  /// As a text: jobs and their rows.
  fileprivate var gist: String {
    contents.map { job, rows in
      "\(job[0]):" + String(decoding: rows.map { UInt8($0) }, as: UTF8.self)
    }.joined(separator: " ")
  }
}

@Suite struct ShelvesTests {
  @Test func `what is left of a job is kept while another is worked for, and sent when it is back`() {
    var shelves = shelves()
    var current = Outbox<Letters>()
    #expect(shelves.exchange(&current, of: [], servedAt: at(0), for: first).isEmpty)
    #expect(shelves.isEmpty)
    current = outbox("dc", "b")
    #expect(shelves.exchange(&current, of: first, servedAt: at(10), for: second).isEmpty)
    #expect(current.isEmpty && shelves.gist == "1:bcd" && shelves.finishedRows == 3)
    // There and back again.
    current.add(Letters("x"))
    #expect(shelves.exchange(&current, of: second, servedAt: at(20), for: first).isEmpty)
    #expect(shelves.gist == "2:x" && current.bytes == 3)
    #expect(sent(&current) == ["1 dc", "2 b"])
    #expect(current.acknowledged(upTo: 2) == 3)
    #expect(shelves.exchange(&current, of: first, servedAt: at(30), for: second).isEmpty)
    #expect(shelves.isEmpty && sent(&current) == ["1 x"])
  }

  @Test func `a job of which nothing is left leaves nothing`() {
    var shelves = shelves()
    var current = outbox("a")
    #expect(current.acknowledged(upTo: 1) == 1)
    #expect(shelves.exchange(&current, of: first, servedAt: at(10), for: second).isEmpty)
    #expect(shelves.isEmpty && shelves.finishedRows == 0)
    #expect(shelves.expire(now: at(1_000_000)).isEmpty)
  }

  @Test func `rows that are only given back are named, and no loss`() {
    var shelves = shelves()
    var current = outbox("A", "Bc")
    #expect(shelves.exchange(&current, of: first, servedAt: at(0), for: second).isEmpty)
    #expect(shelves.gist == "1:ABc" && shelves.finishedRows == 1)
    #expect(shelves.expire(now: at(60_000)) == [DroppedResults(job: first, rows: 1, cause: .unclaimed)])
  }

  @Test func `each job is kept for as long as it was not served`() {
    var shelves = shelves()
    var current = outbox("abc")
    _ = shelves.exchange(&current, of: first, servedAt: at(1_000), for: second)
    current = outbox("de")
    _ = shelves.exchange(&current, of: second, servedAt: at(2_000), for: third)
    #expect(shelves.expire(now: at(60_999)).isEmpty)
    #expect(shelves.expire(now: at(61_000)) == [DroppedResults(job: first, rows: 3, cause: .unclaimed)])
    #expect(shelves.gist == "2:de")
    #expect(shelves.expire(now: at(62_000)) == [DroppedResults(job: second, rows: 2, cause: .unclaimed)])
    #expect(shelves.isEmpty)
  }
}

@Suite struct ShelvesRoomTests {
  /// Shelves with three jobs of three bytes, and what had to go for the last.
  private static func filled(_ shelves: Shelves<Letters>) -> (gist: String, dropped: [DroppedResults]) {
    var shelves = shelves
    var current = outbox("abc")
    var dropped = shelves.exchange(&current, of: first, servedAt: at(1), for: second)
    current = outbox("def")
    dropped += shelves.exchange(&current, of: second, servedAt: at(2), for: third)
    current = outbox("ghi")
    dropped += shelves.exchange(&current, of: third, servedAt: at(3), for: [4])
    return (shelves.gist, dropped)
  }

  private static let oldest = DroppedResults(job: first, rows: 3, cause: .noRoom)

  @Test func `there is room up to the limits`() {
    let (gist, dropped) = Self.filled(shelves(bytes: 9, jobs: 3, rows: 9))
    #expect(gist == "1:abc 2:def 3:ghi" && dropped.isEmpty)
  }

  @Test func `the job that was served longest ago makes room, whatever there is too much of`() {
    for shelves in [shelves(bytes: 8), shelves(jobs: 2), shelves(rows: 8)] {
      let (gist, dropped) = Self.filled(shelves)
      #expect(gist == "2:def 3:ghi" && dropped == [Self.oldest])
    }
    let (gist, dropped) = Self.filled(shelves(bytes: 5))
    #expect(gist == "3:ghi" && dropped == [Self.oldest, DroppedResults(job: second, rows: 3, cause: .noRoom)])
  }

  @Test func `for what has no room of its own nothing else goes`() {
    var shelves = shelves(bytes: 5)
    var current = outbox("abc")
    _ = shelves.exchange(&current, of: first, servedAt: at(1), for: second)
    current = outbox("defghi")
    let dropped = shelves.exchange(&current, of: second, servedAt: at(2), for: third)
    #expect(dropped == [DroppedResults(job: second, rows: 6, cause: .noRoom)])
    #expect(shelves.gist == "1:abc" && current.isEmpty)
  }

  @Test func `the job that begins makes room before the one that ends needs it`() {
    var shelves = shelves(bytes: 5)
    var current = outbox("abc")
    _ = shelves.exchange(&current, of: first, servedAt: at(1), for: second)
    current = outbox("def")
    #expect(shelves.exchange(&current, of: second, servedAt: at(2), for: first).isEmpty)
    #expect(shelves.gist == "2:def" && sent(&current) == ["1 abc"])
  }
}
