import FetchModel
import PosixIO
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

  /// What is shown.
  struct Figures {
    let counts: RowCounts
    let failed: UInt64
    let agents: Int
    let parkedOrigins: Int
    let inputHasEnded: Bool
    /// Set near the end.
    let remainder: Remainder?
  }

  func isDue(_ now: Instant) -> Bool { style != .none && now >= nextAt }

  mutating func show(_ figures: Figures, now: Instant) {
    let counts = figures.counts
    nextAt = now.adding(nanoseconds: style == .live ? Self.liveInterval : Self.lineInterval)
    let seconds = Double(now.nanoseconds(since: previous.at)) / 1e9
    let rate = seconds > 0 ? Double(counts.recorded - previous.rows) / seconds : 0
    previous = (counts.recorded, now)
    let total = figures.inputHasEnded ? "\(counts.submitted)" : "\(counts.submitted)+"
    var text = "\(counts.recorded) of \(total) rows, \(Int(rate))/s, \(figures.failed) failed, "
    text += "\(counts.leased) with \(figures.agents)" + (figures.agents == 1 ? " agent" : " agents")
    if counts.deferred > 0 { text += ", \(counts.deferred) deferred" }
    if figures.parkedOrigins > 0 { text += ", \(figures.parkedOrigins) origins parked" }
    if rate < 1, let remainder = figures.remainder { text += "; \(Self.describe(remainder))" }
    switch style {
    case .none: break
    case .lines: say(text)
    case .live:
      // Back to the first column, and clear what was longer.
      StandardError.write("\r\(text)\u{1B}[K")
      isLineOpen = true
    }
  }

  /// Who is waited for.
  private static func describe(_ remainder: Remainder) -> String {
    let origins = remainder.origins.map { key, rows in
      "\(rows) at \(key.isEmpty ? "no origin" : String(decoding: key, as: UTF8.self))"
    }
    return "\(remainder.rows) left: \(origins.joined(separator: ", ")); "
      + "the oldest for \(remainder.oldestMilliseconds / 1000) s"
  }

  /// A line of its own, unless nothing is to be said; errors do not come this way.
  mutating func say(_ text: String) {
    guard style != .none else { return }
    finish()
    StandardError.write("\(text)\n")
  }

  /// Ends an open line.
  mutating func finish() {
    if isLineOpen { StandardError.write("\n") }
    isLineOpen = false
  }
}
