import CZeroMQ
import Glibc

/// A ZeroMQ socket; it belongs to the thread that made it and never leaves it (zmq_socket(3)).
///
/// Messages are arrays of frames. Would-block, an unroutable peer and the end of the context are outcomes.
package struct Socket: ~Copyable {
  package enum Kind {
    case router, dealer
    /// For talks with libzmq itself.
    case reply, pair

    fileprivate var rawValue: Int32 {
      switch self {
      case .router: ZMQ_ROUTER
      case .dealer: ZMQ_DEALER
      case .reply: ZMQ_REP
      case .pair: ZMQ_PAIR
      }
    }
  }

  /// The options that decide what is lost and what is bounded; none has a default.
  package struct Settings: Sendable {
    /// Messages that are kept per peer before would-block, in each direction.
    package var highWaterMark: Int32
    /// How long closing waits for unsent messages.
    package var lingerMilliseconds: Int32
    /// A peer that sends a longer frame is disconnected.
    package var maximumFrameBytes: Int64
    /// A connection that has not finished its handshake by then is closed.
    package var handshakeMilliseconds: Int32
    package var security: Security

    package init(
      highWaterMark: Int32,
      lingerMilliseconds: Int32,
      maximumFrameBytes: Int64,
      handshakeMilliseconds: Int32,
      security: Security
    ) {
      self.highWaterMark = highWaterMark
      self.lingerMilliseconds = lingerMilliseconds
      self.maximumFrameBytes = maximumFrameBytes
      self.handshakeMilliseconds = handshakeMilliseconds
      self.security = security
    }

    /// For talks with libzmq itself, whose threads must never wait for ours.
    static let inside = Settings(
      highWaterMark: 0,
      lingerMilliseconds: 0,
      maximumFrameBytes: -1,
      handshakeMilliseconds: 0,
      security: .plaintext
    )
  }

  /// Who a message is from, as far as the handshake has shown it. Its memory is used again for each message.
  ///
  /// A peer may name itself in its handshake by the same properties; libzmq keeps its own, which come first. Without
  /// keys it has none for the user, so that `user` means nothing on a socket in plaintext.
  package struct Sender: Sendable {
    /// The public key that the peer owns, as text; empty without one.
    package fileprivate(set) var user: [UInt8] = []
    /// Without a port; empty if there is none.
    package fileprivate(set) var address: [UInt8] = []

    package init() {}
  }

  package enum Receive { case message([[UInt8]]), tooManyFrames, wouldBlock, terminated }
  package enum Send { case sent, wouldBlock, unroutable }

  /// Longest message accepted, in frames.
  package static let maximumFrames = 8

  let handle: UnsafeMutableRawPointer
  // A message must not move while its data is used (zmq_msg_init(3)), so it lives on the heap; reused.
  private let message: UnsafeMutablePointer<zmq_msg_t>
  // Keeps the context alive for as long as the socket is.
  private let context: Context

  package init(_ kind: Kind, in context: Context, _ settings: Settings) throws(ZeroMQError) {
    let handle = try context.makeSocket(kind.rawValue)
    do throws(ZeroMQError) {
      try Self.set(handle, ZMQ_SNDHWM, settings.highWaterMark)
      try Self.set(handle, ZMQ_RCVHWM, settings.highWaterMark)
      try Self.set(handle, ZMQ_LINGER, settings.lingerMilliseconds)
      try Self.set(handle, ZMQ_MAXMSGSIZE, settings.maximumFrameBytes)
      try Self.set(handle, ZMQ_HANDSHAKE_IVL, settings.handshakeMilliseconds)
      // TCP sends again after ever longer pauses, so that a cut link that is healed would stay dead for as long again.
      // A connection on which nothing was acknowledged for the time of a lease is given up: its session is over.
      try Self.set(handle, ZMQ_TCP_MAXRT, Int32(10_000))
      switch kind {
      case .router:
        // Without it a message to a peer that is gone vanishes and counts as sent.
        try Self.set(handle, ZMQ_ROUTER_MANDATORY, Int32(1))
      case .dealer:
        // Nothing is queued for a coordinator that is not there.
        try Self.set(handle, ZMQ_IMMEDIATE, Int32(1))
        try Self.set(handle, ZMQ_IPV6, Int32(1))
        // For the same reason a new connection is tried anew, and not waited for.
        try Self.set(handle, ZMQ_CONNECT_TIMEOUT, Int32(3_000))
        try Self.set(handle, ZMQ_RECONNECT_IVL, Int32(50))
        try Self.set(handle, ZMQ_RECONNECT_IVL_MAX, Int32(2000))
      case .reply, .pair: break
      }
      try Self.set(handle, settings.security)
    } catch {
      zmq_close(handle)
      throw error
    }
    self.handle = handle
    self.context = context
    message = .allocate(capacity: 1)
    zmq_msg_init(message)
  }

  deinit {
    stopMonitoring()
    zmq_msg_close(message)
    message.deallocate()
    let status = zmq_close(handle)
    precondition(status == 0, "zmq_close failed")
  }

  package func bind(to endpoint: String) throws(ZeroMQError) {
    // Only for numeric IPv6: an IPv4 address would be bound, and shown, as a mapped one.
    try Self.set(handle, ZMQ_IPV6, Int32(endpoint.contains("[") ? 1 : 0))
    guard zmq_bind(handle, endpoint) == 0 else { throw ZeroMQError("zmq_bind") }
  }

  package func connect(to endpoint: String) throws(ZeroMQError) {
    guard zmq_connect(handle, endpoint) == 0 else { throw ZeroMQError("zmq_connect") }
  }

  /// Connects anew, after a handshake that the other side refused: libzmq gives such a connection up for good.
  package func reconnect(to endpoint: String) throws(ZeroMQError) {
    // It has forgotten the endpoint, or not (ENOENT); two connections there must never be.
    _ = zmq_disconnect(handle, endpoint)
    try connect(to: endpoint)
  }

  /// Reports what happens to connections to the `HandshakeMonitor` of that name; before there are any.
  package func startMonitoring(as name: String) throws(ZeroMQError) {
    guard zmq_socket_monitor(handle, "inproc://\(name)", HandshakeMonitor.events) == 0 else {
      throw ZeroMQError("zmq_socket_monitor")
    }
  }

  /// Reports nothing more.
  package func stopMonitoring() { _ = zmq_socket_monitor(handle, nil, 0) }

  /// What the last bind resolved to, with the port the kernel chose.
  package func lastEndpoint() throws(ZeroMQError) -> String {
    var buffer = [CChar](repeating: 0, count: 512)
    var length = buffer.count
    guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &buffer, &length) == 0 else { throw ZeroMQError("zmq_getsockopt") }
    return String(decoding: buffer.prefix(while: { $0 != 0 }).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// Sends all frames as one message, or none of them.
  package func send(_ frames: [[UInt8]]) throws(ZeroMQError) -> Send {
    precondition(!frames.isEmpty)
    for (index, frame) in frames.enumerated() {
      let more = index < frames.count - 1 ? ZMQ_SNDMORE : 0
      while zmq_send(handle, frame, frame.count, ZMQ_DONTWAIT | more) < 0 {
        switch zmq_errno() {
        case EINTR: continue
        // Only the first frame can be refused: a message is accepted or refused whole (zmq_send(3)).
        case EAGAIN: return .wouldBlock
        case EHOSTUNREACH: return .unroutable
        default: throw ZeroMQError("zmq_send")
        }
      }
    }
    return .sent
  }

  /// The next message, if one is there. One of more than `maximumFrames` is read to its end and dropped.
  package func receive() throws(ZeroMQError) -> Receive { try receive { _ in } }

  /// The same for a ROUTER, with who it is from.
  package func receive(noting sender: inout Sender) throws(ZeroMQError) -> Receive {
    // One look a message, which may be of hundreds of rows: all its frames came over the same connection.
    try receive { message in
      Self.property("User-Id", of: message, into: &sender.user)
      Self.property("Peer-Address", of: message, into: &sender.address)
    }
  }

  /// `look` sees the second frame: the first one of a ROUTER is of libzmq's own making, and may lack what is known.
  private func receive(_ look: (UnsafeMutablePointer<zmq_msg_t>) -> Void) throws(ZeroMQError) -> Receive {
    var frames: [[UInt8]] = []
    var isTooLong = false
    while true {
      let count = zmq_msg_recv(message, handle, ZMQ_DONTWAIT)
      if count < 0 {
        switch zmq_errno() {
        case EINTR: continue
        case EAGAIN: return .wouldBlock
        case ETERM: return .terminated
        default: throw ZeroMQError("zmq_msg_recv")
        }
      }
      if frames.count == 1 { look(message) }
      if frames.count < Self.maximumFrames {
        frames.append(Array(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: zmq_msg_size(message))))
      } else {
        isTooLong = true
      }
      if zmq_msg_more(message) == 0 { return isTooLong ? .tooManyFrames : .message(frames) }
    }
  }

  /// Waits until the socket or one of the descriptors is readable or the time is over. Returns whether the
  /// socket is, and sets the flag of each descriptor.
  package func wait(
    alsoFor descriptors: inout [WaitedDescriptor],
    milliseconds: Int
  ) throws(ZeroMQError) -> Bool {
    try Self.poll([handle], &descriptors, milliseconds)[0]
  }

  /// Returns which of the sockets are readable.
  static func poll(
    _ sockets: [UnsafeMutableRawPointer],
    _ descriptors: inout [WaitedDescriptor],
    _ milliseconds: Int
  ) throws(ZeroMQError) -> [Bool] {
    var items = [zmq_pollitem_t](repeating: zmq_pollitem_t(), count: sockets.count + descriptors.count)
    for (index, socket) in sockets.enumerated() { items[index].socket = socket }
    for (index, waited) in descriptors.enumerated() { items[sockets.count + index].fd = waited.descriptor }
    for index in items.indices { items[index].events = Int16(ZMQ_POLLIN) }
    let count = zmq_poll(&items, Int32(items.count), milliseconds)
    if count < 0, zmq_errno() != EINTR { throw ZeroMQError("zmq_poll") }
    for index in descriptors.indices {
      descriptors[index].isReady = count > 0 && items[sockets.count + index].revents != 0
    }
    return sockets.indices.map { count > 0 && items[$0].revents != 0 }
  }

  private static func property(
    _ name: String,
    of message: UnsafeMutablePointer<zmq_msg_t>,
    into text: inout [UInt8]
  ) {
    text.removeAll(keepingCapacity: true)
    guard let found = zmq_msg_gets(message, name) else { return }
    text.append(contentsOf: UnsafeRawBufferPointer(start: found, count: strlen(found)))
  }

  private static func set(_ handle: UnsafeMutableRawPointer, _ security: Security) throws(ZeroMQError) {
    switch security {
    case .plaintext: break
    case .server(let key):
      try set(handle, ZMQ_CURVE_SERVER, Int32(1))
      try set(handle, ZMQ_CURVE_SECRETKEY, bytes: key.characters)
      try set(handle, ZMQ_ZAP_DOMAIN, bytes: Security.domain)
      // Without it everybody gets in while nobody answers the questions.
      try set(handle, ZMQ_ZAP_ENFORCE_DOMAIN, Int32(1))
    case .client(let key, let server):
      try set(handle, ZMQ_CURVE_SERVERKEY, bytes: server.characters)
      try set(handle, ZMQ_CURVE_PUBLICKEY, bytes: key.publicKey().characters)
      try set(handle, ZMQ_CURVE_SECRETKEY, bytes: key.characters)
    }
  }

  private static func set(_ handle: UnsafeMutableRawPointer, _ option: Int32, bytes: [UInt8]) throws(ZeroMQError) {
    guard zmq_setsockopt(handle, option, bytes, bytes.count) == 0 else { throw ZeroMQError("zmq_setsockopt") }
  }

  private static func set<Value: BitwiseCopyable>(_ handle: UnsafeMutableRawPointer, _ option: Int32, _ value: Value)
    throws(ZeroMQError)
  {
    var value = value
    guard zmq_setsockopt(handle, option, &value, MemoryLayout<Value>.size) == 0 else {
      throw ZeroMQError("zmq_setsockopt")
    }
  }
}

/// A file descriptor that a socket's wait watches too.
package struct WaitedDescriptor {
  package let descriptor: Int32
  /// Whether the last wait found it readable or hung up.
  package var isReady = false

  package init(_ descriptor: Int32) { self.descriptor = descriptor }
}
