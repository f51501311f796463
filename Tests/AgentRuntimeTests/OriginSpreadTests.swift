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
    #expect(spread.lowered(origin: 4, worker: first[0].worker, to: 0) == nil)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 3) == nil)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 0) == 0)
    #expect(spread.lowered(origin: 4, worker: first[1].worker, to: 0) == nil)
  }

  @Test func `what was lowered twice is confirmed at the last`() {
    var spread = OriginSpread(workers: 1)
    _ = spread.setShare(of: 4, to: 8)
    _ = spread.setShare(of: 4, to: 5)
    _ = spread.setShare(of: 4, to: 2)
    // The confirmation of the first, overtaken by the second.
    #expect(spread.lowered(origin: 4, worker: 0, to: 5) == nil)
    #expect(spread.lowered(origin: 4, worker: 0, to: 2) == 2)
  }

  @Test func `nothing is confirmed that was not asked for`() {
    var spread = OriginSpread(workers: 2)
    #expect(spread.lowered(origin: 4, worker: 0, to: 0) == nil)
    _ = spread.setShare(of: 4, to: 3)
    #expect(spread.lowered(origin: 4, worker: 0, to: 3) == nil)
    _ = spread.setShare(of: 4, to: 2)
    spread.forgetAll()
    #expect(spread.lowered(origin: 4, worker: 0, to: 2) == nil)
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
          if let total = spread.lowered(origin: 5, worker: worker, to: workers.told[worker]) {
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
          guard let total = spread.lowered(origin: 5, worker: worker, to: workers.told[worker]) else { continue }
          #expect(total == share)
          counted = total
        }
      }
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
