// What the origin does on the wire in answer to one request, as a value: written by the script table, played by the
// connection's thread. Whatever a fault test needs must be expressible here, so that the player never decides.

/// One thing to do.
package enum Step: Equatable, Sendable {
  case send([UInt8])
  /// Bytes of a generated body.
  case body(DeterministicBody, Range<Int>)
  /// `count` bytes of a generated body in chunks of `size`, without the last chunk.
  case chunks(DeterministicBody, count: Int, size: Int)
  /// `count` bytes of a generated body, one at a time, each after `milliseconds`.
  case trickle(DeterministicBody, count: Int, milliseconds: Int)
  /// Sends what is buffered, then waits; the script ends early if the peer closes.
  case wait(milliseconds: Int)
  /// Bytes in writes of `size`, each `milliseconds` after the one before.
  case pieces([UInt8], size: Int, milliseconds: Int)
  /// The same bytes so many times.
  case again([UInt8], times: Int)
  /// What TLS says beside its data. Without TLS nothing happens.
  case tls(TLSAct)
}

/// Something that only a connection with TLS can do.
package enum TLSAct: Equatable, Sendable {
  /// Bytes that go into the socket as they are. Without TLS, too.
  case below([UInt8])
  /// close_notify, and nothing else is closed.
  case closeNotify
  /// A fatal alert, after which nothing can be read or written.
  case alert
  /// KeyUpdate that asks for the peer's (RFC 8446 section 4.6.3); TLS 1.3 only.
  case updateKeys
  /// HelloRequest (RFC 5246 section 7.4.1.1); TLS 1.2 only.
  case askForHandshake
}

/// What becomes of the connection after the last step.
package enum Ending: Equatable, Sendable {
  case keepAlive
  /// close_notify, then FIN.
  case close
  /// FIN without close_notify. On a connection without TLS the same as `close`.
  case closeWithoutNotify
  /// RST.
  case reset
}

/// A scripted answer.
package struct Script: Equatable, Sendable {
  package var steps: [Step]
  package var ending: Ending

  package init(steps: [Step], ending: Ending) {
    self.steps = steps
    self.ending = ending
  }
}

/// What the script table knows of a request.
package struct Call: Equatable, Sendable {
  package var target: RequestTarget
  package var isHead: Bool
  package var keepAlive: Bool

  package init(target: RequestTarget, isHead: Bool = false, keepAlive: Bool = true) {
    self.target = target
    self.isHead = isHead
    self.keepAlive = keepAlive
  }

  package init(_ request: Request) {
    self.init(target: request.target, isHead: request.method == "HEAD", keepAlive: request.keepAlive)
  }

  /// How an answer that is framed by itself leaves the connection.
  var ending: Ending { keepAlive ? .keepAlive : .close }

  /// The body of all generated answers to this call: derived from the path, or with `?unique=1` from the whole
  /// target, so that answers to targets that differ in the query only can be told apart.
  package var body: DeterministicBody {
    target.value(of: "unique") == "1" ? DeterministicBody(text: target.text) : DeterministicBody(text: target.path)
  }
}
