import AgentRuntime
import Testing

@Suite struct OriginSpreadTests {
  /// The workers of an agent: what each was told and what it still has open.
  private struct Workers {
    var told: [Int]
    var open: [Int]

    init(_ count: Int) {
      told = Array(repeating: 0, count: count)
      open = told
    }

    mutating func obey(_ instructions: [OriginSpread.Instruction]) {
      for instruction in instructions { told[instruction.worker] = instruction.connections }
    }
  }

  @Test func `a small share stays with one worker`() {
    var spread = OriginSpread(workers: 4)
    let instructions = spread.setShare(of: 6, to: 8)
    #expect(instructions.map(\.connections) == [8])
    let workers = Set((0..<100 as Range<UInt64>).map { spread.worker(for: 6, seq: $0) })
    #expect(workers == Set(instructions.map(\.worker)))
  }

  @Test(arguments: 1...40)
  func `the parts sum to the share`(_ share: Int) {
    for count in 1...5 {
      var spread = OriginSpread(workers: count)
      var workers = Workers(count)
      workers.obey(spread.setShare(of: 3, to: share))
      #expect(workers.told.reduce(0, +) == share)
      let most = max(OriginSpread.connectionsPerPart, (share + count - 1) / count)
      #expect(workers.told.allSatisfy { $0 <= most })
    }
  }

  @Test func `a larger share takes nothing from any worker and a smaller one adds to none`() {
    for count in 1...4 {
      var spread = OriginSpread(workers: count)
      var workers = Workers(count)
      for share in Array(1...50) + Array((0..<50).reversed()) {
        let before = workers.told
        let isLarger = share > before.reduce(0, +)
        workers.obey(spread.setShare(of: 9, to: share))
        for (old, new) in zip(before, workers.told) { #expect(isLarger ? new >= old : new <= old) }
      }
    }
  }

  @Test func `a lower share is confirmed once, when all workers have come down`() {
    var spread = OriginSpread(workers: 2)
    let first = spread.setShare(of: 4, to: 16)
    #expect(first.map(\.connections) == [8, 8])
    let second = spread.setShare(of: 4, to: 0)
    #expect(second.map(\.connections) == [0, 0])
    #expect(spread.lowered(origin: 4, worker: first[0].worker, to: 0).confirmed == nil)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 3).confirmed == nil)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 0).confirmed == 0)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 0).confirmed == nil)
  }

  @Test func `what was lowered twice is confirmed at the last`() {
    var spread = OriginSpread(workers: 1)
    _ = spread.setShare(of: 4, to: 8)
    _ = spread.setShare(of: 4, to: 5)
    _ = spread.setShare(of: 4, to: 2)
    // The confirmation of the first, overtaken by the second.
    #expect(spread.lowered(origin: 4, worker: 0, to: 5).confirmed == nil)
    #expect(spread.lowered(origin: 4, worker: 0, to: 2).confirmed == 2)
  }

  @Test func `nothing is confirmed that was not asked for`() {
    var spread = OriginSpread(workers: 2)
    #expect(spread.lowered(origin: 4, worker: 0, to: 0).confirmed == nil)
    _ = spread.setShare(of: 4, to: 3)
    #expect(spread.lowered(origin: 4, worker: 0, to: 3).confirmed == nil)
    _ = spread.setShare(of: 4, to: 2)
    spread.forgetAll()
    #expect(spread.lowered(origin: 4, worker: 0, to: 2).confirmed == nil)
  }

  @Test func `rows without a share go to all workers`() {
    var spread = OriginSpread(workers: 3)
    #expect((0..<6 as Range<UInt64>).map { spread.worker(for: 0, seq: $0) } == [0, 1, 2, 0, 1, 2])
  }

  @Test func `workers get rows as they have connections`() {
    var spread = OriginSpread(workers: 3)
    var workers = Workers(3)
    workers.obey(spread.setShare(of: 1, to: 12))
    var rows = [0, 0, 0]
    for seq in 0..<120 as Range<UInt64> { rows[spread.worker(for: 1, seq: seq)] += 1 }
    #expect(rows == workers.told.map { $0 * 10 })
  }

  @Test func `whatever is asked, no more is open than the share that holds, and each lowering is confirmed once`() {
    var random = SystemlessRandom(state: 99)
    for _ in 0..<200 {
      let count = 1 + random.below(4)
      var spread = OriginSpread(workers: count)
      var workers = Workers(count)
      var share = 0
      // What the coordinator counts: the old share until the new one is confirmed.
      var counted = 0
      for _ in 0..<100 {
        switch random.below(4) {
        case 0:
          // The coordinator raises only what is confirmed.
          let next = counted == share ? random.below(40) : random.below(share + 1)
          guard next != share else { continue }
          workers.obey(spread.setShare(of: 5, to: next))
          share = next
          counted = max(counted, share)
          #expect(workers.told.reduce(0, +) == share)
        case 1:
          for worker in 0..<count where workers.open[worker] < workers.told[worker] {
            workers.open[worker] = workers.told[worker]
          }
        case 2:
          let worker = random.below(count)
          guard workers.open[worker] > workers.told[worker] else { continue }
          workers.open[worker] = workers.told[worker]
          if let total = spread.lowered(origin: 5, worker: worker, to: workers.told[worker]).confirmed {
            #expect(total == share && counted > share)
            counted = total
          }
        default:
          guard share > 0 else { continue }
          #expect(workers.told[spread.worker(for: 5, seq: random.next())] > 0)
        }
        #expect(workers.open.reduce(0, +) <= counted)
        // Workers that have nothing to close confirm at once.
        for worker in 0..<count where workers.open[worker] <= workers.told[worker] {
          let answer = spread.lowered(origin: 5, worker: worker, to: workers.told[worker])
          #expect(answer.instructions.isEmpty)
          guard let total = answer.confirmed else { continue }
          #expect(total == share)
          counted = total
        }
      }
    }
  }

  // MARK: What was taken over

  @Test func `parts that were taken over keep their workers, and further ones go to others`() {
    var spread = OriginSpread(workers: 3)
    spread.adopt(3, parts: [OriginSpread.Part(worker: 1, connections: 2)])
    #expect((0..<10 as Range<UInt64>).allSatisfy { spread.worker(for: 3, seq: $0) == 1 })
    #expect(spread.workers(of: 3) == [1])
    #expect(spread.setShare(of: 3, to: 8) == [OriginSpread.Instruction(worker: 1, connections: 8)])
    // Origin 3 would begin with worker 0.
    #expect(spread.setShare(of: 3, to: 18).map(\.worker) == [0, 2])
    #expect(spread.workers(of: 3) == [1, 0, 2])
  }

  @Test func `a part grows only when a larger one has come down`() {
    var spread = OriginSpread(workers: 2)
    spread.adopt(
      7,
      parts: [OriginSpread.Part(worker: 0, connections: 1), OriginSpread.Part(worker: 1, connections: 12)]
    )
    // As it should be: 8 and 2. Nothing is taken from the first, and the second comes down by what is too much.
    #expect(spread.setShare(of: 7, to: 10) == [OriginSpread.Instruction(worker: 1, connections: 9)])
    #expect(spread.setShare(of: 7, to: 8) == [OriginSpread.Instruction(worker: 1, connections: 7)])
    let early = spread.lowered(origin: 7, worker: 1, to: 9)
    #expect(early.confirmed == nil && early.instructions.isEmpty)
    let late = spread.lowered(origin: 7, worker: 1, to: 7)
    #expect(late.confirmed == 8 && late.instructions.isEmpty)
    #expect(spread.setShare(of: 7, to: 10) == [OriginSpread.Instruction(worker: 0, connections: 3)])
  }

  @Test func `what is raised while it is on its way down is handed on at the confirmation`() {
    var spread = OriginSpread(workers: 2)
    _ = spread.setShare(of: 2, to: 16)
    #expect(spread.setShare(of: 2, to: 4).map(\.connections) == [0, 4])
    #expect(spread.setShare(of: 2, to: 12).isEmpty)
    let first = spread.lowered(origin: 2, worker: 1, to: 0)
    #expect(first.instructions == [OriginSpread.Instruction(worker: 1, connections: 4)] && first.confirmed == 12)
    let second = spread.lowered(origin: 2, worker: 0, to: 4)
    #expect(second.instructions == [OriginSpread.Instruction(worker: 0, connections: 8)] && second.confirmed == nil)
  }

  @Test func `an origin keeps its parts under another number, and one that is not listed is gone`() {
    var spread = OriginSpread(workers: 2)
    _ = spread.setShare(of: 1, to: 16)
    _ = spread.setShare(of: 2, to: 3)
    _ = spread.setShare(of: 3, to: 3)
    // Numbers may change places.
    spread.renumber([1: 2, 2: 1])
    #expect(spread.workers(of: 2) == [1, 0] && spread.workers(of: 1) == [0] && spread.workers(of: 3).isEmpty)
    #expect(spread.setShare(of: 2, to: 0).count == 2)
  }

  @Test func `whatever was taken over and is asked, no more is open than the share`() {
    var random = SystemlessRandom(state: 5)
    for _ in 0..<500 {
      let count = 1 + random.below(5)
      var spread = OriginSpread(workers: count)
      var workers = Workers(count)
      for worker in 0..<count { workers.told[worker] = random.below(20) }
      workers.open = workers.told
      let parts = (0..<count).filter { workers.told[$0] > 0 }.map {
        OriginSpread.Part(worker: $0, connections: workers.told[$0])
      }
      guard !parts.isEmpty else { continue }
      spread.adopt(5, parts: parts)
      var share = workers.told.reduce(0, +)
      var counted = share
      // Told, and not obeyed yet.
      var mail: [[Int]] = Array(repeating: [], count: count)
      func tell(_ instructions: [OriginSpread.Instruction], _ mail: inout [[Int]]) {
        for instruction in instructions { mail[instruction.worker].append(instruction.connections) }
      }
      func confirm(_ worker: Int, _ mail: inout [[Int]]) {
        let answer = spread.lowered(origin: 5, worker: worker, to: workers.told[worker])
        tell(answer.instructions, &mail)
        guard let total = answer.confirmed else { return }
        #expect(total == share)
        counted = total
      }
      var owes = Array(repeating: false, count: count)
      func settle(_ worker: Int, _ mail: inout [[Int]]) {
        guard owes[worker], workers.open[worker] <= workers.told[worker] else { return }
        owes[worker] = false
        confirm(worker, &mail)
      }
      for _ in 0..<150 {
        let worker = random.below(count)
        switch random.below(4) {
        case 0:
          let next = counted == share ? random.below(60) : random.below(share + 1)
          guard next != share else { continue }
          share = next
          counted = max(counted, share)
          tell(spread.setShare(of: 5, to: next), &mail)
        case 1:
          guard !mail[worker].isEmpty else { continue }
          let next = mail[worker].removeFirst()
          if next < workers.told[worker] { owes[worker] = true }
          workers.told[worker] = next
          settle(worker, &mail)
        case 2: workers.open[worker] = max(workers.open[worker], workers.told[worker])
        default:
          workers.open[worker] = min(workers.open[worker], workers.told[worker])
          settle(worker, &mail)
        }
        #expect(workers.open.reduce(0, +) <= counted)
      }
      // Left alone, all of the share is given out.
      for _ in 0..<20 {
        for worker in 0..<count {
          while !mail[worker].isEmpty {
            let next = mail[worker].removeFirst()
            if next < workers.told[worker] { owes[worker] = true }
            workers.told[worker] = next
          }
          workers.open[worker] = min(workers.open[worker], workers.told[worker])
          settle(worker, &mail)
        }
      }
      #expect(workers.told.reduce(0, +) == share && counted == share)
    }
  }
}

/// SplitMix64.
private struct SystemlessRandom {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }
}
