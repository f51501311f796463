import FetchModel
import HTTP1
import Testing

@Suite struct ProxiedRequestTests {
  private let account = "Proxy-Authorization: Basic bWU6c2VjcmV0\r\n"

  private func headers(_ pairs: [(String, String)]) throws -> [HeaderField] {
    try pairs.map { try #require(HeaderField($0.0, $0.1)) }
  }

  private func request(
    _ job: [(String, String)] = [],
    neverSent: DroppedHeaders = [],
    prefix: String = "",
    proxyFields: String = "",
    row: [(String, String)] = [],
    without dropped: DroppedHeaders = []
  ) throws -> String {
    let template = RequestTemplate(headers: try headers(job), neverSent: neverSent)
    var output: [UInt8] = []
    template.encode(
      method: .post,
      targetPrefix: octets(prefix),
      target: octets("/x?y"),
      host: octets("example.org:8080"),
      proxyFields: octets(proxyFields),
      rowHeaders: try headers(row),
      body: octets("hello"),
      without: dropped,
      into: &output
    )
    return text(output)
  }

  @Test func `a prefix makes the target one in absolute form`() throws {
    let expected = "POST http://example.org:8080/x?y HTTP/1.1\r\nHost: example.org:8080\r\nA: b\r\n"
    let request = try request([("A", "b")], prefix: "http://example.org:8080")
    #expect(request == expected + "Content-Length: 5\r\n\r\nhello")
  }

  @Test func `fields for the proxy stand before the caller's, whatever else is asked for`() throws {
    let head = "POST /x?y HTTP/1.1\r\nHost: example.org:8080\r\n" + account
    #expect(try request([("A", "b")], proxyFields: account).hasPrefix(head + "A: b\r\nContent-Length"))
    #expect(try request([("A", "b")], proxyFields: account, row: [("C", "d")]).hasPrefix(head + "A: b\r\nC: d\r\n"))
    let all: DroppedHeaders = [.credentials, .content, .proxyCredentials]
    #expect(try request([("A", "b")], proxyFields: account, without: all).hasPrefix(head + "A: b\r\nContent-Length"))
  }

  @Test func `a caller's Host goes into the field and not into the target`() throws {
    let request = try request([("Host", "other.org")], prefix: "http://example.org:8080", proxyFields: account)
    let head = "POST http://example.org:8080/x?y HTTP/1.1\r\nHost: other.org\r\n"
    #expect(request.hasPrefix(head + account + "Content-Length"))
  }

  @Test func `what is never sent is left out of the job's headers and of a row's`() throws {
    let job = [("Proxy-Authorization", "one"), ("A", "b")]
    let head = "POST /x?y HTTP/1.1\r\nHost: example.org:8080\r\nA: b\r\n"
    #expect(try request(job, neverSent: .proxyCredentials) == head + "Content-Length: 5\r\n\r\nhello")
    let row = [("C", "d"), ("proxy-authorization", "two")]
    let withRow = try request(job, neverSent: .proxyCredentials, row: row)
    #expect(withRow == head + "C: d\r\nContent-Length: 5\r\n\r\nhello")
    let both = try request(job, neverSent: .proxyCredentials, proxyFields: account, row: row, without: .credentials)
    #expect(both == head.replacing("A: b", with: account + "A: b") + "C: d\r\nContent-Length: 5\r\n\r\nhello")
    #expect(try request(job).contains("Proxy-Authorization: one\r\n"))
  }
}
