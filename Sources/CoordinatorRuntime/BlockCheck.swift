package import FetchModel
import Records
import WireProtocol

/// What a session says has become of rows, checked: it came over a network. Pure.
package enum BlockCheck {
  package enum Fault: Error, Equatable, Sendable {
    case badFrame, badLine
  }

  /// Finished rows, each with its line.
  package struct Results: Equatable, Sendable {
    package var lines: [UInt8]
    package var columns: [ResultColumn]

    package init(lines: [UInt8], columns: [ResultColumn]) {
      self.lines = lines
      self.columns = columns
    }

    /// The block without the rows at these positions, which are in order.
    package func without(_ positions: [Int]) -> Results {
      guard !positions.isEmpty else { return self }
      var kept = Results(lines: [], columns: [])
      kept.lines.reserveCapacity(lines.count)
      var offset = 0
      var next = positions.makeIterator()
      var skipped = next.next()
      for (position, column) in columns.enumerated() {
        let end = offset + Int(column.lineLength)
        if position == skipped {
          skipped = next.next()
        } else {
          kept.lines.append(contentsOf: lines[offset..<end])
          kept.columns.append(column)
        }
        offset = end
      }
      return kept
    }
  }

  /// The frames of a block of finished rows: columns, and the columns' lines one after the other and nothing else.
  package static func results(_ frames: ArraySlice<[UInt8]>, count: Int) throws(Fault) -> Results {
    guard frames.count == 2, let columnFrame = frames.first, let lines = frames.last,
      let columns = try? ColumnFrame.decode(columnFrame, count: count)
    else { throw .badFrame }
    var offset = 0
    for column in columns {
      let end = offset + Int(column.lineLength)
      guard end <= lines.count, isWellFormedLine(lines.span.extracting(offset..<end), seq: column.seq) else {
        throw .badLine
      }
      offset = end
    }
    guard offset == lines.count else { throw .badLine }
    return Results(lines: lines, columns: columns)
  }

  /// The frame of a block of rows whose attempts did not end them.
  package static func deferrals(_ frames: ArraySlice<[UInt8]>, count: Int) throws(Fault) -> [Deferral] {
    guard frames.count == 1, let frame = frames.first, let deferrals = try? DeferralFrame.decode(frame, count: count)
    else { throw .badFrame }
    return deferrals
  }
}
