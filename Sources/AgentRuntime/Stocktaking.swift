package import FetchClient
package import Scheduling

/// What the workers answer when they are asked what they hold. Pure.
///
/// They answer one after the other, and one that keeps its rows goes on with them: what it has said before its answer
/// of rows that were in its hands then is void, what it says of them afterwards is news.
package struct Stocktaking {
  package let generation: UInt64
  private var answers: [[WorkerHolding]?]

  package init(generation: UInt64, workers: Int) {
    self.generation = generation
    answers = Array(repeating: nil, count: workers)
  }

  package var isComplete: Bool { answers.allSatisfy { $0 != nil } }

  /// Takes an answer, and what it makes void out of the outbox. Rows that were dropped, too: a block from before they
  /// came again would say that they were never lost. Call it when the answer arrives, after all that the worker has
  /// finished before and nothing that it finished later. Returns how many bytes that frees; nil for the answer to an
  /// earlier question, which counts for nothing.
  package mutating func add(
    _ holdings: [WorkerHolding],
    dropped: [UInt64],
    of worker: Int,
    generation: UInt64,
    pruning outbox: inout Outbox<RowBlock>
  ) -> Int? {
    guard generation == self.generation else { return nil }
    answers[worker] = holdings
    return outbox.prune(inHand: dropped + holdings.flatMap(\.rows))
  }

  /// What a hello names: by origin what all workers hold together, then the rows of the outbox, some of which were
  /// still in hand when their worker answered.
  package func held(besides outbox: Outbox<RowBlock>) -> [Holding] {
    let finished = outbox.seqs
    let isFinished = Set(finished)
    var held = grouped.map { origin, entries in
      Holding(
        origin: origin,
        key: entries[0].holding.key,
        connections: entries.reduce(0) { $0 + $1.holding.connections },
        rows: entries.flatMap(\.holding.rows).filter { !isFinished.contains($0) }
      )
    }
    if !finished.isEmpty { held.append(Holding(origin: 0, key: [], connections: 0, rows: finished)) }
    return held
  }

  /// By origin: what each worker holds of its connections.
  package var parts: [(origin: UInt32, parts: [OriginSpread.Part])] {
    grouped.map { origin, entries in
      (origin, entries.map { OriginSpread.Part(worker: $0.worker, connections: $0.holding.connections) })
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
