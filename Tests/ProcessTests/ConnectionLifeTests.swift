import Foundation
import Testing

/// How long a connection lives, and what it carries meanwhile.
@Suite struct `A connection` {
  let sandbox: Sandbox
  let origin: Origin

  init() throws {
    sandbox = try Sandbox()
    origin = try Origin(in: sandbox)
  }

  @Test func `carries one request at a time`() throws {
    let rows = try (0..<40).map { try origin.url("/latency/2?row=\($0)") }
    let job = try sandbox.fetch(rows, ["--cacert", origin.authority, "--per-origin", "1"])
    try job.records(40).expectAllFetched()
    let counts = try origin.counts()
    #expect(counts.requestsInProgressMax == 1 && counts.listeners["https"]?.accepted == 1)
  }

  @Test func `is used again behind a short body of a redirect and not behind a long one`() throws {
    // The client reads 64 KiB of it for the connection's sake.
    for (kibibytes, connections) in [(60, 1), (80, 2)] {
      let origin = try Origin(in: sandbox)
      let head = "HTTP/1.1 302 Found\r\nLocation: /fixed/7\r\nContent-Length: \(kibibytes * 1024)\r\n\r\n"
      let body = "again-\(kibibytes)-" + String(repeating: "62", count: 1024)
      let url = try origin.url("/play/send-\(head.hexadecimal)/\(body)/open", "http")
      #expect(try sandbox.fetch([url], ["-L", "--retry", "0"]).records(1)[0].gist == "200 7")
      // And the one that asks.
      #expect(try origin.counts().listeners["http"]?.accepted == connections + 1)
    }
  }

  @Test func `goes to no proxy that the environment names`() throws {
    let proxies = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy"].map { "\($0)=http://127.0.0.1:1" }
    let list = try sandbox.list([try origin.url("/fixed/7"), try origin.url("/fixed/7", "http")])
    let arguments = ["local", list, "-o", "proxied", "--agents", "1", "--cacert", origin.authority, "--retry", "0"]
    let program = try sandbox.start(
      "env",
      at: "/usr/bin/env",
      ["-u", "NO_PROXY"] + proxies + [try Sandbox.builtProgram("coordinator")] + arguments
    )
    let ending = try program.wait(within: 30)
    try Job(ending: ending, program: program, directory: "\(sandbox.path)/proxied").records(2).expectAllFetched()
  }

  @Test func `rests no longer than its server has announced`() throws {
    let response = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nKeep-Alive: max=9, timeout=4\r\n\r\n"
    let target = "/play/send-\(response.hexadecimal)/open"
    let job = try sandbox.startLocal(input: "-", ["--cacert", origin.authority], agents: 1, pipe: true)
    try job.program.send(try origin.url(target) + "\n")
    let made = Date()
    try waitUntil("the connection is made") { try origin.counts().listeners["https"]?.accepted == 1 }
    // A second less than announced; without the field it would rest for 15 s.
    try waitUntil("the connection is closed", within: 10) { try origin.counts().listeners["https"]?.open == 0 }
    #expect(Date().timeIntervalSince(made) > 2)
    job.program.closeInput()
    #expect(try job.wait().records(1)[0].gist == "200 0")
  }
}
