/// How an agent's shares and rows are spread over its workers. Pure.
///
/// An origin stays with one worker while its share is small, so that connections and TLS sessions are used again; a
/// large share is cut into parts. Parts are filled one after the other, and evenly only once all workers have one
/// that is full: so a larger share takes nothing from any part and a smaller one adds nothing to any.
///
/// What the workers may hold together never exceeds the share: a part that was made smaller counts as it was until its
/// worker has confirmed, and others grow only into what is free. Parts that were taken over from another session may be
/// of any size, so what a confirmation frees is handed on.
package struct OriginSpread {
  /// Connections of one origin that one worker serves before another joins in.
  package static let connectionsPerPart = 8

  /// What a worker is to be told.
  package struct Instruction: Equatable {
    package let worker: Int
    package let connections: Int

    package init(worker: Int, connections: Int) {
      self.worker = worker
      self.connections = connections
    }
  }

  /// What a worker holds of an origin.
  package struct Part: Equatable {
    package let worker: Int
    package internal(set) var connections: Int
    /// What the worker may still have open: more than `connections` until it confirms.
    var held: Int

    package init(worker: Int, connections: Int) {
      self.worker = worker
      self.connections = connections
      held = connections
    }
  }

  private struct Entry {
    var target = 0
    var parts: [Part] = []
    var turn = 0
    var owesLowered = false

    /// What the workers may have open.
    var held: Int { parts.reduce(0) { $0 + $1.held } }
    var given: Int { parts.reduce(0) { $0 + $1.connections } }
  }

  private let workers: Int
  private var origins: [UInt32: Entry] = [:]

  package init(workers: Int) { self.workers = workers }

  // MARK: Shares

  package mutating func setShare(of origin: UInt32, to connections: Int) -> [Instruction] {
    var entry = origins[origin] ?? Entry()
    if connections < entry.target { entry.owesLowered = true }
    entry.target = connections
    let wanted = min(workers, max(1, (connections + Self.connectionsPerPart - 1) / Self.connectionsPerPart))
    var candidate = Int(origin) % workers
    while entry.parts.count < wanted {
      if !entry.parts.contains(where: { $0.worker == candidate }) {
        entry.parts.append(Part(worker: candidate, connections: 0))
      }
      candidate = (candidate + 1) % workers
    }
    let instructions = lower(&entry) + raise(&entry)
    origins[origin] = entry
    return instructions
  }

  /// A worker has come down.
  ///
  /// `confirmed` is what the coordinator is to be told, once all parts have come down as it asked.
  package mutating func lowered(origin: UInt32, worker: Int, to connections: Int) -> (
    confirmed: Int?, instructions: [Instruction]
  ) {
    guard var entry = origins[origin], let index = entry.parts.firstIndex(where: { $0.worker == worker }) else {
      return (nil, [])
    }
    entry.parts[index].held = max(connections, entry.parts[index].connections)
    let instructions = raise(&entry)
    let isDone = entry.owesLowered && entry.held <= entry.target
    if isDone { entry.owesLowered = false }
    origins[origin] = isDone && entry.target == 0 ? nil : entry
    return (isDone ? entry.target : nil, instructions)
  }

  /// Takes from parts what is above the share.
  private func lower(_ entry: inout Entry) -> [Instruction] {
    var excess = entry.given - entry.target
    var instructions: [Instruction] = []
    for index in entry.parts.indices.reversed() where excess > 0 {
      let surplus = min(excess, entry.parts[index].connections - part(index, of: entry.target))
      guard surplus > 0 else { continue }
      excess -= surplus
      entry.parts[index].connections -= surplus
      instructions.append(instruction(for: entry.parts[index]))
    }
    return instructions
  }

  /// Gives parts what is free of the share. One that is on its way down has to arrive first: nobody could tell which
  /// of its confirmations are about what it has now.
  private func raise(_ entry: inout Entry) -> [Instruction] {
    var free = entry.target - entry.held
    var instructions: [Instruction] = []
    for index in entry.parts.indices where free > 0 && entry.parts[index].held == entry.parts[index].connections {
      let more = min(free, part(index, of: entry.target) - entry.parts[index].connections)
      guard more > 0 else { continue }
      free -= more
      entry.parts[index].connections += more
      entry.parts[index].held += more
      instructions.append(instruction(for: entry.parts[index]))
    }
    return instructions
  }

  private func instruction(for part: Part) -> Instruction {
    Instruction(worker: part.worker, connections: part.connections)
  }

  /// The size of a part if all were as they should be.
  private func part(_ index: Int, of connections: Int) -> Int {
    if connections >= workers * Self.connectionsPerPart {
      return connections / workers + (index < connections % workers ? 1 : 0)
    }
    return min(Self.connectionsPerPart, max(0, connections - index * Self.connectionsPerPart))
  }

  // MARK: Rows

  /// Which worker gets the next row of an origin: each as many turns as it has connections.
  package mutating func worker(for origin: UInt32, seq: UInt64) -> Int {
    guard let entry = origins[origin], !entry.parts.isEmpty else { return Int(seq % UInt64(workers)) }
    let given = entry.given
    // All of it is on its way down; the row waits where there was something.
    guard given > 0 else { return entry.parts[0].worker }
    var turn = (entry.turn + 1) % given
    origins[origin]?.turn = turn
    for part in entry.parts {
      if turn < part.connections { return part.worker }
      turn -= part.connections
    }
    preconditionFailure("the parts of origin \(origin) are fewer than their sum")
  }

  /// The workers that may have rows of an origin.
  package func workers(of origin: UInt32) -> [Int] { origins[origin]?.parts.map(\.worker) ?? [] }

  // MARK: Sessions

  package mutating func forgetAll() { origins.removeAll() }

  /// Takes an origin over as its workers have it, each in one part.
  package mutating func adopt(_ origin: UInt32, parts: [Part]) {
    var entry = Entry()
    entry.parts = parts
    entry.target = entry.given
    origins[origin] = entry
  }

  /// Another session begins with what is held: origins have other numbers from now on, and those that are not listed
  /// are forgotten.
  package mutating func renumber(_ numbers: [UInt32: UInt32]) {
    let known = origins
    origins.removeAll()
    for (number, entry) in known { if let new = numbers[number] { origins[new] = entry } }
  }
}
