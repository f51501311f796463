/// How an agent's shares and rows are spread over its workers. Pure.
///
/// An origin stays with one worker while its share is small, so that connections and TLS sessions are used again; a
/// large share is cut into parts. Parts are filled one after the other, and evenly only once all workers have one
/// that is full: so a larger share takes nothing from any part and a smaller one adds nothing to any, and what the
/// workers may hold together exceeds neither, whatever they have not closed yet.
package struct OriginSpread {
  /// Connections of one origin that one worker serves before another joins in.
  package static let connectionsPerPart = 8

  /// What a worker is to be told.
  package struct Instruction: Equatable {
    package let worker: Int
    package let connections: Int
  }

  private struct Part {
    let worker: Int
    var connections: Int
    /// What the worker may still have open: more than `connections` until it confirms.
    var held: Int
  }

  private struct Entry {
    var target = 0
    var parts: [Part] = []
    var turn = 0
    var owesLowered = false
  }

  private let workers: Int
  private var origins: [UInt32: Entry] = [:]

  package init(workers: Int) { self.workers = workers }

  package mutating func setShare(of origin: UInt32, to connections: Int) -> [Instruction] {
    var entry = origins[origin] ?? Entry()
    if connections < entry.target { entry.owesLowered = true }
    entry.target = connections
    let wanted = min(workers, max(1, (connections + Self.connectionsPerPart - 1) / Self.connectionsPerPart))
    while entry.parts.count < wanted {
      entry.parts.append(Part(worker: (Int(origin) + entry.parts.count) % workers, connections: 0, held: 0))
    }
    var instructions: [Instruction] = []
    for index in entry.parts.indices {
      let share = part(index, of: connections)
      guard share != entry.parts[index].connections else { continue }
      entry.parts[index].connections = share
      entry.parts[index].held = max(entry.parts[index].held, share)
      instructions.append(Instruction(worker: entry.parts[index].worker, connections: share))
    }
    origins[origin] = entry
    return instructions
  }

  private func part(_ index: Int, of connections: Int) -> Int {
    if connections >= workers * Self.connectionsPerPart {
      return connections / workers + (index < connections % workers ? 1 : 0)
    }
    return min(Self.connectionsPerPart, max(0, connections - index * Self.connectionsPerPart))
  }

  /// Which worker gets the next row of an origin: each as many turns as it has connections.
  package mutating func worker(for origin: UInt32, seq: UInt64) -> Int {
    guard let entry = origins[origin], entry.target > 0 else { return Int(seq % UInt64(workers)) }
    var turn = (entry.turn + 1) % entry.target
    origins[origin]?.turn = turn
    for part in entry.parts {
      if turn < part.connections { return part.worker }
      turn -= part.connections
    }
    preconditionFailure("the parts of origin \(origin) are fewer than its share")
  }

  /// A worker has come down; returns what the coordinator is to be told, once all parts have.
  package mutating func lowered(origin: UInt32, worker: Int, to connections: Int) -> Int? {
    guard var entry = origins[origin], let index = entry.parts.firstIndex(where: { $0.worker == worker }) else {
      return nil
    }
    entry.parts[index].held = max(connections, entry.parts[index].connections)
    let held = entry.parts.reduce(0) { $0 + $1.held }
    let isDone = entry.owesLowered && held <= entry.target
    if isDone { entry.owesLowered = false }
    origins[origin] = isDone && entry.target == 0 ? nil : entry
    return isDone ? entry.target : nil
  }

  package mutating func forgetAll() { origins.removeAll() }
}
