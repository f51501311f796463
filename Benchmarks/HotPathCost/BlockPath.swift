import CoordinatorRuntime
import FetchClient
import FetchModel
import WireProtocol

/// A block of finished rows: as an agent makes it, and as the coordinator takes it.
enum BlockPath {
  /// The frames of a message.
  private struct Message {
    var control: [UInt8]
    var columns: [UInt8]
    var lines: [UInt8]
  }

  /// Lines, columns and the message around them, for each row.
  static func build(_ count: Int) throws -> UInt64 {
    let recorder = try RecordPath.Recorder()
    var sum: UInt64 = 0
    var number: UInt64 = 0
    var capacity = (lines: 0, columns: 0)
    for start in stride(from: 0, to: count, by: Samples.blockRows) {
      var block = ResultBlock()
      block.lines.reserveCapacity(capacity.lines)
      block.columns.reserveCapacity(capacity.columns)
      for _ in start..<min(start + Samples.blockRows, count) {
        let column = recorder.append(to: &block.lines)
        block.rows += 1
        ColumnFrame.append(column, to: &block.columns)
      }
      capacity = (block.lines.count, block.columns.count)
      number += 1
      let message = message(of: block, number)
      sum &+= UInt64(message.control.count &+ message.columns.count &+ message.lines.count)
    }
    return sum
  }

  /// The check of every line, and the counters.
  static func take(_ count: Int) throws -> UInt64 {
    let recorder = try RecordPath.Recorder()
    var block = ResultBlock()
    for _ in 0..<Samples.blockRows {
      let column = recorder.append(to: &block.lines)
      block.rows += 1
      ColumnFrame.append(column, to: &block.columns)
    }
    let message = message(of: block, 1)
    var counters = RecordCounters()
    var bytes: UInt64 = 0
    for _ in stride(from: 0, to: count, by: Samples.blockRows) {
      let frames = [message.control, message.columns, message.lines]
      let (_, _, body) = try Envelope.decodeFromAgent(frames[0])
      guard case .results(let results) = body, Array(results.job) == Samples.jobIdentifier else { continue }
      let taken = try BlockCheck.results(frames.dropFirst(), count: Int(results.rows)).without([])
      for column in taken.columns { counters.add(column) }
      bytes &+= UInt64(taken.lines.count)
    }
    return bytes &+ counters.rows
  }

  private static func message(of block: ResultBlock, _ number: UInt64) -> Message {
    var results = WireResults()
    results.job = bytes(Samples.jobIdentifier)
    results.block = number
    results.rows = UInt32(block.rows)
    let control = Envelope.encode(session: 0x5EED_5EED_5EED, sequence: number, .results(results))
    return Message(control: control, columns: block.columns, lines: block.lines)
  }
}
