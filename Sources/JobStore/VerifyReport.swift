/// What a look at all files of a job has found, for people.
package struct VerifyReport: Equatable, Sendable {
  package enum Verdict: Equatable, Sendable {
    /// Every row is recorded once, and everything agrees.
    case sound
    case notSound
    /// Nothing is wrong, but the job has not ended.
    case notFinished
  }

  package let verdict: Verdict
  /// One for each finding, at most `Findings.limit` of a kind, and one that sums up.
  package let lines: [String]
}

/// Collects what is found, a bounded number of each kind.
struct Findings {
  enum Kind: Int, CaseIterable {
    case file, line, doubledRow, strangeRow, missingRow, index, journal, summary

    var plural: StaticString {
      switch self {
      case .file: "missing files"
      case .line: "lines that are no records"
      case .doubledRow: "rows recorded twice"
      case .strangeRow: "rows that do not belong there"
      case .missingRow: "rows without a record"
      case .index: "places where index and lines differ"
      case .journal: "damaged journals"
      case .summary: "summaries that differ"
      }
    }
  }

  static let limit: UInt64 = 20

  private var texts: [String] = []
  private var counts = [UInt64](repeating: 0, count: Kind.allCases.count)

  var total: UInt64 { counts.reduce(0, +) }

  mutating func add(_ kind: Kind, _ text: @autoclosure () -> String) {
    counts[kind.rawValue] += 1
    if counts[kind.rawValue] <= Self.limit { texts.append(text()) }
  }

  /// Counts some that are not worth a line each.
  mutating func add(_ kind: Kind, uncounted: UInt64) { counts[kind.rawValue] += uncounted }

  /// Something that is no fault.
  mutating func note(_ text: String) { texts.append(text) }

  var lines: [String] {
    texts
      + Kind.allCases.filter { counts[$0.rawValue] > Self.limit }.map { kind in
        "and \(grouped(counts[kind.rawValue] - Self.limit)) more \(kind.plural)"
      }
  }
}

/// "20,000".
func grouped(_ number: UInt64) -> String {
  var text = ""
  for (index, digit) in String(number).reversed().enumerated() {
    if index > 0, index.isMultiple(of: 3) { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}
