import FetchModel
import Foundation
import HTTP1
import Testing

/// Raw responses collected from the tests of httparse, picohttpparser and h11, with what a strict reader makes of
/// them.
struct Fixture: Decodable, CustomTestStringConvertible {
  enum Verdict: String, Decodable { case accept, reject, either }

  var id: String
  var method: String
  var raw: Data
  var end: StreamEnd
  var verdict: Verdict
  /// Points of policy that the case touches.
  var flags: [String]?
  /// `protocol` or `truncated`, where every reader must reject.
  var error: String?
  var status: Int?
  var version: String?
  var framing: String?
  var reason: Data?
  var headers: [[String]]?
  var body: Data?
  var trailers: [[String]]?
  var leftover: Int?
  var reuse: Bool?

  var testDescription: String { id }

  static let all: [Fixture] = {
    struct File: Decodable { var cases: [Fixture] }
    guard let url = Bundle.module.url(forResource: "responses", withExtension: "json", subdirectory: "Fixtures"),
      let data = try? Data(contentsOf: url),
      let file = try? JSONDecoder().decode(File.self, from: data)
    else { return [] }
    return file.cases
  }()
}

@Suite struct ResponseFixtureTests {
  @Test func `all fixtures are there`() {
    #expect(Fixture.all.count == 85)
  }

  @Test(arguments: Fixture.all)
  func `a collected response is read as expected, wherever it is cut`(_ fixture: Fixture) throws {
    let method = try #require(RequestMethod(token: fixture.method.utf8))
    let result = try read(Array(fixture.raw), end: fixture.end, method: method)

    switch fixture.verdict {
    case .accept: #expect(result.error == nil)
    case .reject: #expect(result.error != nil)
    case .either: break
    }
    if let error = result.error {
      expectErrorClass(error, of: fixture)
      // What was delivered before the fault must still be right.
      if let body = fixture.body { #expect(body.starts(with: result.body)) }
    } else {
      expectResponse(result, of: fixture)
    }
  }

  @Test(arguments: Fixture.all.filter { $0.verdict == .accept && $0.framing != "close" && $0.leftover == nil })
  func `the next response on the connection is not touched`(_ fixture: Fixture) throws {
    let next = octets("HTTP/1.1 204 No Content\r\nX-Next: yes\r\n\r\n")
    let stream = Array(fixture.raw) + next
    var reader = ResponseReader()
    let first = reader.transcript(of: [stream[...]], end: .keepOpen)
    #expect(first.isComplete && first.consumed == fixture.raw.count)
    #expect(first == reader.transcript(of: [fixture.raw.map { $0 }[...]], end: .keepOpen))

    let second = reader.transcript(of: [stream[first.consumed...]], end: .keepOpen)
    #expect(second.head?.status == 204)
    #expect(second.fields == [["X-Next", "yes"]])
    #expect(second.body.isEmpty && second.isReusable && second.consumed == next.count)
  }

  private func expectErrorClass(_ error: ResponseError, of fixture: Fixture) {
    // Where our policy refuses a lone LF, that comes before whatever the case is about.
    guard let expected = fixture.error, fixture.flags?.contains("bare-lf-header") != true else { return }
    switch error {
    case .malformed: #expect(expected == "protocol")
    case .closedEarly: #expect(expected == "truncated")
    case .headTooLarge, .closedBeforeResponse: Issue.record("\(error)")
    }
  }

  private func expectResponse(_ result: Transcript, of fixture: Fixture) {
    #expect(result.isComplete)
    #expect(result.head?.status == fixture.status)
    #expect(result.head.map { "1.\($0.minorVersion)" } == fixture.version)
    #expect(result.head.map(framingName) == fixture.framing)
    #expect(result.head.map { Data($0.bytes[$0.reason]) } == fixture.reason)
    #expect(result.fields == fixture.headers)
    #expect(Data(result.body) == fixture.body)
    #expect(result.trailers == fixture.trailers ?? [])
    let leftover = fixture.raw.count - result.consumed
    #expect(leftover == fixture.leftover ?? 0)
    #expect((result.isReusable && leftover == 0) == fixture.reuse)
  }

  private func framingName(_ head: ResponseHead) -> String {
    switch head.framing {
    case .none: "none"
    case .length: "length"
    case .chunked: "chunked"
    case .untilClose: "close"
    }
  }
}
