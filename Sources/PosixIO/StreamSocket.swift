import CLinux
import Glibc

extension SystemError {
  /// Whether it came of `StreamSocket.bind`: where a connection should leave from, not where it should lead.
  package var isOfBinding: Bool { call.description == "bind" || call.description == Self.bindingToDevice.description }

  static let bindingToDevice: StaticString = "setsockopt SO_BINDTODEVICE"
}

/// A non-blocking TCP socket of a client.
package struct StreamSocket: ~Copyable {
  package enum Connect { case connected, inProgress }

  /// One read or write: would-block and the end of the stream are outcomes, not errors.
  package enum Transfer: Equatable {
    case bytes(Int)
    case wouldBlock
    case ended
    case failed(errno: Int32)
  }

  private let descriptor: Descriptor

  package var rawValue: Int32 { descriptor.rawValue }

  /// Opens a socket: close-on-exec, non-blocking, no delay (tcp(7)).
  package init(family: SocketAddress.Family) throws(SystemError) {
    let domain = family == .ipv4 ? AF_INET : AF_INET6
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let raw = socket(domain, kind, 0)
    guard raw >= 0 else { throw SystemError("socket") }
    descriptor = Descriptor(owning: raw)
    var on: Int32 = 1
    _ = setsockopt(raw, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
  }

  /// Makes the connection leave from there. The port of an address is chosen by connect(2), which knows the other end:
  /// a port that is taken towards one target is free towards others (ip(7), IP_BIND_ADDRESS_NO_PORT).
  package func bind(to source: SocketSource) throws(SystemError) {
    switch source {
    case .device(let name):
      guard setsockopt(rawValue, SOL_SOCKET, SO_BINDTODEVICE, name, socklen_t(name.utf8.count)) == 0 else {
        throw SystemError(SystemError.bindingToDevice)
      }
    case .address(let address):
      var on: Int32 = 1
      // Without it there are fewer ports, and nothing else is different.
      let length = socklen_t(MemoryLayout<Int32>.size)
      _ = setsockopt(rawValue, Int32(IPPROTO_IP), IP_BIND_ADDRESS_NO_PORT, &on, length)
      let status = address.withSocketAddress { pointer, length in Glibc.bind(rawValue, pointer, length) }
      guard status == 0 else { throw SystemError("bind") }
    }
  }

  /// Starts to connect; `inProgress` ends with the socket being writable, then see `pendingError`.
  package func connect(to address: SocketAddress) throws(SystemError) -> Connect {
    let status = address.withSocketAddress { pointer, length in Glibc.connect(rawValue, pointer, length) }
    if status == 0 { return .connected }
    // connect(2): interrupted or not, the attempt goes on by itself.
    if errno == EINPROGRESS || errno == EINTR { return .inProgress }
    throw SystemError("connect")
  }

  /// Whether this host has an address of its own from which that one can be reached.
  package static func canReach(_ address: SocketAddress, from source: SocketSource?) throws(SystemError) -> Bool {
    try self.source(towards: address, from: source) != nil
  }

  /// The address of this host from which that one would be reached; nil if there is none. To connect a datagram socket
  /// sends nothing and finds out (udp(7)); it fails if there is none, not if ports have run out.
  package static func source(
    towards address: SocketAddress,
    from source: SocketSource? = nil
  ) throws(SystemError) -> SocketAddress? {
    let domain = address.family == .ipv4 ? AF_INET : AF_INET6
    let raw = socket(domain, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard raw >= 0 else { throw SystemError("socket") }
    let probe = Descriptor(owning: raw)
    if case .address(let own) = source {
      guard own.withSocketAddress({ pointer, length in Glibc.bind(raw, pointer, length) }) == 0 else { return nil }
    }
    let status = address.withSocketAddress { pointer, length in Glibc.connect(probe.rawValue, pointer, length) }
    guard status == 0 else { return nil }
    var entry = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &entry) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        getsockname(probe.rawValue, pointer, &length) == 0 ? SocketAddress(pointer, port: 0) : nil
      }
    }
  }

  /// The errno of the attempt to connect or of an asynchronous failure; 0 for none (SO_ERROR, socket(7)).
  package func pendingError() -> Int32 {
    var number: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(rawValue, SOL_SOCKET, SO_ERROR, &number, &length) == 0 else { return errno }
    return number
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
    let count = retryingInterrupted { Glibc.recv(rawValue, buffer.baseAddress, buffer.count, 0) }
    if count > 0 { return .bytes(count) }
    if count == 0 { return .ended }
    let number = errno
    return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(errno: number)
  }

  package func write(_ bytes: UnsafeRawBufferPointer) -> Transfer {
    let count = retryingInterrupted {
      Glibc.send(rawValue, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    }
    if count >= 0 { return .bytes(count) }
    let number = errno
    return number == EAGAIN || number == EWOULDBLOCK ? .wouldBlock : .failed(errno: number)
  }
}
