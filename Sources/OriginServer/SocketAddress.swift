// An address to listen on, and the listening sockets made from it.

import COriginShims
import Glibc

/// A host and a port as given on the command line: `127.0.0.1:0`, `[::1]:8443`, `localhost:443`.
package struct SocketAddress: Equatable, Sendable, CustomStringConvertible {
  package var host: String
  package var port: UInt16

  package init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  package init(_ text: String) throws(OriginError) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
      throw .badAddress(text)
    }
    var host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      throw .badAddress(text)
    }
    guard !host.isEmpty else { throw .badAddress(text) }
    self.init(host: String(host), port: port)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// A bound TCP socket, not blocking; whoever holds the value closes it.
struct BoundSocket {
  var descriptor: Int32
  var port: UInt16

  /// Binds; listens too if `backlog` is given.
  static func bind(_ address: SocketAddress, backlog: Int32?) throws(OriginError) -> BoundSocket {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV
    var found: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address.host, String(address.port), &hints, &found) == 0, let found else {
      throw .badAddress(address.description)
    }
    defer { freeaddrinfo(found) }
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let descriptor = socket(found.pointee.ai_family, type, 0)
    guard descriptor >= 0 else { throw .lastErrno("socket", address.description) }
    do throws(OriginError) {
      setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, Int32(1))
      guard Glibc.bind(descriptor, found.pointee.ai_addr, found.pointee.ai_addrlen) == 0 else {
        throw .lastErrno("bind", address.description)
      }
      if let backlog {
        guard Glibc.listen(descriptor, backlog) == 0 else { throw .lastErrno("listen", address.description) }
      }
      return BoundSocket(descriptor: descriptor, port: try boundPort(descriptor))
    } catch {
      close(descriptor)
      throw error
    }
  }

  /// Connects to this socket `count` times without waiting, so that a backlog that nobody empties is full.
  func fillBacklog(count: Int) throws(OriginError) -> [Int32] {
    var mine: [Int32] = []
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withSockaddr(&address) { getsockname(descriptor, $0, &length) }
    guard status == 0 else { throw .lastErrno("getsockname") }
    let type = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    for _ in 0..<count {
      let client = socket(Int32(address.ss_family), type, 0)
      guard client >= 0 else { break }
      mine.append(client)
      _ = withSockaddr(&address) { connect(client, $0, length) }
    }
    return mine
  }

  private static func boundPort(_ descriptor: Int32) throws(OriginError) -> UInt16 {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    guard withSockaddr(&address, { getsockname(descriptor, $0, &length) }) == 0 else {
      throw .lastErrno("getsockname")
    }
    // The port lies at the same place in the IPv4 and the IPv6 form.
    let port = withUnsafeBytes(of: &address) { $0.load(fromByteOffset: 2, as: UInt16.self) }
    return UInt16(bigEndian: port)
  }
}

/// Lends `address` as the type the socket calls take.
private func withSockaddr<R>(
  _ address: inout sockaddr_storage,
  _ body: (UnsafeMutablePointer<sockaddr>) -> R
) -> R {
  withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
  }
}

/// Sets a socket option; a failure only costs speed or convenience, so it is ignored.
func setOption<Value: BitwiseCopyable>(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Value) {
  withUnsafeBytes(of: value) {
    _ = setsockopt(descriptor, level, name, $0.baseAddress, socklen_t($0.count))
  }
}
