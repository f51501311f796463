import Glibc
import PosixIO

/// A UDP and a TCP socket on one port of 127.0.0.1, neither blocking.
struct ServerSockets: ~Copyable {
  private let datagrams: Descriptor
  private let listener: Descriptor
  let port: UInt16

  /// `port` 0: one that is free for both.
  init(port: UInt16) throws {
    for _ in 0..<100 {
      let datagrams = try Self.bound(SOCK_DGRAM, port)
      let chosen = Self.port(of: datagrams.rawValue)
      do {
        let listener = try Self.bound(SOCK_STREAM, chosen)
        guard listen(listener.rawValue, 128) == 0 else { throw SystemError("listen") }
        // A burst of questions must not be lost here.
        var size: Int32 = 4 << 20
        setsockopt(datagrams.rawValue, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        self.datagrams = datagrams
        self.listener = listener
        self.port = chosen
        return
      } catch let error as SystemError where error.number == EADDRINUSE && port == 0 {
        continue
      }
    }
    throw SystemError("bind", number: EADDRINUSE)
  }

  consuming func release() -> (datagrams: Int32, listener: Int32) {
    (datagrams.release(), listener.release())
  }

  static func bound(_ kind: __socket_type, _ port: UInt16) throws -> Descriptor {
    let flags = Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let raw = socket(AF_INET, Int32(kind.rawValue) | flags, 0)
    guard raw >= 0 else { throw SystemError("socket") }
    let descriptor = Descriptor(owning: raw)
    if kind == SOCK_STREAM {
      var on: Int32 = 1
      setsockopt(raw, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    }
    let status = withLoopback(port: port) { bind(raw, $0, $1) }
    guard status == 0 else { throw SystemError("bind") }
    return descriptor
  }

  static func withLoopback(port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var entry = sockaddr_in()
    entry.sin_family = sa_family_t(AF_INET)
    entry.sin_port = port.bigEndian
    entry.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return withUnsafePointer(to: &entry) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }

  private static func port(of descriptor: Int32) -> UInt16 {
    var entry = sockaddr_in()
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &entry) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
    }
    return UInt16(bigEndian: entry.sin_port)
  }
}

/// Keeps a port of 127.0.0.1 from others while no server has it; whoever asks there is refused all the same. A listener
/// that does not listen is none, and a datagram socket with a peer takes nothing from others (udp(7)).
package struct PortHold: ~Copyable {
  private let datagrams: Descriptor
  private let listener: Descriptor

  package init(port: UInt16) throws {
    let datagrams = try ServerSockets.bound(SOCK_DGRAM, port)
    let listener = try ServerSockets.bound(SOCK_STREAM, port)
    // Discard, RFC 863; nothing is sent there.
    let status = ServerSockets.withLoopback(port: 9) { connect(datagrams.rawValue, $0, $1) }
    guard status == 0 else { throw SystemError("connect") }
    self.datagrams = datagrams
    self.listener = listener
  }

  /// Frees the port.
  package consuming func release() {}
}
