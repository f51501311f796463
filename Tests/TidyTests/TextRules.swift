// Rules about the text of one file. Pure: text in, violations out.

enum TextRules {
  static let longestFile = 500
  static let widestLine = 120

  /// A file that does not fit into one's head is cut in two.
  static func length(_ file: SourceText) -> [Violation] {
    // A final newline gives an empty last element.
    let count = file.lines.last == "" ? file.lines.count - 1 : file.lines.count
    guard count > longestFile else { return [] }
    return [Violation("\(file.path): \(count) lines, at most \(longestFile) are allowed; split it by responsibility")]
  }

  /// The formatter lets comments and long strings pass.
  static func width(_ file: SourceText) -> [Violation] {
    file.lines.indices.filter { file.lines[$0].count > widestLine }.map { index in
      Violation(file, line: index, "\(file.lines[index].count) columns, at most \(widestLine) are allowed; wrap it")
    }
  }

  /// `try!` turns an error into a crash without a word about it.
  static func forcedTry(_ file: SourceText) -> [Violation] {
    violations(in: file, "try! crashes without saying why; throw, or catch and stop with a message") {
      $0.code.contains("try!")
    }
  }

  /// Nothing unfinished goes in; what is left to do is an issue.
  static func unfinished(_ file: SourceText) -> [Violation] {
    violations(in: file, "unfinished work belongs into an issue, not into the code") { line in
      ["TODO", "FIXME"].contains { contains(word: $0, in: line.text) }
    }
  }

  /// Where the compiler's proof is switched off, a comment gives ours.
  static func unexplainedUnsafe(_ file: SourceText) -> [Violation] {
    file.lines.indices.compactMap { index in
      let code = Line(file.lines[index]).code
      guard let word = ["@unchecked Sendable", "nonisolated(unsafe)"].first(where: code.contains) else { return nil }
      let nearby = file.lines[max(0, index - 4)...index]
      guard !nearby.contains(where: { Line($0).hasComment }) else { return nil }
      return Violation(
        file,
        line: index,
        "\(word) without a // comment on the line or within four lines above that says why it is safe"
      )
    }
  }

  /// A path of the machine something was written on means nothing elsewhere.
  static func developmentPath(_ file: SourceText) -> [Violation] {
    file.lines.indices.compactMap { index in
      guard let path = ["/work/", "/root/", "/tmp/"].first(where: { begins($0, somewhereIn: file.lines[index]) }) else {
        return nil
      }
      return Violation(file, line: index, "\(path) is a path of one machine; derive it or take it as an argument")
    }
  }

  private static func violations(
    in file: SourceText,
    _ message: String,
    where isViolation: (Line) -> Bool
  ) -> [Violation] {
    file.lines.indices.filter { isViolation(Line(file.lines[$0])) }.map { Violation(file, line: $0, message) }
  }

  private static func contains(word: String, in text: String) -> Bool {
    text.ranges(of: word).contains { range in
      let before = range.lowerBound == text.startIndex ? nil : text[text.index(before: range.lowerBound)]
      let after = range.upperBound == text.endIndex ? nil : text[range.upperBound]
      return ![before, after].contains { $0.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false }
    }
  }

  /// Whether `path` stands at the beginning of an absolute path: `https://host/tmp/x` and `$HOME/work/x` are none.
  private static func begins(_ path: String, somewhereIn text: String) -> Bool {
    text.ranges(of: path).contains { range in
      guard range.lowerBound > text.startIndex else { return true }
      let before = text[text.index(before: range.lowerBound)]
      return !(before.isLetter || before.isNumber || "_-.~/})*".contains(before))
    }
  }
}

/// One line, cut at its comment. Approximate: a comment begins with `//` at the start or after a space, which inside a
/// string literal is rare enough.
struct Line {
  let text: String
  let code: Substring

  init(_ text: String) {
    self.text = text
    let comment = text.ranges(of: "//").first {
      $0.lowerBound == text.startIndex || text[text.index(before: $0.lowerBound)].isWhitespace
    }
    code = text[..<(comment?.lowerBound ?? text.endIndex)]
  }

  var hasComment: Bool { code.endIndex < text.endIndex }
}
