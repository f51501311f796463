import FetchModel
import Scheduling

/// A finished row as the scheduler looks at it.
func column(seq: UInt64) -> ResultColumn {
  ResultColumn(
    seq: seq,
    bodyBytes: 0,
    totalMicroseconds: 0,
    lineLength: 0,
    status: 200,
    failure: nil,
    attempts: 1
  )
}
