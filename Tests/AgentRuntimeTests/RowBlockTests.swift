import AgentRuntime
import FetchClient
import FetchModel
import Scheduling
import Testing
import WireProtocol

@Suite struct RowBlockTests {
  private static func deferrals(_ seqs: [UInt64]) -> RowBlock {
    var frame: [UInt8] = []
    for seq in seqs { DeferralFrame.append(Deferral(seq: seq, cause: .notStarted, attempts: 0), to: &frame) }
    return .deferrals(frame: frame, rows: seqs.count)
  }

  private static func results(_ seqs: [UInt64]) -> RowBlock {
    var block = ResultBlock()
    for seq in seqs {
      let line = Array("{\"seq\":\(seq),\"url\":\"\"}\n".utf8)
      block.rows += 1
      block.lines += line
      let column = ResultColumn(
        seq: seq,
        bodyBytes: 0,
        totalMicroseconds: 0,
        lineLength: UInt32(line.count),
        status: 200,
        failure: nil,
        attempts: 1
      )
      ColumnFrame.append(column, to: &block.columns)
    }
    return .results(block)
  }

  @Test func `says which rows it is about, and how much room it takes`() {
    let deferrals = Self.deferrals([4, 2])
    #expect(deferrals.seqs == [4, 2] && deferrals.rows == 2 && deferrals.byteCount == 56)
    #expect(deferrals.finishedRows == 0)
    let results = Self.results([7, 9])
    #expect(results.seqs == [7, 9] && results.rows == 2 && results.byteCount == 2 * 28 + 2 * 19)
    #expect(results.finishedRows == 2)
  }

  @Test func `rows are taken out with their lines`() {
    var results = Self.results([1, 22, 333, 4])
    results.remove([22, 4, 5])
    #expect(results == Self.results([1, 333]))
    var deferrals = Self.deferrals([1, 2, 3])
    deferrals.remove([2])
    #expect(deferrals == Self.deferrals([1, 3]))
    deferrals.remove([1, 3])
    #expect(deferrals.rows == 0 && deferrals.seqs.isEmpty)
  }

  @Test func `of a row that came again an outbox keeps what was said last, and nothing of one in hand`() {
    var outbox = Outbox<RowBlock>()
    for block in [Self.deferrals([1, 2, 3]), Self.results([2, 4]), Self.deferrals([4]), Self.deferrals([3])] {
      outbox.add(block)
    }
    let before = outbox.bytes
    let freed = outbox.prune(inHand: [1])
    var left: [RowBlock] = []
    while let block = outbox.takeUnsent() { left.append(block.payload) }
    #expect(left == [Self.results([2]), Self.deferrals([4]), Self.deferrals([3])])
    #expect(freed == before - left.reduce(0) { $0 + $1.byteCount })
  }
}
