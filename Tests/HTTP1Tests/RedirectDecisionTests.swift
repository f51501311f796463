import FetchModel
import HTTP1
import Testing

@Suite struct RedirectDecisionTests {
  /// RFC 9110 section 15.4 and what clients do.
  struct Row: Decodable, Sendable {
    var status: Int
    var method: String
    var next: String
    var resends: Bool
    var drops: Bool
  }

  static let table: [Row] = fixtures("redirect-methods")

  @Test func `the table is whole`() { #expect(Self.table.count == 25) }

  @Test(arguments: table)
  func `a redirect keeps or changes the method as the table says`(_ row: Row) throws {
    let method = try #require(RequestMethod(token: row.method.utf8))
    let next = try #require(RequestMethod(token: row.next.utf8))
    let hasBody = method == .post || method == .put
    let expected = RedirectDecision.follow(method: next, resendsBody: row.resends, dropsContentFields: row.drops)
    #expect(RedirectDecision(status: row.status, method: method, hasBody: hasBody) == expected)
  }

  @Test(arguments: [200, 204, 300, 304, 305, 306, 309, 399, 400, 500])
  func `other statuses are final`(status: Int) {
    #expect(RedirectDecision(status: status, method: .get, hasBody: false) == .final)
  }

  @Test func `a see-other never sends a body on, not even of a GET`() {
    let decision = RedirectDecision(status: 303, method: .get, hasBody: true)
    #expect(decision == .follow(method: .get, resendsBody: false, dropsContentFields: true))
    let unknown = RedirectDecision(status: 303, method: .other(octets("PURGE")), hasBody: false)
    #expect(unknown == .follow(method: .get, resendsBody: false, dropsContentFields: true))
  }
}
