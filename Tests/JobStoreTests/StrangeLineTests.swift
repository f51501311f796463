import FetchModel
import JobStore
import Records
import Testing

/// Lines that the coordinator takes from an agent, because they can harm no other, and that are no records all the
/// same.
@Suite struct `A line that only looks like a record` {
  private static let strange = Array("{\"seq\":9,what an agent with a fault may say}\n".utf8)

  /// Rows 7 to 9 in the last block, and the line of 9 is strange.
  private func files(last: Bool = true) throws -> MemoryFiles {
    let files = MemoryFiles()
    var writer = try PassWriter(creating: .main, identifier: passName, in: files)
    let first = Rows([0, 1, 2])
    try writer.append(lines: first.lines, columns: first.columns)
    try writer.commit()
    let second = Rows([7, 8])
    let column = ResultColumn(
      seq: 9,
      bodyBytes: 0,
      totalMicroseconds: 1,
      lineLength: UInt32(Self.strange.count),
      status: 200,
      failure: nil,
      attempts: 1
    )
    let isTaken = isWellFormedLine(Self.strange.span, seq: 9)
    try #require(isTaken)
    if last {
      try writer.append(lines: second.lines + Self.strange, columns: second.columns + [column])
    } else {
      try writer.append(lines: Self.strange + second.lines, columns: [column] + second.columns)
    }
    try writer.commit()
    return files
  }

  @Test(arguments: [true, false]) func `takes nothing with it that was acknowledged`(isLast: Bool) throws {
    let files = try files(last: isLast)
    let before = files.contents
    let recovered = try recover(.main, in: files)
    #expect(recovered.recorded.count == 6, "its agent has forgotten all of them")
    #expect(recovered.cut == RecoveredPass.Cut())
    let isUntouched = files.contents == before
    #expect(isUntouched)
  }

  @Test func `is found by verify`() throws {
    let report = try verify(in: files())
    #expect(report.lines.contains { $0.contains("no whole record") }, "\(report.lines)")
  }
}
