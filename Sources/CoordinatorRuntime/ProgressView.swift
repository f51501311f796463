import FetchModel
import Foundation
import Scheduling

/// Progress on standard error: a line that is rewritten on a terminal, a line now and then elsewhere.
struct ProgressView {
  private static let liveInterval: UInt64 = 250_000_000
  private static let lineInterval: UInt64 = 5_000_000_000

  private let style: CoordinatorConfiguration.Progress
  private var nextAt: Instant
  private var previous: (rows: UInt64, at: Instant)
  private var isLineOpen = false

  init(_ style: CoordinatorConfiguration.Progress, now: Instant) {
    self.style = style
    previous = (0, now)
    nextAt = now.adding(nanoseconds: style == .live ? Self.liveInterval : Self.lineInterval)
  }

  mutating func update(_ counts: RowCounts, failed: UInt64, agents: Int, inputHasEnded: Bool, now: Instant) {
    guard style != .none, now >= nextAt else { return }
    nextAt = now.adding(nanoseconds: style == .live ? Self.liveInterval : Self.lineInterval)
    let seconds = Double(now.nanoseconds(since: previous.at)) / 1e9
    let rate = seconds > 0 ? Double(counts.recorded - previous.rows) / seconds : 0
    previous = (counts.recorded, now)
    let total = inputHasEnded ? "\(counts.submitted)" : "\(counts.submitted)+"
    var text = "\(counts.recorded) of \(total) rows, \(Int(rate))/s, \(failed) failed, \(counts.leased) with \(agents)"
    text += agents == 1 ? " agent" : " agents"
    if counts.deferred > 0 { text += ", \(counts.deferred) deferred" }
    switch style {
    case .none: break
    case .lines: say(text)
    case .live:
      // Back to the first column, and clear what was longer.
      FileHandle.standardError.write(Data("\r\(text)\u{1B}[K".utf8))
      isLineOpen = true
    }
  }

  /// A line of its own, whatever the view shows.
  mutating func say(_ text: String) {
    finish()
    FileHandle.standardError.write(Data("\(text)\n".utf8))
  }

  /// Ends an open line.
  mutating func finish() {
    if isLineOpen { FileHandle.standardError.write(Data("\n".utf8)) }
    isLineOpen = false
  }
}
