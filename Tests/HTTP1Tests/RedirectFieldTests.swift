import FetchModel
import Foundation
import HTTP1
import Testing

private struct FixtureFile<Case: Decodable>: Decodable { var cases: [Case] }

/// The cases of a file among the fixtures; none if it is not there, so a test has to count them.
func fixtures<Case: Decodable>(_ name: String) -> [Case] {
  guard let url = Bundle.module.url(forResource: name, withExtension: "json", subdirectory: "Fixtures"),
    let data = try? Data(contentsOf: url),
    let file = try? JSONDecoder().decode(FixtureFile<Case>.self, from: data)
  else { return [] }
  return file.cases
}

/// Which of a caller's fields go along with a redirect.
@Suite struct RedirectFieldTests {
  struct Row: Decodable, Sendable {
    var header: String
    var from: String
    var to: String
    var keep: Bool
  }

  static let table: [Row] = fixtures("redirect-headers")

  private func url(_ text: String) throws -> HTTPURL {
    var url = HTTPURL()
    try url.parse(octets(text).span)
    return url
  }

  /// The state behind a redirect between two URLs.
  private func state(from: String, to: String, before: RedirectState? = nil, content: Bool = false) throws
    -> RedirectState
  {
    let kept = keepsCredentials(from: try url(from), to: try url(to))
    return RedirectState(
      url: octets(to),
      method: .get,
      dropsCredentials: before?.dropsCredentials == true || !kept,
      dropsContent: before?.dropsContent == true || content,
      hops: 1,
      spentMicroseconds: 0,
      visited: []
    )
  }

  private func request(job: [HeaderField], row: [HeaderField], after redirect: RedirectState?) -> String {
    var output: [UInt8] = []
    RequestTemplate(headers: job).encode(
      method: .get,
      target: octets("/"),
      host: octets("foo.test"),
      rowHeaders: row,
      body: nil,
      without: DroppedHeaders(after: redirect),
      into: &output
    )
    return text(output)
  }

  @Test func `the table is whole`() { #expect(Self.table.count == 54) }

  @Test(arguments: table)
  func `a field goes along as the table says, whether the job or the row has it`(_ row: Row) throws {
    let field = try #require(HeaderField(row.header, "value"))
    let loud = try #require(HeaderField(row.header.uppercased(), "value"))
    let redirect = try state(from: row.from, to: row.to)
    let line = "\r\n\(row.header): value\r\n"
    #expect(request(job: [field], row: [], after: nil).contains(line))
    #expect(request(job: [field], row: [], after: redirect).contains(line) == row.keep)
    #expect(request(job: [], row: [field], after: redirect).contains(line) == row.keep)
    #expect(request(job: [loud], row: [], after: redirect).contains("value") == row.keep)
  }

  @Test func `what was dropped is not sent on the way back`() throws {
    let fields = [try #require(HeaderField("Authorization", "value")), try #require(HeaderField("Cookie", "value"))]
    let away = try state(from: "https://foo.test/", to: "https://bar.test/")
    let back = try state(from: "https://bar.test/", to: "https://foo.test/", before: away)
    let further = try state(from: "https://foo.test/", to: "https://foo.test/x", before: back)
    for redirect in [away, back, further] {
      #expect(!request(job: fields, row: fields, after: redirect).contains("value"))
    }
  }

  @Test func `a body that is not sent again takes the fields about it along`() throws {
    let fields = [try #require(HeaderField("Content-Type", "value")), try #require(HeaderField("Accept", "kept"))]
    let redirect = try state(from: "https://foo.test/", to: "https://foo.test/x", content: true)
    let sent = request(job: fields, row: [], after: redirect)
    #expect(!sent.contains("value") && sent.contains("Accept: kept") && !sent.contains("Content-Length"))
  }
}
