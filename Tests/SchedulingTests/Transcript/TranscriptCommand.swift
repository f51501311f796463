import FetchModel

/// One command: a verb, words, options (`key=value`) and instants (`at 5 ms`). Whoever carries it out takes from it
/// what it knows; what is left then is an error.
struct TranscriptCommand {
  private static let prepositions: Set<Substring> = ["at", "to", "every", "for", "stamp", "after"]

  let line: String
  let verb: String
  private var words: [String] = []
  private var options: [(key: String, value: String)] = []
  private var times: [String: UInt64] = [:]

  /// nil: there is only a comment.
  init?(_ line: String) throws(TranscriptError) {
    self.line = line
    var tokens = line.split(separator: " ")
    if let comment = tokens.firstIndex(where: { $0.hasPrefix("#") }) { tokens.removeSubrange(comment...) }
    guard let verb = tokens.first else { return nil }
    self.verb = String(verb)
    var position = 1
    while position < tokens.count {
      let token = tokens[position]
      if Self.prepositions.contains(token) {
        guard position + 2 < tokens.count, tokens[position + 2] == "ms", let number = UInt64(tokens[position + 1])
        else {
          throw error("`\(token)` is followed by milliseconds, as in `\(token) 5 ms`")
        }
        guard times.updateValue(number, forKey: String(token)) == nil else { throw error("`\(token)` twice") }
        position += 3
        continue
      }
      if let equals = token.firstIndex(of: "=") {
        options.append((String(token[..<equals]), String(token[token.index(after: equals)...])))
      } else {
        words.append(String(token))
      }
      position += 1
    }
  }

  func error(_ problem: String) -> TranscriptError { TranscriptError("`\(line)`: \(problem)") }

  func checkUsed() throws(TranscriptError) {
    guard words.isEmpty, options.isEmpty, times.isEmpty else {
      let left = words + options.map { "\($0.key)=\($0.value)" } + times.keys.sorted()
      throw error("nobody knows what to do with \(left.joined(separator: ", "))")
    }
  }

  // MARK: What it holds

  var hasWords: Bool { !words.isEmpty }

  mutating func word(_ meaning: String) throws(TranscriptError) -> String {
    guard !words.isEmpty else { throw error("\(meaning) is missing") }
    return words.removeFirst()
  }

  /// Takes a word that may be there.
  mutating func has(_ word: String) -> Bool {
    guard let index = words.firstIndex(of: word) else { return false }
    words.remove(at: index)
    return true
  }

  mutating func remainingWords() -> [String] {
    defer { words = [] }
    return words
  }

  mutating func remainingOptions() -> [(key: String, value: String)] {
    defer { options = [] }
    return options
  }

  mutating func option(_ key: String) -> String? {
    guard let index = options.firstIndex(where: { $0.key == key }) else { return nil }
    return options.remove(at: index).value
  }

  mutating func number<Number: FixedWidthInteger>(_ key: String, or standard: Number) throws(TranscriptError) -> Number
  {
    guard let text = option(key) else { return standard }
    guard let number = Number(text) else { throw error("\(key)=\(text) is no number") }
    return number
  }

  /// Milliseconds after a preposition.
  mutating func time(_ preposition: String) -> UInt64? { times.removeValue(forKey: preposition) }

  // MARK: Rows

  /// `3`, `4-7` and the like.
  func rows(_ words: [String]) throws(TranscriptError) -> [UInt64] {
    var seqs: [UInt64] = []
    for word in words {
      let ends = word.split(separator: "-", omittingEmptySubsequences: false)
      guard ends.count <= 2, let first = UInt64(ends[0]), let last = UInt64(ends[ends.count - 1]), first <= last else {
        throw error("\(word) is no row")
      }
      seqs += first...last
    }
    return seqs
  }

  /// `a`, or `a1..a50` for fifty names.
  func names(_ word: String) throws(TranscriptError) -> [String] {
    guard let dots = word.firstRange(of: "..") else { return [word] }
    let (from, to) = (word[..<dots.lowerBound], word[dots.upperBound...])
    let stem = from.prefix { !$0.isNumber }
    guard to.hasPrefix(stem), let first = Int(from.dropFirst(stem.count)), let last = Int(to.dropFirst(stem.count)),
      first <= last
    else { throw error("\(word) is no row of names") }
    return (first...last).map { "\(stem)\($0)" }
  }
}

extension TranscriptCommand {
  /// A failure by the name that records have for it.
  func failure(_ name: String) throws(TranscriptError) -> FailureCode {
    guard let code = FailureCode.allCases.first(where: { "\($0.name)" == name }) else {
      throw error("\(name) is no failure")
    }
    return code
  }
}

/// Numbers in order as a person writes them: `0-3 7`.
func ranges(_ seqs: [UInt64]) -> String {
  var runs: [(first: UInt64, last: UInt64)] = []
  for seq in seqs {
    if let run = runs.last, run.last + 1 == seq {
      runs[runs.count - 1].last = seq
    } else {
      runs.append((seq, seq))
    }
  }
  return runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(separator: " ")
}
