/// One line of the input as a request.
///
/// A value is meant to be kept and parsed into again and again: its storage is reused from row to row. Coordinator
/// and agent both read lines with this type, the one for the origin only, the other for everything.
package struct RowRequest: Sendable {
  /// Has an empty host if the row is invalid.
  package internal(set) var url = HTTPURL()
  /// The URL as the input gave it, without JSON escapes; empty if none could be read. It may hold a password: the
  /// record must not show `HTTPURL.userinfo`, nor this text of a row that is no valid request without looking.
  package internal(set) var urlText: [UInt8] = []
  /// nil: the job's.
  package internal(set) var method: RequestMethod?
  /// In the row's order.
  package internal(set) var headers: [HeaderField] = []
  /// Limits the row to less than the job's `--max-time`; never 0. nil: the job's.
  package internal(set) var timeoutNanoseconds: UInt64?
  var storedBody = OptionalBytes()
  var storedID = OptionalBytes()
  var storedSNI = OptionalBytes()
  /// Keys, names and values while they are looked at.
  var scratch: [UInt8] = []

  /// The request's content; nil is not the same as empty.
  package var body: [UInt8]? { storedBody.value }
  /// What the record repeats: valid UTF-8, at most 256 bytes, perhaps empty.
  package var id: [UInt8]? { storedID.value }
  /// A host name in lower case without trailing dot, to be indicated instead of the URL's, whose host is verified all
  /// the same.
  package var sni: [UInt8]? { storedSNI.value }

  /// Puts `urlText` in the place of what `text` held, whose storage the next row is read into; `urlText` is empty until
  /// then.
  package mutating func exchangeURLText(for text: inout [UInt8]) {
    swap(&text, &urlText)
    urlText.reset()
  }

  /// The longest line that is read, without its line end.
  package static let maximumLineBytes = 1 << 20
  package static let maximumIDBytes = 256
  /// More than any server accepts by default; keeps the search for repeated names short.
  package static let maximumHeaderFields = 256
  /// Names, values and what stands around them, of all of a row's header fields; more than servers accept, too.
  package static let maximumHeaderBytes = 1 << 16

  /// A value to parse into.
  package init() {}

  /// Reads a line without its line end. A carriage return and ASCII white space around the request are no part of
  /// it. What then begins with "{" is JSON, anything else a URL.
  ///
  /// After a failure `urlText` and `id` hold what could be read of them and was valid, for the record; the rest is
  /// empty. Invalid JSON is reported before a fault of the request, and that before a fault of the URL.
  package mutating func parse(_ line: Span<UInt8>) throws(RowProblem) {
    reset()
    do throws(RowProblem) {
      let request = try Self.extent(of: line)
      if request.isEmpty || line[request.lowerBound] != UInt8(ascii: "{") {
        urlText.append(request, of: line)
        try readURL(line.extracting(request))
      } else {
        try readJSON(line.extracting(request))
        let text = urlText
        try readURL(text.span)
      }
    } catch {
      url = HTTPURL()
      method = nil
      headers.removeAll(keepingCapacity: true)
      timeoutNanoseconds = nil
      storedBody.remove()
      storedSNI.remove()
      throw error
    }
  }

  /// Reads of a line only the origin, into `url`; false if it has none. Agrees with `parse` on every line that
  /// `parse` accepts, and gives some lines that it refuses an origin too: the agent then finds what is wrong.
  package mutating func parseOrigin(_ line: Span<UInt8>) -> Bool {
    reset()
    do throws(RowProblem) {
      let request = try Self.extent(of: line)
      if request.isEmpty || line[request.lowerBound] != UInt8(ascii: "{") {
        try readOrigin(line.extracting(request))
      } else {
        try readJSONOrigin(line.extracting(request))
      }
      return true
    } catch {
      url = HTTPURL()
      return false
    }
  }

  mutating func readOrigin(_ bytes: Span<UInt8>) throws(RowProblem) {
    do throws(URLProblem) { try url.parseOrigin(bytes) } catch { throw .invalidURL(error) }
  }

  private mutating func readURL(_ bytes: Span<UInt8>) throws(RowProblem) {
    do throws(URLProblem) { try url.parse(bytes) } catch { throw .invalidURL(error) }
  }

  private mutating func reset() {
    urlText.reset()
    method = nil
    if !headers.isEmpty { headers.removeAll(keepingCapacity: true) }
    timeoutNanoseconds = nil
    storedBody.remove()
    storedID.remove()
    storedSNI.remove()
  }

  /// The line without white space at its ends.
  private static func extent(of line: Span<UInt8>) throws(RowProblem) -> Range<Int> {
    guard line.count <= maximumLineBytes else { throw .lineTooLong }
    let space = ByteSet.whiteSpace
    let start = space.firstNonMember(in: line, 0..<line.count)
    var end = line.count
    while end > start, space.contains(line[end - 1]) { end -= 1 }
    return start..<end
  }
}

/// Whether an input line is no row at all: only white space, or a "#" at its very beginning.
package func isSkippedLine(_ line: Span<UInt8>) -> Bool {
  if line.count > 0, line[0] == UInt8(ascii: "#") { return true }
  return ByteSet.whiteSpace.firstNonMember(in: line, 0..<line.count) == line.count
}
