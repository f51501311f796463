import Foundation
import Testing

/// Collected responses through the real agent, however they are cut and ended.
@Suite struct `A collected response` {
  @Test func `is there in number`() throws {
    #expect(try RawResponse.all().count == 85)
  }

  @Test(arguments: Transport.allCases) func `is recorded as it is to be read`(on transport: Transport) throws {
    let sandbox = try Sandbox()
    let origin = try Origin(in: sandbox, transport == .tls12 ? ["--tls-max", "1.2"] : [])
    let played = try RawResponse.all().flatMap { response in response.ways(on: transport).map { (response, $0) } }
    let rows = try played.map { response, way in
      let url = try origin.url(response.target(way), transport == .plain ? "http" : "https")
      return #"{"url":"\#(url)","method":"\#(response.method)"}"#
    }
    let options = ["--retry", "0", "--body", "inline", "--include-headers", "--cacert", origin.authority]
    let records = try sandbox.fetch(rows, options).records(rows.count)
    for ((response, way), record) in zip(played, records.all) {
      expect(record, of: response, way, "\(response.id), \(way), over \(transport): \(record.gist)")
    }
    if transport != .plain {
      #expect(records.all.allSatisfy { $0.tls?.version == transport.rawValue })
    }
  }

  private func expect(_ record: Record, of response: RawResponse, _ way: RawResponse.Way, _ found: Comment) {
    let expected = response.expected(way)
    #expect(record.status == expected.status, found)
    #expect(record.error.map { "\($0.phase)/\($0.code)" } == expected.failure, found)
    #expect(record.attempts == 1, found)
    guard let status = expected.status else { return }
    let body = record.body.map { Data($0.utf8) } ?? record.bodyB64.flatMap { Data(base64Encoded: $0) } ?? Data()
    #expect(record.status == status && record.bodyBytes == body.count, found)
    #expect(record.bodySha256 == Digest.sha256(Array(body)), found)
    if expected.failure == nil {
      #expect(record.headers == response.headers, found)
      #expect(record.http == response.version, found)
      #expect(body == response.body, found)
    } else if let whole = response.body {
      // What came before the fault is still right.
      #expect(whole.starts(with: body), found)
    }
  }
}
