/// A peer that has shown to own a key and wants to be let in.
package struct AuthenticationRequest: Equatable, Sendable {
  /// Without a port; empty if libzmq does not know it.
  package let address: String
  /// nil if it was not CURVE that the peer has spoken.
  package let key: CurvePublicKey?

  package init(address: String, key: CurvePublicKey?) {
    self.address = address
    self.key = key
  }
}

/// What is answered.
package enum AuthenticationVerdict: Equatable, Sendable {
  /// The peer's key is its user id from now on (`Sender`).
  case allowed
  case denied
}

/// Where libzmq asks whether a peer may connect (ZAP, rfc.zeromq.org/spec/27): one place in a context, which has to be
/// there before a socket with `Security.server` is bound. Belongs to the thread that made it.
package struct AuthenticationSocket: ~Copyable {
  private static let version = Array("1.0".utf8)

  private let socket: Socket
  /// Of the question that is to be answered.
  private var request: [UInt8] = []
  private var key: CurvePublicKey?

  package init(in context: Context) throws(ZeroMQError) {
    let socket = try Socket(.reply, in: context, .inside)
    try socket.bind(to: "inproc://zeromq.zap.01")
    self.socket = socket
  }

  /// The next question, if there is one; `answer` has to follow.
  package mutating func receive() throws(ZeroMQError) -> AuthenticationRequest? {
    while true {
      guard case .message(let frames) = try socket.receive() else { return nil }
      // Version, number, domain, address, routing id, mechanism, credentials.
      guard frames.count >= 6, frames[0] == Self.version else {
        // Nobody but libzmq asks, and it has to be answered something.
        request = frames.count > 1 ? frames[1] : []
        try answer(.denied)
        continue
      }
      request = frames[1]
      let isCurve = frames[5] == Array("CURVE".utf8) && frames.count == 7 && frames[2] == Security.domain
      key = isCurve ? CurvePublicKey(bytes: frames[6]) : nil
      return AuthenticationRequest(address: String(decoding: frames[3], as: UTF8.self), key: key)
    }
  }

  /// Answers the question that was received last.
  package mutating func answer(_ verdict: AuthenticationVerdict) throws(ZeroMQError) {
    var status = Array("400".utf8)
    var user: [UInt8] = []
    if case .allowed = verdict, let key {
      status = Array("200".utf8)
      user = key.characters
    }
    // Number, status, its text, user id, and no further properties.
    _ = try socket.send([Self.version, request, status, [], user, []])
    key = nil
  }

  /// Waits until there is a question, the monitor has something to say, one of the descriptors is readable, or the
  /// time is over.
  package func wait(
    orFor monitor: borrowing HandshakeMonitor,
    alsoFor descriptors: inout [WaitedDescriptor],
    milliseconds: Int
  ) throws(ZeroMQError) {
    _ = try Socket.poll([socket.handle, monitor.socket.handle], &descriptors, milliseconds)
  }
}
