package import FetchClient
package import Scheduling

/// What the workers answer when they are asked what they hold. Pure.
package struct Stocktaking {
  package let generation: UInt64
  private var answers: [[WorkerHolding]?]
  /// Rows that were in hand, kept or not.
  private var rowsInHand = Set<UInt64>()

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
    rowsInHand.formUnion(dropped)
    for holding in holdings { rowsInHand.formUnion(holding.rows) }
    return true
  }

  /// What of the outbox's blocks, oldest first, the next session is to be sent. A row that came here again was given
  /// out by a coordinator which had its block already, so only what was said of it last still counts, and nothing of a
  /// row that is in hand: it would be taken for finished or given to others.
  package func latest(of payloads: [OutboxPayload]) -> [OutboxPayload] {
    var known = rowsInHand
    var kept: [OutboxPayload] = []
    for payload in payloads.reversed() {
      let superseded = payload.seqs.filter { !known.insert($0).inserted }
      if let rest = payload.without(Set(superseded)) { kept.append(rest) }
    }
    return kept.reversed()
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
