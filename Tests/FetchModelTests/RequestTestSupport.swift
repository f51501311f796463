import FetchModel

/// A URL that is known to be valid.
func url(_ text: String) throws(URLProblem) -> HTTPURL {
  var url = HTTPURL()
  try url.parse(Array(text.utf8).span)
  return url
}

/// What parsing a text as a URL comes to: its canonical text with fragment, or the problem.
func parsed(_ text: String) -> Result<String, URLProblem> {
  do throws(URLProblem) { return .success(try url(text).text) } catch { return .failure(error) }
}

/// The problem that parsing bytes ends in; nil if there is none.
func problem(of bytes: [UInt8]) -> URLProblem? {
  var url = HTTPURL()
  do throws(URLProblem) { try url.parse(bytes.span) } catch { return error }
  return nil
}

/// What parsing a line comes to.
func row(_ line: String) throws(RowProblem) -> RowRequest {
  var row = RowRequest()
  try row.parse(Array(line.utf8).span)
  return row
}

/// The row after its origin was read; nil if it has none. (The expectation macros cannot hold spans.)
func rowWithOrigin(_ line: String) -> RowRequest? {
  var row = RowRequest()
  let hasOrigin = row.parseOrigin(Array(line.utf8).span)
  return hasOrigin ? row : nil
}

func isSkipped(_ line: String) -> Bool { isSkippedLine(Array(line.utf8).span) }

extension HTTPURL {
  var text: String { shown { appendText(to: &$0, includingFragment: true) } }
  var originKey: String { shown { appendOriginKey(to: &$0) } }
  var hostField: String { shown { appendHostField(to: &$0) } }
}

extension [UInt8] {
  var string: String { String(decoding: self, as: UTF8.self) }
}

private func shown(_ fill: (inout [UInt8]) -> Void) -> String {
  var bytes: [UInt8] = []
  fill(&bytes)
  return bytes.string
}

/// A small generator whose sequence depends on the seed alone (splitmix64).
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
