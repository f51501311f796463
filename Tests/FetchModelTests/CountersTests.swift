import FetchModel
import Testing

@Suite struct CountersTests {
  @Test func `rows are counted by class of status, and the classes add up`() {
    var counters = RecordCounters()
    for status in [0, 100, 199, 200, 204, 299, 301, 404, 429, 499, 500, 599, 600, 999, 99, 65_535] {
      counters.add(failure: nil, status: status, totalMicroseconds: 10, bodyBytes: 3)
    }
    let classes = counters.statusClasses
    #expect(classes.none == 1 && classes.informational == 2 && classes.successful == 3 && classes.redirection == 1)
    #expect(classes.clientError == 3 && classes.serverError == 2 && classes.other == 4)
    #expect(counters.rows == 16 && counters.failedRows == 0)
    #expect(counters.bodyBytes == 48 && counters.attempts == 16)
    #expect(counters.latency.count == 16 && counters.latency.sum == 160)
  }

  @Test(arguments: FailureCode.allCases)
  func `every failure is counted under its own number`(_ code: FailureCode) {
    var counters = RecordCounters()
    counters.add(failure: code, status: 200, totalMicroseconds: 1, bodyBytes: 0, attempts: 3)
    #expect(counters.failures[Int(code.rawValue)] == 1)
    #expect(counters.failures.reduce(0, +) == 1)
    #expect(counters.rows(failedWith: code) == 1)
    #expect(counters.failedRows == 1 && counters.statusClasses.successful == 1 && counters.attempts == 3)
  }

  @Test func `merging equals counting everything in one, and columns count as their members`() {
    var random = CountersGenerator(seed: 5)
    var parts = [RecordCounters](repeating: RecordCounters(), count: 3)
    var whole = RecordCounters()
    for seq in 0..<2_000 as Range<UInt64> {
      let column = ResultColumn(
        seq: seq,
        bodyBytes: random.next() >> 40,
        totalMicroseconds: UInt32(truncatingIfNeeded: random.next()),
        lineLength: 100,
        status: UInt16.random(in: 0...700, using: &random),
        failure: FailureCode(rawValue: UInt8.random(in: 0...90, using: &random)),
        attempts: UInt8.random(in: 1...4, using: &random)
      )
      parts[Int(seq % 3)].add(column)
      whole.add(
        failure: column.failure,
        status: Int(column.status),
        totalMicroseconds: column.totalMicroseconds,
        bodyBytes: column.bodyBytes,
        attempts: UInt32(column.attempts)
      )
    }
    var merged = RecordCounters()
    for part in parts { merged.merge(part) }
    #expect(merged == whole)
    #expect(merged.failures.reduce(0, +) == merged.failedRows)
  }

  @Test func `body bytes that a peer makes up cannot overflow`() {
    var counters = RecordCounters()
    counters.add(failure: nil, status: 200, totalMicroseconds: 0, bodyBytes: .max)
    counters.add(failure: nil, status: 200, totalMicroseconds: 0, bodyBytes: .max)
    #expect(counters.bodyBytes == .max)
    var other = counters
    other.merge(counters)
    #expect(other.bodyBytes == .max && other.rows == 4)
  }

  @Test func `effort of instances is added member by member`() {
    let members: [WritableKeyPath<EffortCounters, UInt64>] = [
      \.attempts, \.connectionsOpened, \.requestsOnReusedConnections, \.handshakesFull, \.handshakesResumed,
      \.wireBytesSent, \.wireBytesReceived, \.resolverQueries, \.resolverHits, \.resolverFailures, \.resolverTimeouts,
      \.deferred,
      \.staleRetries,
    ]
    var left = EffortCounters()
    var right = EffortCounters()
    for (index, member) in members.enumerated() {
      left[keyPath: member] = UInt64(index + 1)
      right[keyPath: member] = UInt64(index + 1) * 1_000
    }
    let sum = left + right
    for (index, member) in members.enumerated() { #expect(sum[keyPath: member] == UInt64(index + 1) * 1_001) }
    var added = left
    added.add(right)
    #expect(added == sum)
    #expect(left + EffortCounters() == left)
    // As many members as the type has, so that a new one is not forgotten here or in `add`.
    #expect(MemoryLayout<EffortCounters>.size == members.count * 8)
  }

  @Test func `effort that a peer makes up cannot overflow`() {
    var left = EffortCounters()
    left.wireBytesReceived = .max
    let sum = left + left
    #expect(sum.wireBytesReceived == .max)
  }
}
