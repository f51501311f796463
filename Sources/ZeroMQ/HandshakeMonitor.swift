import CZeroMQ
import Glibc

/// A connection that did not get as far as messages.
package struct HandshakeFailure: Equatable, Sendable {
  package enum Cause: Equatable, Sendable {
    /// It hung up or let the time pass; a server with another key than the one expected looks like this to clients.
    case unfinished
    /// It speaks another mechanism (plaintext for one), or its messages cannot be opened: it expects another key.
    case protocolViolated
    /// It is not on the server's list; servers hear the same by the question that they have answered.
    case notAllowed
  }

  package let cause: Cause
  /// Without a port; nil if it is not known, as of one that was over before anybody looked.
  package let address: String?

  package init(_ cause: Cause, address: String?) {
    self.cause = cause
    self.address = address
  }
}

/// Reads what happens to a socket's connections (zmq_socket_monitor(3)). Belongs to the thread that made it, which may
/// be another one than the socket's.
///
/// The socket must be told to stop before this goes: what it reports to nobody would stop its I/O thread.
package struct HandshakeMonitor: ~Copyable {
  /// What a monitored socket is asked to report.
  static let events =
    ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH

  fileprivate enum Event {
    case accepted(Int32)
    case disconnected(Int32)
    case failed(HandshakeFailure.Cause)
    case other
  }

  let socket: Socket
  /// Addresses of open connections by their descriptors.
  private var addresses: [Int32: String] = [:]
  /// Those whose end may have been reported before their address was asked for.
  private var doubtful = Set<Int32>()
  /// A failure whose connection is told by the next event.
  private var pending: HandshakeFailure.Cause?

  /// `name`: what the socket was given.
  package init(of name: String, in context: Context) throws(ZeroMQError) {
    let socket = try Socket(.pair, in: context, .inside)
    try socket.connect(to: "inproc://\(name)")
    self.socket = socket
  }

  /// The next failure, if there is one.
  package mutating func next() throws(ZeroMQError) -> HandshakeFailure? {
    while case .message(let frames) = try socket.receive() {
      if let failure = take(Event(frames.first ?? [])) { return failure }
    }
    // A connection's end is reported before its descriptor is closed: none of these was when its address was asked for.
    doubtful.removeAll(keepingCapacity: true)
    return nil
  }

  /// Events name the socket's own end only. With one I/O thread, a connection's failure and its end follow each other.
  private mutating func take(_ event: Event) -> HandshakeFailure? {
    let failed = pending
    pending = nil
    switch event {
    case .accepted(let descriptor):
      // If it is closed by now, its number may be another's.
      addresses[descriptor] = peerAddress(of: descriptor)
      doubtful.insert(descriptor)
    case .disconnected(let descriptor):
      let address = addresses.removeValue(forKey: descriptor)
      let isCertain = doubtful.remove(descriptor) == nil
      if let failed { return HandshakeFailure(failed, address: isCertain ? address : nil) }
    case .failed(let cause): pending = cause
    case .other: break
    }
    return failed.map { HandshakeFailure($0, address: nil) }
  }
}

extension HandshakeMonitor.Event {
  /// 16 bits of event and 32 of value in the machine's order.
  fileprivate init(_ frame: [UInt8]) {
    guard frame.count == 6 else {
      self = .other
      return
    }
    let (event, value) = frame.withUnsafeBytes { bytes in
      (bytes.loadUnaligned(as: UInt16.self), bytes.loadUnaligned(fromByteOffset: 2, as: Int32.self))
    }
    switch Int32(event) {
    case ZMQ_EVENT_ACCEPTED: self = .accepted(value)
    case ZMQ_EVENT_DISCONNECTED: self = .disconnected(value)
    case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL: self = .failed(.unfinished)
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: self = .failed(.protocolViolated)
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH: self = .failed(.notAllowed)
    default: self = .other
    }
  }
}

/// Numeric, without the port; nil if the connection is no more or not one over IP.
private func peerAddress(of descriptor: Int32) -> String? {
  var storage = sockaddr_storage()
  var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
  var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
  let isFound = withUnsafeMutablePointer(to: &storage) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
      getpeername(descriptor, address, &length) == 0
        && (address.pointee.sa_family == AF_INET || address.pointee.sa_family == AF_INET6)
        && getnameinfo(address, length, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
    }
  }
  guard isFound else { return nil }
  return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}
