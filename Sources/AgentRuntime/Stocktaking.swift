package import FetchClient
package import Scheduling

/// What the workers answer when they are asked what they hold. Pure.
package struct Stocktaking {
  package let generation: UInt64
  private var answers: [[WorkerHolding]?]
  /// Rows that were in hand, whether they are kept or not.
  package private(set) var rows: [UInt64] = []

  package init(generation: UInt64, workers: Int) {
    self.generation = generation
    answers = Array(repeating: nil, count: workers)
  }

  package var isComplete: Bool { answers.allSatisfy { $0 != nil } }

  /// False for the answer to an earlier question.
  package mutating func add(
    _ holdings: [WorkerHolding],
    dropped: [UInt64],
    of worker: Int,
    generation: UInt64
  ) -> Bool {
    guard generation == self.generation else { return false }
    answers[worker] = holdings
    rows += dropped
    for holding in holdings { rows += holding.rows }
    return true
  }

  /// By origin: what each worker holds of its connections.
  package var parts: [(origin: UInt32, parts: [OriginSpread.Part])] {
    grouped.map { origin, entries in
      (origin, entries.map { OriginSpread.Part(worker: $0.worker, connections: $0.holding.connections) })
    }
  }

  /// By origin: what all workers hold together.
  package var holdings: [Holding] {
    grouped.map { origin, entries in
      Holding(
        origin: origin,
        key: entries[0].holding.key,
        connections: entries.reduce(0) { $0 + $1.holding.connections },
        rows: entries.flatMap(\.holding.rows)
      )
    }
  }

  private var grouped: [(key: UInt32, value: [(worker: Int, holding: WorkerHolding)])] {
    var groups: [UInt32: [(worker: Int, holding: WorkerHolding)]] = [:]
    for (worker, answer) in answers.enumerated() {
      for holding in answer ?? [] { groups[holding.origin, default: []].append((worker, holding)) }
    }
    return groups.sorted { $0.key < $1.key }
  }
}
