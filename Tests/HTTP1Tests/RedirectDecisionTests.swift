import FetchModel
import HTTP1
import Testing

@Suite struct RedirectDecisionTests {
  struct Row: Sendable {
    var status: Int
    var method: RequestMethod
    var next: RequestMethod
    var resends = false
    var drops = false
  }

  /// RFC 9110 section 15.4 and what clients do; POST and PUT have a body, the others none.
  static let table: [Row] = [
    Row(status: 301, method: .get, next: .get), Row(status: 301, method: .head, next: .head),
    Row(status: 301, method: .post, next: .get, drops: true),
    Row(status: 301, method: .put, next: .put, resends: true), Row(status: 301, method: .delete, next: .delete),
    Row(status: 302, method: .get, next: .get), Row(status: 302, method: .head, next: .head),
    Row(status: 302, method: .post, next: .get, drops: true),
    Row(status: 302, method: .put, next: .put, resends: true), Row(status: 302, method: .delete, next: .delete),
    Row(status: 303, method: .get, next: .get), Row(status: 303, method: .head, next: .head),
    Row(status: 303, method: .post, next: .get, drops: true), Row(status: 303, method: .put, next: .get, drops: true),
    Row(status: 303, method: .delete, next: .get, drops: true),
    Row(status: 307, method: .get, next: .get), Row(status: 307, method: .head, next: .head),
    Row(status: 307, method: .post, next: .post, resends: true),
    Row(status: 307, method: .put, next: .put, resends: true), Row(status: 307, method: .delete, next: .delete),
    Row(status: 308, method: .get, next: .get), Row(status: 308, method: .head, next: .head),
    Row(status: 308, method: .post, next: .post, resends: true),
    Row(status: 308, method: .put, next: .put, resends: true), Row(status: 308, method: .delete, next: .delete),
  ]

  @Test(arguments: table)
  func `a redirect keeps or changes the method as the table says`(_ row: Row) {
    let hasBody = row.method == .post || row.method == .put
    let expected = RedirectDecision.follow(method: row.next, resendsBody: row.resends, dropsContentFields: row.drops)
    #expect(RedirectDecision(status: row.status, method: row.method, hasBody: hasBody) == expected)
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
