import FetchModel
import PosixIO
import Proxies
import TLS

/// Through a proxy to the origin: `ProxyTunnel` knows what is said, and here it is sent and read.
extension Worker {
  func openTunnel(_ connection: Connection, by proxy: ProxyServer) {
    guard let job, let target = connection.tunnelTarget else { return }
    connection.tunnel = ProxyTunnel(proxy, to: target, userAgent: job.userAgent)
    connection.state = .tunneling
    renewDeadline(connection, .tunneling, job)
    continueTunnel(connection)
  }

  /// Sends what the proxy has to hear and reads what it says, as far as the socket goes.
  func continueTunnel(_ connection: Connection) {
    while connection.state == .tunneling, sendToProxy(connection) {
      switch connection.read(into: receiveBuffer) {
      case .bytes(let count): heard(connection, UnsafeRawBufferPointer(start: receiveBuffer.baseAddress, count: count))
      case .wouldBlock: return watch(connection, for: .read)
      case .ended: refuse(connection, .closed)
      case .failed(.system(let number)) where FailureMapping.isLocalTrouble(number):
        localTrouble(connection, SystemError("proxy", number: number).description)
      case .failed: refuse(connection, .closed)
      }
    }
  }

  /// Whether all is sent.
  private func sendToProxy(_ connection: Connection) -> Bool {
    if connection.tunnelOutput.isEmpty { connection.tunnelOutput = connection.tunnel?.takeOutput() ?? [] }
    while !connection.tunnelOutput.isEmpty {
      switch connection.tunnelOutput.withUnsafeBytes({ connection.write($0) }) {
      case .bytes(let count): connection.tunnelOutput.removeFirst(count)
      case .wouldBlock(let interest):
        watch(connection, for: interest)
        return false
      // It may have said why before.
      case .ended, .failed: return true
      }
    }
    return true
  }

  private func heard(_ connection: Connection, _ bytes: UnsafeRawBufferPointer) {
    switch connection.tunnel?.receive(bytes.bindMemory(to: UInt8.self).span) {
    case .needsMore, nil: break
    case .open:
      connection.tunnel = nil
      connection.tunnelOutput = []
      connected(connection)
    case .refused(let reason): refuse(connection, reason)
    }
  }

  private func refuse(_ connection: Connection, _ reason: ProxyRefusal.Reason) {
    guard let refusal = connection.tunnel?.refusal(reason) else { return }
    // Of several addresses that were looked up here the next one may do.
    connection.origin.refusedTunnels += 1
    connection.connectTime = now.nanoseconds(since: connection.openedAt) - (connection.dnsTime ?? 0)
    fail(connection, refusal.failure)
  }
}
