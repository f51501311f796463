import AgentRuntime
import FetchClient
import FetchModel
import Scheduling
import Testing
import WireProtocol

@Suite struct StocktakingTests {
  private static func holding(_ origin: UInt32, _ connections: Int, _ rows: [UInt64]) -> WorkerHolding {
    WorkerHolding(origin: origin, key: [UInt8(origin)], connections: connections, rows: rows)
  }

  private static func block(_ seqs: [UInt64]) -> RowBlock {
    var frame: [UInt8] = []
    for seq in seqs { DeferralFrame.append(Deferral(seq: seq, cause: .notStarted, attempts: 0), to: &frame) }
    return .deferrals(frame: frame, rows: seqs.count)
  }

  @Test func `is complete when all workers have answered the last question`() {
    var stock = Stocktaking(generation: 4, workers: 2)
    var outbox = Outbox<RowBlock>()
    #expect(stock.add([], dropped: [], of: 0, generation: 4, pruning: &outbox) == 0 && !stock.isComplete)
    let late = stock.add([Self.holding(1, 1, [])], dropped: [], of: 1, generation: 3, pruning: &outbox)
    #expect(late == nil && !stock.isComplete)
    #expect(stock.add([], dropped: [], of: 1, generation: 4, pruning: &outbox) == 0 && stock.isComplete)
    #expect(stock.held(besides: outbox).isEmpty && stock.parts.isEmpty)
  }

  @Test func `sums what workers hold of an origin, and keeps who has which part`() {
    var stock = Stocktaking(generation: 1, workers: 3)
    var outbox = Outbox<RowBlock>()
    let first = [Self.holding(7, 2, [1, 2]), Self.holding(3, 1, [])]
    _ = stock.add(first, dropped: [], of: 0, generation: 1, pruning: &outbox)
    _ = stock.add([], dropped: [], of: 1, generation: 1, pruning: &outbox)
    _ = stock.add([Self.holding(7, 8, [5])], dropped: [], of: 2, generation: 1, pruning: &outbox)
    #expect(
      stock.held(besides: outbox) == [
        Holding(origin: 3, key: [3], connections: 1, rows: []),
        Holding(origin: 7, key: [7], connections: 10, rows: [1, 2, 5]),
      ]
    )
    #expect(stock.parts.map(\.origin) == [3, 7])
    #expect(
      stock.parts[1].parts == [
        OriginSpread.Part(worker: 0, connections: 2), OriginSpread.Part(worker: 2, connections: 8),
      ]
    )
  }

  @Test func `what was said of rows before they were in hand is void, kept or not`() {
    var stock = Stocktaking(generation: 1, workers: 2)
    var outbox = Outbox<RowBlock>()
    outbox.add(Self.block([1, 2]))
    outbox.add(Self.block([3]))
    let size = Self.block([1]).byteCount
    #expect(stock.add([Self.holding(7, 1, [1])], dropped: [], of: 0, generation: 1, pruning: &outbox) == size)
    #expect(stock.add([], dropped: [3], of: 1, generation: 1, pruning: &outbox) == size)
    #expect(outbox.seqs == [2])
    #expect(
      stock.held(besides: outbox) == [
        Holding(origin: 7, key: [7], connections: 1, rows: [1]), Holding(origin: 0, key: [], connections: 0, rows: [2]),
      ]
    )
  }

  @Test func `an answer to an earlier question makes nothing void`() {
    var stock = Stocktaking(generation: 2, workers: 1)
    var outbox = Outbox<RowBlock>()
    outbox.add(Self.block([1]))
    #expect(stock.add([Self.holding(7, 1, [1])], dropped: [], of: 0, generation: 1, pruning: &outbox) == nil)
    #expect(outbox.seqs == [1])
  }

  @Test func `what a worker finishes while others have yet to answer is reported, and no more in hand`() {
    var stock = Stocktaking(generation: 1, workers: 2)
    var outbox = Outbox<RowBlock>()
    _ = stock.add([Self.holding(7, 2, [5, 6])], dropped: [], of: 0, generation: 1, pruning: &outbox)
    outbox.add(Self.block([5]))
    #expect(stock.add([Self.holding(7, 1, [8])], dropped: [], of: 1, generation: 1, pruning: &outbox) == 0)
    #expect(
      stock.held(besides: outbox) == [
        Holding(origin: 7, key: [7], connections: 3, rows: [6, 8]),
        Holding(origin: 0, key: [], connections: 0, rows: [5]),
      ]
    )
    outbox.beginSession()
    #expect(outbox.takeUnsent()?.payload == Self.block([5]))
  }
}

@Suite struct DepartureTests {
  private static func at(_ milliseconds: UInt64) -> Instant { Instant(nanoseconds: milliseconds * 1_000_000) }

  @Test func `is over with empty hands once the coordinator is known to have heard of it`() {
    var departure = Departure(end: Self.at(5000))
    departure.announced(at: Self.at(100))
    #expect(!departure.isOver(isEmptyHanded: true, hasSession: true, now: Self.at(200)))
    // A beat that left before the announcement.
    departure.echoed(stamp: Self.at(100))
    #expect(!departure.isOver(isEmptyHanded: true, hasSession: true, now: Self.at(300)))
    departure.echoed(stamp: Self.at(1100))
    #expect(departure.isOver(isEmptyHanded: true, hasSession: true, now: Self.at(1200)))
    #expect(!departure.isOver(isEmptyHanded: false, hasSession: true, now: Self.at(1200)))
  }

  @Test func `is announced anew in another session`() {
    var departure = Departure(end: Self.at(5000))
    departure.announced(at: Self.at(100))
    departure.echoed(stamp: Self.at(1000))
    departure.announced(at: Self.at(2000))
    #expect(!departure.isOver(isEmptyHanded: true, hasSession: true, now: Self.at(2100)))
  }

  @Test func `without a session nothing can come, and the grace time is never exceeded`() {
    let departure = Departure(end: Self.at(5000))
    #expect(departure.isOver(isEmptyHanded: true, hasSession: false, now: Self.at(100)))
    #expect(!departure.isOver(isEmptyHanded: false, hasSession: false, now: Self.at(4999)))
    #expect(departure.isOver(isEmptyHanded: false, hasSession: true, now: Self.at(5000)))
  }
}
