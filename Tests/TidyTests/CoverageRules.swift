// The table of docs/conformance.md: which tests cover each rule of the client. Pure: text in, violations out.
//
// A line is `| R12 | what it asks | tests |`; the tests are parts divided by <br>, each a link to a file of tests and
// behind it their names, divided by " · ".

import Foundation

enum CoverageRules {
  /// The rules of the table, in its order.
  static func rules(in page: SourceText) -> [String] {
    page.lines.compactMap(cells).map { $0[0] }
  }

  /// Tests that are named and are not there, and rules without any. `tests`: by path.
  static func unfounded(_ page: SourceText, tests: [String: SourceText]) -> [Violation] {
    page.lines.indices.flatMap { index -> [Violation] in
      guard let cells = cells(page.lines[index]) else { return [] }
      guard cells.count == 3, !cells[2].isEmpty else {
        return [Violation(page, line: index, "\(cells[0]) has no test")]
      }
      return cells[2].components(separatedBy: "<br>").flatMap { part in
        problems(part, tests).map { Violation(page, line: index, "\(cells[0]): \($0)") }
      }
    }
  }

  private static func problems(_ part: String, _ tests: [String: SourceText]) -> [String] {
    guard let match = part.wholeMatch(of: /\s*\[[^\]]+\]\(\.\.\/(Tests\/[^)]+)\)\s+(.+?)\s*/) else {
      return ["“\(part)” is no link to a file of tests with names behind it"]
    }
    let path = String(match.1)
    guard let file = tests[path] else { return ["there is no \(path)"] }
    return match.2.components(separatedBy: " · ").compactMap { name in
      file.lines.contains { $0.contains("func `\(name)`(") } ? nil : "\(path) has no test “\(name)”"
    }
  }

  /// nil for a line that is none of the table.
  private static func cells(_ line: String) -> [String]? {
    guard line.hasPrefix("| R") else { return nil }
    let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
    guard let rule = cells.first, rule.wholeMatch(of: /R[0-9]+/) != nil else { return nil }
    return cells
  }
}
