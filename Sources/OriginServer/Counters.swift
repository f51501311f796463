// What the origin has seen. One lock taken twice a request; everything that could grow with traffic is bounded.

import Synchronization

/// The kinds of listeners; raw values are the names in `ports.json` and `/counts`.
package enum ListenerKind: String, CaseIterable, Sendable {
  case https, http
  case expired
  case notYetValid = "not_yet_valid"
  case untrusted
  case wrongName = "wrong_name"
  /// The certificate names the host nowhere but in its subject.
  case commonNameOnly = "common_name_only"
  /// The certificate is for f*.origin.test.
  case partialWildcard = "partial_wildcard"
  /// The host's name chooses the certificate: see `CertificateCase`.
  case certificates
  /// ALPN: chooses a protocol that was not offered.
  case otherProtocol = "other_protocol"
  case garbage
  case tlsSilent = "tls_silent"
  case silent
  case closing
  /// Does in the TLS handshake what the client spells in the name it indicates; serves those that spell nothing.
  case faults
  /// Answers with TLS, or without, at the first bytes of a request and reads nothing more.
  case early
  case plainEarly = "plain_early"
  /// RST as soon as a connection is accepted.
  case resetAtOnce = "reset_at_once"
  case alert
  case plainInTLS = "plain_in_tls"
  /// Bound, never listening: connecting is refused.
  case refused
  /// Listening with a full backlog: connecting times out.
  case unaccepted
}

/// How a TLS handshake ended.
enum HandshakeOutcome {
  case full, resumed, failed
}

/// Thread-safe counters.
package final class Counters: Sendable {
  /// Distinct targets kept by `/flaky` and by `?count=1` each.
  package static let targetLimit = 200_000
  /// Hits kept in their order.
  package static let logLimit = 1_000_000

  private struct Connections {
    var accepted = 0
    var openMax = 0
    var open: SustainedMaximum
  }

  private struct State {
    var requests = 0
    var byRoute = [Int](repeating: 0, count: Route.allCases.count)
    var inProgress = 0
    var inProgressMax = 0
    var handshakesFull = 0
    var handshakesResumed = 0
    var handshakesFailed = 0
    var closesNotified = 0
    var connections: [ListenerKind: Connections] = [:]
    var flaky: [String: Int] = [:]
    var hits: [String: Int] = [:]
    var log: [(at: Duration, target: String)] = []
  }

  private let state = Mutex(State())
  private let overlap: Duration
  private let clock: @Sendable () -> Duration

  /// `overlap`: connections count in `open_sustained_max` once they were open together for so long. `clock` is read
  /// under the lock, so that its instants come in order.
  package init(
    overlap: Duration = .milliseconds(50),
    clock: @escaping @Sendable () -> Duration = { .nanoseconds(MonotonicClock.nanoseconds()) }
  ) {
    self.overlap = overlap
    self.clock = clock
  }

  package func opened(_ kind: ListenerKind) {
    state.withLock { state in
      // Taken out while it changes, so that the levels inside are not copied.
      var connections =
        state.connections.removeValue(forKey: kind) ?? Connections(open: SustainedMaximum(span: overlap))
      connections.accepted += 1
      connections.open.opened(now: clock())
      connections.openMax = max(connections.open.count, connections.openMax)
      state.connections[kind] = connections
    }
  }

  package func closed(_ kind: ListenerKind) {
    state.withLock { $0.connections[kind]?.open.closed(now: clock()) }
  }

  func handshake(_ outcome: HandshakeOutcome) {
    state.withLock { state in
      switch outcome {
      case .full: state.handshakesFull += 1
      case .resumed: state.handshakesResumed += 1
      case .failed: state.handshakesFailed += 1
      }
    }
  }

  /// Counts a client that ends a connection between two requests with close_notify.
  func notified() { state.withLock { $0.closesNotified += 1 } }

  /// Counts a request that begins. `countsTarget` keeps a count of this exact target.
  package func began(_ route: Route, target: String, countsTarget: Bool) {
    let index = route.index
    state.withLock { state in
      state.inProgress += 1
      state.inProgressMax = max(state.inProgressMax, state.inProgress)
      guard !route.isControl else { return }
      state.requests += 1
      state.byRoute[index] += 1
      if countsTarget, state.hits[target] != nil || state.hits.count < Self.targetLimit {
        state.hits[target, default: 0] += 1
        if state.log.count < Self.logLimit { state.log.append((clock(), target)) }
      }
    }
  }

  package func ended() {
    state.withLock { $0.inProgress -= 1 }
  }

  /// Counts a hit of a flaky target: its number from 1, or nil if too many distinct targets are kept.
  package func flakyHit(_ target: String) -> Int? {
    state.withLock { state in
      guard state.flaky[target] != nil || state.flaky.count < Self.targetLimit else { return nil }
      let hit = state.flaky[target, default: 0] + 1
      state.flaky[target] = hit
      return hit
    }
  }

  package func hits(of target: String) -> Int {
    state.withLock { $0.hits[target] ?? 0 }
  }

  /// The counted hits in their order, from number `first` on: a line each, microseconds of the monotonic clock and
  /// the target.
  package func hitLog(from first: Int) -> String {
    let hits = state.withLock { state in Array(state.log.dropFirst(first)) }
    return hits.map { "\(Int($0.at / .microseconds(1))) \($0.target)\n" }.joined()
  }

  /// Forgets everything but what is open or in progress now.
  package func reset() {
    state.withLock { state in
      var fresh = State()
      fresh.inProgress = state.inProgress
      fresh.inProgressMax = state.inProgress
      fresh.connections = state.connections.mapValues { connections in
        var open = connections.open
        open.reset()
        return Connections(openMax: open.count, open: open)
      }
      state = fresh
    }
  }

  /// The answer of `/counts`.
  package var json: String {
    state.withLock { state in
      let now = clock()
      var json = JSONText()
      json.add("requests", state.requests)
      var routes = JSONText()
      for (route, count) in zip(Route.allCases, state.byRoute) where count > 0 { routes.add(route.rawValue, count) }
      json.add("by_segment", routes)
      json.add("requests_in_progress_max", state.inProgressMax)
      json.add("connections", state.connections.values.reduce(0) { $0 + $1.accepted })
      json.add("connections_open", state.connections.values.reduce(0) { $0 + $1.open.count })
      json.add("handshakes_full", state.handshakesFull)
      json.add("handshakes_resumed", state.handshakesResumed)
      json.add("handshakes_failed", state.handshakesFailed)
      json.add("closes_notified", state.closesNotified)
      var listeners = JSONText()
      for kind in ListenerKind.allCases {
        guard let connections = state.connections[kind] else { continue }
        var listener = JSONText()
        listener.add("accepted", connections.accepted)
        listener.add("open", connections.open.count)
        listener.add("open_max", connections.openMax)
        listener.add("open_sustained_max", connections.open.maximum(now: now))
        listeners.add(kind.rawValue, listener)
      }
      json.add("listeners", listeners)
      return json.text
    }
  }
}
