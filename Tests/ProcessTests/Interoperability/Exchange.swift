import Foundation
import Testing

/// A row and what has to become of it.
struct Exchange {
  var row: String
  var status = 200
  /// Of the body, where the test knows it.
  var body: (count: Int, digest: String?)?
  var contentLength: Int?
  var redirects: Int?
  /// Phase and code.
  var failure: String?
  /// Whether the server has to end the connection after it.
  var endsConnection = false

  func check(_ record: Record, of version: String?, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(record.status == status, "\(record)", sourceLocation: sourceLocation)
    #expect(record.error.map { "\($0.phase)/\($0.code)" } == failure, "\(record)", sourceLocation: sourceLocation)
    #expect(record.attempts == 1 && record.redirects == redirects, "\(record)", sourceLocation: sourceLocation)
    #expect(record.truncated == nil && record.http != nil, "\(record)", sourceLocation: sourceLocation)
    #expect(record.tls?.version == version, "\(record)", sourceLocation: sourceLocation)
    if let body {
      #expect(record.bodyBytes == body.count, "\(record)", sourceLocation: sourceLocation)
      if let digest = body.digest {
        #expect(record.bodySha256 == digest, "\(record)", sourceLocation: sourceLocation)
      }
    }
    if let contentLength {
      #expect(record.contentLength == contentLength, "\(record)", sourceLocation: sourceLocation)
    }
  }
}

extension ForeignServer {
  /// Some hundred rows for one listener: pages of all sizes, and now and then whatever else the server can do.
  func exchanges(_ listener: Listener, _ validators: Validators) throws -> [Exchange] {
    let others = try others(listener, validators)
    return (0..<300).flatMap { number in
      let page: Page =
        switch number {
        case let number where number % 100 == 50: .large
        case let number where number % 10 == 5: .medium
        case let number where number % 3 == 0: .empty
        default: .small
        }
      let exchange = Exchange(row: url("/\(page.rawValue)?row=\(number)", listener), body: (page.count, page.digest))
      return number % 5 == 0 ? [exchange, others[number / 5 % others.count]] : [exchange]
    }
  }

  private func others(_ listener: Listener, _ validators: Validators) throws -> [Exchange] {
    let medium = (count: Page.medium.count, digest: Page.medium.digest as String?)
    let nothing = (count: 0, digest: nil as String?)
    let date = try #require(validators.lastModified)
    var all = [
      Exchange(row: try row("/100k", listener, method: "HEAD"), body: nothing, contentLength: Page.medium.count),
      Exchange(row: url("/missing", listener), status: 404, endsConnection: software.endsConnectionWithError),
      Exchange(row: try row("/1k", listener, ["If-Modified-Since": date]), status: 304, body: nothing),
      Exchange(row: url("/folder", listener), body: (Page.index.count, Page.index.digest), redirects: 1),
    ]
    if software.knowsEntityTags {
      let tag = try #require(validators.entityTag)
      all.append(Exchange(row: try row("/1k", listener, ["If-None-Match": tag]), status: 304, body: nothing))
    }
    if software.knowsRanges {
      let part = Digest.sha256(Page.medium.content[70_000..<70_100])
      let field = ["Range": "bytes=70000-70099"]
      all.append(Exchange(row: try row("/100k", listener, field), status: 206, body: (100, part), contentLength: 100))
    }
    all.append(Exchange(row: url("/no-content", listener), status: 204, body: nothing))
    if software.hasChunkedPage { all.append(Exchange(row: url("/chunked", listener), body: medium)) }
    if software.hasPageUntilClose {
      all.append(Exchange(row: url("/until-close", listener), body: medium, endsConnection: true))
    }
    all.append(try upload(listener, medium))
    return all
  }

  private func upload(_ listener: Listener, _ medium: (count: Int, digest: String?)) throws -> Exchange {
    let body = String(decoding: Page.medium.content, as: UTF8.self)
    switch software.upload {
    case .echo: return Exchange(row: try row("/echo", listener, method: "POST", body: body), body: medium)
    // nginx says 201 only if the file was not there.
    case .file: return Exchange(row: try row("/put/\(listener)", listener, method: "PUT", body: body), status: 204)
    }
  }

  private func row(
    _ target: String,
    _ listener: Listener,
    _ headers: [String: String] = [:],
    method: String = "GET",
    body: String? = nil
  ) throws -> String {
    var members: [String: Any] = ["url": url(target, listener), "method": method]
    if !headers.isEmpty { members["headers"] = headers }
    if let body { members["body"] = body }
    return String(decoding: try JSONSerialization.data(withJSONObject: members), as: UTF8.self)
  }
}
