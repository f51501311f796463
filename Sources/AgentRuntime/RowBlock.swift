package import FetchClient
import FetchModel
import Scheduling
import WireProtocol

/// A block of finished or deferred rows, as the outbox keeps it.
package enum RowBlock: OutboxPayload, Equatable {
  case results(ResultBlock)
  case deferrals(frame: [UInt8], rows: Int)

  package var rows: Int {
    switch self {
    case .results(let block): block.rows
    case .deferrals(_, let rows): rows
    }
  }

  package var finishedRows: Int {
    switch self {
    case .results(let block): block.rows
    case .deferrals: 0
    }
  }

  package var byteCount: Int {
    switch self {
    case .results(let block): block.byteCount
    case .deferrals(let frame, _): frame.count
    }
  }

  package mutating func remove(_ seqs: Set<UInt64>) {
    switch self {
    case .results(let block):
      var rest = ResultBlock()
      var offset = 0
      for column in columns(of: block) {
        let end = offset + Int(column.lineLength)
        if !seqs.contains(column.seq) {
          rest.rows += 1
          ColumnFrame.append(column, to: &rest.columns)
          rest.lines.append(contentsOf: block.lines[offset..<end])
        }
        offset = end
      }
      self = .results(rest)
    case .deferrals(let frame, let rows):
      let left = deferrals(of: frame, rows).filter { !seqs.contains($0.seq) }
      var rest: [UInt8] = []
      for deferral in left { DeferralFrame.append(deferral, to: &rest) }
      self = .deferrals(frame: rest, rows: left.count)
    }
  }

  package var seqs: [UInt64] {
    switch self {
    case .results(let block): columns(of: block).map(\.seq)
    case .deferrals(let frame, let rows): deferrals(of: frame, rows).map(\.seq)
    }
  }

  private func columns(of block: ResultBlock) -> [ResultColumn] {
    do {
      return try ColumnFrame.decode(block.columns, count: block.rows)
    } catch {
      preconditionFailure("a block of this process is not readable: \(error)")
    }
  }

  private func deferrals(of frame: [UInt8], _ rows: Int) -> [Deferral] {
    do {
      return try DeferralFrame.decode(frame, count: rows)
    } catch {
      preconditionFailure("deferrals of this process are not readable: \(error)")
    }
  }
}
