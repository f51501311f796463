import Foundation

/// A raw response collected from the tests of httparse, picohttpparser and h11, with what a strict reader makes of it;
/// the reader's own tests read the same file.
struct RawResponse: Decodable {
  enum Verdict: String, Decodable { case accept, reject, either }

  /// How it leaves the origin.
  struct Way: Hashable, CustomStringConvertible {
    /// A whole, or octet by octet.
    var isWhole: Bool
    /// The last word of its script.
    var end: String

    var description: String { "\(isWhole ? "whole" : "octet by octet"), then \(end)" }
  }

  var id: String
  var method: String
  var raw: Data
  var verdict: Verdict
  /// Points of policy that the case touches.
  var flags: [String]?
  /// `protocol` or `truncated`, where every reader must reject.
  var error: String?
  var status: Int?
  var version: String?
  var framing: String?
  var headers: [[String]]?
  var body: Data?

  static func all() throws -> [RawResponse] {
    struct File: Decodable { var cases: [RawResponse] }
    let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let data = try Data(contentsOf: tests.appending(path: "HTTP1Tests/Fixtures/responses.json"))
    return try JSONDecoder().decode(File.self, from: data).cases
  }

  func target(_ way: Way) -> String {
    let octets = raw.hexadecimal
    return Fault.play([way.isWhole ? "send-\(octets)" : "pieces-1-0-\(octets)", way.end])
  }

  /// Whether it can be told to be whole before the connection ends.
  private var isFramed: Bool { framing != "close" }

  /// All ways that say something of their own.
  func ways(on transport: Transport) -> [Way] {
    var ends = ["close"]
    if transport != .plain { ends.append("unclean") }
    if isAccepted, isFramed { ends.append("open") }
    return ends.flatMap { end in
      (hasSurplus ? [true] : [true, false]).map { Way(isWhole: $0, end: end) }
    }
  }

  /// Whether more follows than the message. If it comes late, and the connection is in use again by then, it is the
  /// beginning of the next response to any client.
  private var hasSurplus: Bool {
    guard framing == "chunked", let end = raw.firstRange(of: Data("\r\n0\r\n\r\n".utf8)) else { return false }
    return end.upperBound < raw.endIndex
  }

  /// Whether our policy takes it, where it ends cleanly.
  var isAccepted: Bool {
    switch verdict {
    case .accept: true
    case .reject: false
    case .either: !(flags ?? []).contains { Self.refused.contains($0) }
    }
  }

  /// Of what a reader may do either way.
  private static let refused: Set = ["bare-lf-header", "bare-lf-trailer", "leading-empty-line", "status-multi-ws"]

  /// What the record has to say; nil for the number of bytes of a body that breaks.
  func expected(_ way: Way) -> (status: Int?, failure: String?) {
    if isAccepted {
      return (status, way.end == "unclean" && !isFramed ? "body/closed_early" : nil)
    }
    let flags = flags ?? []
    let isCut = (error == "truncated" && !flags.contains("bare-lf-header")) || flags.contains("chunk-no-final-crlf")
    let code = isCut ? "closed_early" : "malformed_response"
    // Where the framing is known and is not the connection's, the head was fine.
    return framing == "chunked" ? (status, "body/\(code)") : (nil, "head/\(code)")
  }
}
