import FetchModel
import Keys
import Logging
import PosixIO
import Scheduling
import ZeroMQ

/// Handshakes with the coordinator that do not succeed.
extension Agent {
  /// Says once why the coordinator cannot be talked to, and goes on trying.
  mutating func checkHandshakes() throws {
    let now = Clock.bootTime()
    if session.session != 0 { dialing.succeeded() }
    while let failure = try monitor.next() {
      if dialing.failed(failure.cause, now: now) {
        log.notice("no handshake with \(configuration.coordinator): \(explanation(of: failure.cause)); trying on")
      }
    }
    if dialing.takeRedial(now: now) { try socket.reconnect(to: configuration.coordinator) }
  }

  private func explanation(of cause: HandshakeFailure.Cause) -> String {
    switch (cause, configuration.keys == nil) {
    case (.notAllowed, _): "the coordinator does not let this agent in; is its key in allowed-agents?"
    case (.protocolViolated, true): "it wants keys; add --keys DIR, a folder that coordinator keygen has made"
    case (.protocolViolated, false): "it has no keys, and this agent does not talk without"
    case (.unfinished, true): "it hangs up; is it a coordinator that listens there?"
    case (.unfinished, false): "it hangs up; does it have the key that coordinator.pub in this agent's folder says?"
    }
  }
}
