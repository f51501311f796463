import Glibc

/// Two connected sockets that do not block, closed when it goes.
final class SocketPair {
  let client: Int32
  private(set) var server: Int32

  enum Family { case local, loopback }

  struct Trouble: Error { let call: String, number: Int32 }

  /// `bufferBytes`: what the kernel keeps on the way, rounded by it; nil for its own choice.
  init(_ family: Family = .local, bufferBytes: Int32? = nil) throws {
    // OpenSSL writes to sockets whose peer has gone; the programs ignore the signal, too.
    signal(SIGPIPE, SIG_IGN)
    switch family {
    case .local:
      var ends: [Int32] = [-1, -1]
      guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0 else { throw Self.trouble("socketpair") }
      (client, server) = (ends[0], ends[1])
    case .loopback: (client, server) = try Self.connectedOverLoopback()
    }
    for end in [client, server] {
      guard fcntl(end, F_SETFL, O_NONBLOCK) == 0 else { throw Self.trouble("fcntl") }
      if var bytes = bufferBytes {
        setsockopt(end, SOL_SOCKET, SO_SNDBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
        setsockopt(end, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<Int32>.size))
      }
    }
  }

  deinit {
    close(client)
    if server >= 0 { close(server) }
  }

  /// FIN, without a word of TLS.
  func closeServer() {
    close(server)
    server = -1
  }

  /// RST. Over loopback only.
  func resetByServer() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(server, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    closeServer()
  }

  /// What the server's end would read, and leaves where it is.
  var waitingForServer: Int {
    var scrap = [UInt8](repeating: 0, count: 64 * 1024)
    return max(0, recv(server, &scrap, scrap.count, Int32(MSG_PEEK)))
  }

  /// Fills the way to the server; how many bytes that took.
  func fillTowardsServer() -> Int {
    let scrap = [UInt8](repeating: 0, count: 1024)
    var count = 0
    while true {
      let written = write(client, scrap, scrap.count)
      guard written > 0 else { return count }
      count += written
    }
  }

  /// Takes so many bytes out at the server's end.
  func drainServer(_ count: Int) throws {
    var left = count
    var scrap = [UInt8](repeating: 0, count: 1024)
    while left > 0 {
      let taken = read(server, &scrap, min(left, scrap.count))
      guard taken > 0 else { throw Self.trouble("read") }
      left -= taken
    }
  }

  /// Bytes past any TLS.
  func sendByServer(_ bytes: [UInt8]) throws {
    guard write(server, bytes, bytes.count) == bytes.count else { throw Self.trouble("write") }
  }

  private static func trouble(_ call: String) -> Trouble { Trouble(call: call, number: errno) }

  private static func connectedOverLoopback() throws -> (Int32, Int32) {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    let client = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard listener >= 0, client >= 0 else { throw trouble("socket") }
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, address, &length) == 0
          && connect(client, address, length) == 0
      }
    }
    guard status else { throw trouble("connect") }
    let server = accept(listener, nil, nil)
    guard server >= 0 else { throw trouble("accept") }
    return (client, server)
  }
}
