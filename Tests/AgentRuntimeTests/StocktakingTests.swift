import AgentRuntime
import FetchClient
import FetchModel
import Scheduling
import Testing

@Suite struct StocktakingTests {
  private static func holding(_ origin: UInt32, _ connections: Int, _ rows: [UInt64]) -> WorkerHolding {
    WorkerHolding(origin: origin, key: [UInt8(origin)], connections: connections, rows: rows)
  }

  @Test func `is complete when all workers have answered the last question`() {
    var stock = Stocktaking(generation: 4, workers: 2)
    #expect(stock.add([], dropped: [], of: 0, generation: 4) && !stock.isComplete)
    #expect(!stock.add([Self.holding(1, 1, [])], dropped: [], of: 1, generation: 3) && !stock.isComplete)
    #expect(stock.add([], dropped: [], of: 1, generation: 4) && stock.isComplete)
    #expect(stock.holdings.isEmpty && stock.parts.isEmpty)
  }

  @Test func `sums what workers hold of an origin, and keeps who has which part`() {
    var stock = Stocktaking(generation: 1, workers: 3)
    _ = stock.add([Self.holding(7, 2, [1, 2]), Self.holding(3, 1, [])], dropped: [], of: 0, generation: 1)
    _ = stock.add([], dropped: [], of: 1, generation: 1)
    _ = stock.add([Self.holding(7, 8, [5])], dropped: [], of: 2, generation: 1)
    #expect(
      stock.holdings == [
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

  @Test func `rows that were in hand are known, kept or not`() {
    var stock = Stocktaking(generation: 1, workers: 2)
    _ = stock.add([Self.holding(7, 1, [1])], dropped: [], of: 0, generation: 1)
    _ = stock.add([], dropped: [3], of: 1, generation: 1)
    #expect(stock.rows == [1, 3])
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
