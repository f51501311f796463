import FetchClient
import FetchModel
import WireProtocol

/// Rows on their way to an agent: as the coordinator packs them, and as the agent unpacks them.
enum WorkPath {
  static func build(_ count: Int) -> UInt64 {
    let lines = Samples.urls(Samples.blockRows)
    var sum: UInt64 = 0
    for start in stride(from: 0, to: count, by: Samples.blockRows) {
      let frame = frame(of: lines, from: UInt64(start))
      var work = WireWork()
      work.job = bytes(Samples.jobIdentifier)
      work.rows = UInt32(lines.count)
      let control = Envelope.encode(session: 0x5EED_5EED_5EED, sequence: UInt64(start), epoch: 3, .work(work))
      sum &+= UInt64(frame.count &+ control.count)
    }
    return sum
  }

  static func take(_ count: Int) throws -> UInt64 {
    let frame = frame(of: Samples.urls(Samples.blockRows), from: 0)
    var sum: UInt64 = 0
    for _ in stride(from: 0, to: count, by: Samples.blockRows) {
      let batch = RowBatch(bytes: frame, rows: try RowFrame.decode(frame, count: Samples.blockRows))
      for row in batch.rows { sum &+= row.seq &+ UInt64(row.line.count) }
    }
    return sum
  }

  private static func frame(of lines: [[UInt8]], from seq: UInt64) -> [UInt8] {
    var frame: [UInt8] = []
    frame.reserveCapacity(lines.count * (RowFrame.headerBytes + 96))
    for (index, line) in lines.enumerated() {
      RowFrame.append(
        seq: seq + UInt64(index),
        origin: 1,
        elapsedMilliseconds: 0,
        attempts: 0,
        mustNotRepeat: false,
        redirect: nil,
        line: line.span,
        to: &frame
      )
    }
    return frame
  }
}
