import CoordinatorRuntime
import FetchModel
import Testing
import WireProtocol

@Suite struct BlockCheckTests {
  private static func line(_ seq: UInt64, _ rest: String = "\"a\":1}\n") -> [UInt8] {
    Array("{\"seq\":\(seq),\(rest)".utf8)
  }

  private static func column(_ seq: UInt64, _ length: Int) -> ResultColumn {
    ResultColumn(
      seq: seq,
      bodyBytes: 0,
      totalMicroseconds: 0,
      lineLength: UInt32(length),
      status: 200,
      failure: nil,
      attempts: 1
    )
  }

  private static func frames(_ lines: [[UInt8]], _ columns: [ResultColumn]) -> [[UInt8]] {
    var frame: [UInt8] = []
    for column in columns { ColumnFrame.append(column, to: &frame) }
    return [frame, Array(lines.joined())]
  }

  private static func check(_ frames: [[UInt8]], count: Int) -> Result<BlockCheck.Results, BlockCheck.Fault> {
    Result { () throws(BlockCheck.Fault) in try BlockCheck.results(frames[...], count: count) }
  }

  private let lines = [line(3), line(10), line(4, "\"longer\":true}\n")]
  private let columns = [column(3, 16), column(10, 17), column(4, 24)]

  @Test func `lines that are those of their columns are taken`() throws {
    let block = try Self.check(Self.frames(lines, columns), count: 3).get()
    #expect(block == BlockCheck.Results(lines: Array(lines.joined()), columns: columns))
    #expect(try Self.check([[], []], count: 0).get().columns.isEmpty)
  }

  @Test func `rows are left out with their lines`() throws {
    let block = try Self.check(Self.frames(lines, columns), count: 3).get()
    #expect(block.without([]) == block)
    #expect(block.without([1]) == BlockCheck.Results(lines: lines[0] + lines[2], columns: [columns[0], columns[2]]))
    #expect(block.without([0, 2]) == BlockCheck.Results(lines: lines[1], columns: [columns[1]]))
    #expect(block.without([0, 1, 2]) == BlockCheck.Results(lines: [], columns: []))
  }

  @Test func `frames that are not these two are refused`() {
    let whole = Self.frames(lines, columns)
    for frames in [[], [whole[0]], whole + [[]], [whole[1], whole[0]]] {
      #expect(Self.check(frames, count: 3) == .failure(.badFrame))
    }
    #expect(Self.check(whole, count: 2) == .failure(.badFrame))
    #expect(Self.check(whole, count: .max) == .failure(.badFrame))
  }

  @Test func `lines that are not those of their columns are refused`() {
    let cut = Array(lines.joined().dropLast())
    let columnFrame = Self.frames(lines, columns)[0]
    #expect(Self.check([columnFrame, cut], count: 3) == .failure(.badLine))
    #expect(Self.check([columnFrame, Array(lines.joined()) + [0x0A]], count: 3) == .failure(.badLine))
    #expect(Self.check([columnFrame, Array(lines.reversed().joined())], count: 3) == .failure(.badLine))
    // Two lines where one column is.
    let two = Self.frames(lines, [Self.column(3, 33), columns[2]])
    #expect(Self.check(two, count: 2) == .failure(.badLine))
  }

  @Test func `deferrals stand in one frame`() {
    #expect(throws: BlockCheck.Fault.badFrame) { try BlockCheck.deferrals([], count: 0) }
    #expect(throws: BlockCheck.Fault.badFrame) { try BlockCheck.deferrals([[], []], count: 0) }
    #expect(throws: BlockCheck.Fault.badFrame) { try BlockCheck.deferrals([[1]], count: 1) }
    #expect(throws: Never.self) { try BlockCheck.deferrals([[]], count: 0) }
  }
}
