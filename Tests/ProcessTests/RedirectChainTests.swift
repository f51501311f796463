import Foundation
import Testing

/// What a record says of the way that redirects took.
@Suite struct `A chain of redirects` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  private func redirect(to url: String) throws -> String {
    let encoded = url.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? url
    return try origin.url("/redirect-to?url=\(encoded)", "http")
  }

  @Test func `that is too long is in the message, over origins and without passwords`() throws {
    let start = try origin.url("/redirect/9", "http", host: "127.0.0.1")
    let withPassword = start.replacingOccurrences(of: "http://", with: "http://user:secret@")
    let row = try redirect(to: withPassword)
    let job = try sandbox.fetch([row], ["-L", "--max-redirs", "3"])
    let record = try job.records(1)[0]
    #expect(record.gist == "302 redirect/too_many_redirects")
    let hops = try [9, 8, 7, 6].map { try origin.url("/redirect/\($0)", "http", host: "127.0.0.1") }
    let chain = ([row] + hops).joined(separator: " -> ")
    #expect(record.error?.message.hasSuffix("more than 3 redirects: \(chain)") == true, "\(record)")
    #expect(record.finalUrl == hops[2])
  }

  @Test func `hands its fragment on and spells every host alike`() throws {
    let fullWidth = try origin.url("/redirect/2", "http", host: "\u{FF11}27\u{3002}0.0.1")
    let job = try sandbox.fetch([try redirect(to: fullWidth) + "#part", fullWidth], ["-L"])
    let records = try job.records(2)
    let last = try origin.url("/redirect/0", "http", host: "127.0.0.1")
    #expect(records.all.map(\.gist) == ["200 8", "200 8"])
    #expect(records.all.map(\.finalUrl) == [last + "#part", last])
    #expect(records.all.map(\.url)[1] == fullWidth)
  }

  @Test func `ends where a Location leads nowhere, to two places or back`() throws {
    let cases: [(target: String, locations: [String], gist: String)] = [
      ("/none", [], "302 0"), ("/empty", [""], "302 0"), ("/invalid", ["http://a b/"], "302 0"),
      ("/scheme", ["ftp://127.0.0.1/"], "302 0"), ("/control", ["/a\u{1}b"], "302 0"),
      ("/label", ["//xn--a/"], "302 0"),
      ("/two", ["/end", "/other"], "302 redirect/redirect_invalid"), ("/same", ["/end", "/end"], "200 2"),
      ("/circle", ["/circle#again"], "302 redirect/redirect_loop"), ("/beyond", ["/\u{E9}?\u{E9}"], "200 2"),
    ]
    let server = try Listener()
    let rows = cases.map { "http://127.0.0.1:\(server.port)\($0.target)" }
    let options = ["-L", "--per-origin", "1", "--retry", "0"]
    let running = try sandbox.startLocal(input: try sandbox.list(rows), options, agents: 1)
    var targets: [String] = []
    var connection = try server.accept(within: 20)
    // Two of the rows are followed to another place.
    while targets.count < cases.count + 2 {
      let request = String(decoding: connection.receive(), as: UTF8.self)
      guard !request.isEmpty else {
        connection = try server.accept(within: 20)
        continue
      }
      let target = request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
      targets.append(target)
      if let found = cases.first(where: { $0.target == target }) {
        let fields = found.locations.map { "Location: \($0)\r\n" }.joined()
        try connection.send(Array("HTTP/1.1 302 Found\r\n\(fields)Content-Length: 0\r\n\r\n".utf8))
      } else {
        try connection.send(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok".utf8))
      }
    }
    let records = try running.wait().records(cases.count)
    for (record, expected) in zip(records.all, cases) { #expect(record.gist == expected.gist, "\(record)") }
    #expect(targets.sorted() == (cases.map(\.target) + ["/end", "/%C3%A9?%C3%A9"]).sorted())
    let circle = "http://127.0.0.1:\(server.port)/circle"
    let message = try records[8].error?.message ?? ""
    #expect(message.hasSuffix("redirects in a circle: \(circle) -> \(circle)"), "\(message)")
  }
}
