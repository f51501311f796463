import Glibc
import Testing
import ZeroMQ

struct Trouble: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Waits until a condition holds; throws when the time is over.
func waitUntil(_ what: String, within seconds: Int = 60, _ condition: () throws -> Bool) throws {
  let end = time(nil) + seconds
  while try !condition() {
    guard time(nil) < end else { throw Trouble("waited \(seconds) s in vain: \(what)") }
    usleep(2_000)
  }
}

/// A ROUTER on a port of its own, and who comes to it. Everything is of one thread.
final class House {
  let context: Context
  let router: Socket
  let endpoint: String

  init(_ security: Security, handshakeMilliseconds: Int32 = 5_000) throws {
    let context = try Context(ioThreads: 1)
    let router = try Socket(.router, in: context, Self.settings(security, handshakeMilliseconds))
    try router.bind(to: "tcp://127.0.0.1:*")
    endpoint = try router.lastEndpoint()
    self.context = context
    self.router = router
  }

  private static func settings(_ security: Security, _ handshakeMilliseconds: Int32) -> Socket.Settings {
    Socket.Settings(
      highWaterMark: 100,
      lingerMilliseconds: 0,
      maximumFrameBytes: 1_000,
      handshakeMilliseconds: handshakeMilliseconds,
      security: security
    )
  }

  func desk() throws -> Desk { try Desk(in: context) }

  func watch() throws -> Watch {
    try router.startMonitoring(as: "router")
    return Watch(try HandshakeMonitor(of: "router", in: context)) { self.router.stopMonitoring() }
  }

  /// A DEALER that dials.
  func guest(_ security: Security) throws -> Guest {
    let guest = try Guest(Socket(.dealer, in: context, Self.settings(security, 5_000)), in: context)
    try guest.socket.connect(to: endpoint)
    return guest
  }

  /// Sends until something comes through; nil if `isOver` comes first. `meanwhile` runs again and again.
  func exchange(
    from guest: Guest,
    until isOver: () -> Bool = { false },
    _ meanwhile: () throws -> Void
  ) throws -> (frames: [[UInt8]], sender: Socket.Sender)? {
    var sender = Socket.Sender()
    var found: [[UInt8]]?
    var isSent = false
    try waitUntil("a message or the end") {
      try meanwhile()
      if !isSent, case .sent = try guest.socket.send([Array("hello".utf8)]) { isSent = true }
      var none: [WaitedDescriptor] = []
      // As the coordinator does: a message that was waited for comes by another way through libzmq.
      _ = try router.wait(alsoFor: &none, milliseconds: 1)
      if case .message(let frames) = try router.receive(noting: &sender) { found = frames }
      return found != nil || isOver()
    }
    return found.map { ($0, sender) }
  }
}

/// A dialling socket, watched.
final class Guest {
  let socket: Socket
  private var monitor: HandshakeMonitor

  init(_ socket: consuming Socket, in context: Context) throws {
    try socket.startMonitoring(as: "guest")
    let monitor = try HandshakeMonitor(of: "guest", in: context)
    self.socket = socket
    self.monitor = monitor
  }

  deinit { socket.stopMonitoring() }

  func next() throws -> HandshakeFailure? { try monitor.next() }
}

/// Watches a socket for as long as this lives: what is reported to nobody would hold up the I/O thread.
final class Watch {
  private var monitor: HandshakeMonitor
  private let stop: () -> Void

  init(_ monitor: consuming HandshakeMonitor, stop: @escaping () -> Void) {
    self.monitor = monitor
    self.stop = stop
  }

  deinit { stop() }

  func next() throws -> HandshakeFailure? { try monitor.next() }
}

/// Who answers for the ROUTER.
final class Desk {
  private var socket: AuthenticationSocket
  private(set) var asked: [AuthenticationRequest] = []

  init(in context: Context) throws { socket = try AuthenticationSocket(in: context) }

  func answerAll(_ verdict: (AuthenticationRequest) -> AuthenticationVerdict) throws {
    while let request = try socket.receive() {
      asked.append(request)
      try socket.answer(verdict(request))
    }
  }
}

/// Connects and says nothing.
final class SilentPeer {
  private let descriptor: Int32

  init(of endpoint: String) throws {
    guard let port = endpoint.split(separator: ":").last.flatMap({ UInt16($0) }) else { throw Trouble(endpoint) }
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard status == 0 else { throw Trouble("connect: errno \(errno)") }
  }

  deinit { close(descriptor) }
}
