import Glibc
import OriginServer
import Testing

@Suite struct `running origin` {
  /// Sends `request` to a port of this host and returns all bytes until the server closes.
  private func exchange(_ request: String, port: UInt16) throws -> String {
    try exchange([Array(request.utf8)], port: port)
  }

  /// Sends each piece on its own, and nothing after them if `ends`.
  private func exchange(_ pieces: [[UInt8]], ends: Bool = false, port: UInt16) throws -> String {
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    try #require(client >= 0)
    defer { close(client) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(client, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(status == 0)
    var one: Int32 = 1
    setsockopt(client, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
    for piece in pieces { try #require(write(client, piece, piece.count) == piece.count) }
    if ends { shutdown(client, Int32(SHUT_WR)) }
    var answer: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4096)
    while true {
      var entry = pollfd(fd: client, events: Int16(POLLIN), revents: 0)
      try #require(poll(&entry, 1, 10_000) == 1)
      let count = read(client, &piece, piece.count)
      if count <= 0 { return String(decoding: answer, as: UTF8.self) }
      answer += piece.prefix(count)
    }
  }

  @Test func `serves fixed and chunked bodies over one kept-alive connection and stops`() throws {
    let server = try OriginServer(OriginOptions())
    defer { server.stop() }
    let port = try #require(server.ports[.http])
    let answer = try exchange(
      "GET /fixed/10 HTTP/1.1\r\nHost: x\r\n\r\n"
        + "GET /chunked/10?size=4 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      port: port
    )
    func text(_ path: String, _ range: Range<Int>) -> String {
      var bytes: [UInt8] = []
      DeterministicBody(text: path).append(range, to: &bytes)
      return String(decoding: bytes, as: UTF8.self)
    }
    let chunks = [0..<4, 4..<8, 8..<10].map { "\($0.count)\r\n\(text("/chunked/10", $0))\r\n" }.joined()
    #expect(
      answer == """
        HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 10\r\n\r\n\
        \(text("/fixed/10", 0..<10))\
        HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nTransfer-Encoding: chunked\r\n\
        Connection: close\r\n\r\n\(chunks)0\r\n\r\n
        """
    )
    #expect(server.ports.count == ListenerKind.allCases.count)
    #expect(server.counters.json.hasPrefix(#"{"requests":2,"by_segment":{"fixed":1,"chunked":1},"#))
  }

  @Test func `waits for the whole of a hello, and no longer than its sender is there`() throws {
    let server = try OriginServer(OriginOptions())
    defer { server.stop() }
    let port = try #require(server.ports[.faults])
    // Plays without TLS; the hello holds no more than what is looked at (RFC 8446 section 4.1.2).
    let name = Array("send-6869.close.fault.test".utf8)
    let count = UInt8(name.count)
    let extensions = [0, 0, 0, count + 5, 0, count + 3, 0, 0, count] + name
    let body = [3, 3] + [UInt8](repeating: 7, count: 32) + [0, 0, 2, 0x13, 0x01, 1, 0, 0, count + 9] + extensions
    let message = [1, 0, 0, UInt8(body.count)] + body
    let hello = [22, 3, 1, 0, UInt8(message.count)] + message
    #expect(try exchange(hello.map { [$0] }, port: port) == "hi")
    // Whatever comes of half of it, it comes at once: `exchange` does not wait as long as the origin may.
    _ = try exchange([Array(hello.prefix(60))], ends: true, port: port)
  }
}
