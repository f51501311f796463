import FetchModel
import HTTP1
import PosixIO
import TLS

/// Connections between requests.
extension Worker {
  /// Whether nothing but session tickets and the like was received behind a response; it would answer no request
  /// (RFC 9112 section 6.3).
  func isSilent(_ connection: Connection) -> Bool {
    guard let tls = connection.tls, tls.hasBufferedInput else { return true }
    return staysQuiet(connection)
  }

  /// Reads; true if there was nothing for a reader, and the connection is watched for more.
  private func staysQuiet(_ connection: Connection) -> Bool {
    guard case .wouldBlock(let interest) = connection.read(into: receiveBuffer),
      (try? setInterest(of: connection, interest)) != nil
    else { return false }
    keepSessions(of: connection)
    return true
  }

  /// Makes a connection idle.
  func rest(_ connection: Connection) {
    precondition(connection.state != .closed, "a closed connection cannot rest")
    connection.state = .idle
    connection.isSettling = true
    busyConnections -= 1
    connection.origin.settling += 1
    settling.append(connection)
    setDeadline(connection, now.adding(nanoseconds: idleLifetime(of: connection)), .idleTimeout)
  }

  /// The poll set was asked about these and has reported what came; the others may carry requests.
  func settle(_ asked: [Connection]) {
    for connection in asked where connection.state == .idle {
      let origin = connection.origin
      connection.isSettling = false
      origin.settling -= 1
      origin.idle.append(connection)
      if origin.openConnections > origin.share { close(connection) } else { pump(origin) }
    }
  }

  /// How long it may rest: less than its server has announced, if it has (RFC 2068 section 19.7.1.1). Looked for once a
  /// connection.
  private func idleLifetime(of connection: Connection) -> UInt64 {
    if let known = connection.idleLifetime { return known }
    let head = connection.reader.head
    let announced = head.firstValue(of: "keep-alive").flatMap { KeepAliveField.timeout(head.bytes.span.extracting($0)) }
    let lifetime = KeepAliveField.idleLifetime(announced: announced, longest: Self.idleLifetime)
    connection.idleLifetime = lifetime
    return lifetime
  }

  /// Something happened on an idle connection: session tickets leave it alive, anything else ends it
  /// (RFC 9112 section 9.3.1; RFC 8446 section 4.6).
  func probe(_ connection: Connection) {
    if staysQuiet(connection) { return }
    let origin = connection.origin
    close(connection)
    pump(origin)
  }
}
