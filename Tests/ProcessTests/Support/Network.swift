import Foundation
import Glibc

/// Plain TCP on this host, for tests that speak to a program directly.
final class Client {
  private let descriptor: Int32

  init(port: Int, number: UInt8 = 1) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Trouble("socket: errno \(errno)") }
    limitWaiting()
    let status = withLoopback(number: number, port: port) { connect(descriptor, $0, $1) }
    guard status == 0 else {
      let number = errno
      // The descriptor is closed by `deinit`: by now everything has its value.
      throw Trouble("cannot connect to port \(port): \(String(cString: strerror(number)))")
    }
  }

  /// The server's end of a connection.
  fileprivate init(accepting descriptor: Int32) {
    self.descriptor = descriptor
    limitWaiting()
  }

  private func limitWaiting() {
    var limit = timeval(tv_sec: Int(10 * patience), tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Trouble("write to a socket: errno \(errno)") }
      rest = rest.dropFirst(count)
    }
  }

  /// Some bytes; none at the end, or if nothing came for too long.
  func receive(atMost limit: Int = 65_536) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      count = max(0, read(descriptor, buffer.baseAddress, limit))
    }
  }

  /// Exactly so many bytes.
  func receive(exactly wanted: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < wanted {
      let part = receive(atMost: wanted - bytes.count)
      guard !part.isEmpty else { throw Trouble("\(bytes.count) of \(wanted) bytes came") }
      bytes += part
    }
    return bytes
  }
}

/// A server by hand, with room for no more than one connection that was not accepted: Linux drops the SYN of any
/// other, as a dead host would.
final class Listener {
  let port: Int
  private let descriptor: Int32

  /// On 127.0.0.`number`; port 0 is one of the kernel's choice.
  init(number: UInt8 = 1, port wanted: Int = 0) throws {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard made >= 0 else { throw Trouble("socket: errno \(errno)") }
    // Small, so that a large request does not fit into what nobody reads; inherited by connections.
    var room: Int32 = 8192
    setsockopt(made, SOL_SOCKET, SO_RCVBUF, &room, socklen_t(MemoryLayout<Int32>.size))
    // Connections of whoever listened there before may not be forgotten yet.
    var again: Int32 = 1
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &again, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withLoopback(number: number, port: wanted) { bind(made, $0, $1) } == 0
    let isNamed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(made, $0, &length) == 0 }
    }
    guard isBound, isNamed, listen(made, 0) == 0 else {
      let number = errno
      close(made)
      throw Trouble("cannot listen: \(String(cString: strerror(number)))")
    }
    descriptor = made
    port = Int(in_port_t(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }

  /// The next connection; throws if none comes.
  func accept(within seconds: Double = 10) throws -> Client {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    let isWanted = poll(&entry, 1, Int32(seconds * patience * 1000)) == 1
    guard isWanted else { throw Trouble("nobody connects to port \(port)") }
    let accepted = Glibc.accept(descriptor, nil, nil)
    guard accepted >= 0 else { throw Trouble("accept: errno \(errno)") }
    return Client(accepting: accepted)
  }

  /// Whether somebody tries to connect whose SYN is not answered.
  var isKnockedAt: Bool {
    // Not by FileManager, which takes the first page for the whole file.
    let table = (try? FileHandle(forReadingAtPath: "/proc/net/tcp")?.readToEnd()) ?? Data()
    let digits = String(port, radix: 16, uppercase: true)
    let suffix = ":" + String(repeating: "0", count: 4 - digits.count) + digits
    // Columns: number, local address, remote address, state; 02 is SYN_SENT (proc(5)).
    return String(decoding: table, as: UTF8.self).split(separator: "\n").contains { line in
      let columns = line.split(separator: " ")
      return columns.count > 3 && columns[2].hasSuffix(suffix) && columns[3] == "02"
    }
  }
}

/// Calls with the address of a port on 127.0.0.1, or on another address of that network.
private func withLoopback<T>(number: UInt8 = 1, port: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = in_port_t(port).bigEndian
  address.sin_addr.s_addr = (UInt32(0x7F00_0000) | UInt32(number)).bigEndian
  return withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
}

/// A TCP port that is held for as long as this lives.
final class HeldPort {
  let port: Int
  private let descriptor: Int32

  /// Below the range from which the kernel takes ports for outgoing connections and for port 0, so that nobody gets
  /// it by accident between its release and its use.
  init() throws {
    for _ in 0..<100 {
      let candidate = Int.random(in: 10_000..<32_000)
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard descriptor >= 0 else { throw Trouble("socket: errno \(errno)") }
      if withLoopback(port: candidate, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 {
        self.descriptor = descriptor
        port = candidate
        return
      }
      close(descriptor)
    }
    throw Trouble("no free TCP port was found")
  }

  deinit { close(descriptor) }

  /// A port that was free a moment ago.
  static func free() throws -> Int { try HeldPort().port }
}

/// The body of a response to a GET over plain HTTP.
func get(_ target: String, port: Int) throws -> String {
  let client = try Client(port: port)
  try client.send(Array("GET \(target) HTTP/1.1\r\nHost: localhost:\(port)\r\nConnection: close\r\n\r\n".utf8))
  var answer: [UInt8] = []
  while true {
    let part = client.receive()
    if part.isEmpty { break }
    answer += part
  }
  let text = String(decoding: answer, as: UTF8.self)
  guard let end = text.range(of: "\r\n\r\n") else { throw Trouble("no HTTP response to \(target): \(text)") }
  return String(text[end.upperBound...])
}
