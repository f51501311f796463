package import FetchModel

/// The client's side of opening a tunnel through a SOCKS proxy of version 5 (RFC 1928), with user and password if there
/// are any (RFC 1929).
///
/// Client and server take turns, and the client has the first word in the tunnel, so a byte behind the server's turn is
/// a fault; and so the storage never holds more than the longest turn.
package struct SOCKSHandshake: Equatable, Sendable {
  /// Each case lists what may follow; `failed` may follow all but `open`.
  private enum Phase: Equatable, Sendable {
    /// The methods were offered: `authentication`, `request`.
    case methods
    /// User and password were sent: `request`.
    case authentication
    /// The target was named: `open`.
    case request
    case open
    case failed(ProxyRefusal.Reason)
  }

  private enum Octet {
    static let version: UInt8 = 5
    static let withoutAuthentication: UInt8 = 0
    static let userAndPassword: UInt8 = 2
    static let noMethod: UInt8 = 0xFF
    static let authenticationVersion: UInt8 = 1
    static let connect: UInt8 = 1
    static let ipv4: UInt8 = 1
    static let name: UInt8 = 3
    static let ipv6: UInt8 = 4
  }

  private let target: TunnelTarget
  private let credentials: ProxyServer.Credentials?
  private var phase = Phase.methods
  private var received: [UInt8] = []

  /// To be sent; whoever has done so removes it.
  package var output: [UInt8]

  package init(_ target: TunnelTarget, credentials: ProxyServer.Credentials?) {
    self.target = target
    self.credentials = credentials
    output =
      credentials == nil
      ? [Octet.version, 1, Octet.withoutAuthentication]
      : [Octet.version, 2, Octet.withoutAuthentication, Octet.userAndPassword]
  }

  /// Takes what the proxy sent, in any pieces. After `.open` and `.refused` nothing more is to be given.
  package mutating func receive(_ input: Span<UInt8>) -> TunnelProgress {
    for index in input.indices {
      // A turn that a byte completes is judged at once, so the next byte, too, stands behind it.
      received.append(input[index])
      let isLast = index == input.count - 1
      switch advance() {
      case .needsMore where !isLast && received.isEmpty, .open where !isLast: return refuse(.bytesBehindAnswer)
      case .needsMore: continue
      case .open: return .open
      case .refused(let reason): return .refused(reason)
      }
    }
    return .needsMore
  }

  private mutating func advance() -> TunnelProgress {
    switch phase {
    case .methods: readMethod()
    case .authentication: readAuthentication()
    case .request: readReply()
    case .open: refuse(.bytesBehindAnswer)
    case .failed(let reason): .refused(reason)
    }
  }

  /// VER METHOD.
  private mutating func readMethod() -> TunnelProgress {
    guard received[0] == Octet.version else { return refuse(.notSOCKS) }
    guard received.count == 2 else { return .needsMore }
    switch (received[1], credentials) {
    case (Octet.withoutAuthentication, _):
      take(turn: request, .request)
    case (Octet.userAndPassword, .some(let credentials)):
      // `ProxyURL` lets no longer ones through.
      guard credentials.user.count <= 255, credentials.password.count <= 255 else {
        return refuse(.credentialsRefused)
      }
      let user = [UInt8(credentials.user.count)] + credentials.user
      let password = [UInt8(credentials.password.count)] + credentials.password
      take(turn: [Octet.authenticationVersion] + user + password, .authentication)
    case (Octet.noMethod, _): return refuse(credentials == nil ? .credentialsWanted : .credentialsUnwanted)
    // A method that was not offered.
    case (_, _): return refuse(.notSOCKS)
    }
    return .needsMore
  }

  /// VER STATUS. Servers are in use that give the version of SOCKS in place of the sub-negotiation's.
  private mutating func readAuthentication() -> TunnelProgress {
    guard received[0] == Octet.authenticationVersion || received[0] == Octet.version else { return refuse(.notSOCKS) }
    guard received.count == 2 else { return .needsMore }
    guard received[1] == 0 else { return refuse(.credentialsRefused) }
    take(turn: request, .request)
    return .needsMore
  }

  /// VER REP RSV ATYP BND.ADDR BND.PORT. A refusal is known by its second byte; servers are in use that stop there.
  private mutating func readReply() -> TunnelProgress {
    guard received[0] == Octet.version else { return refuse(.notSOCKS) }
    guard received.count >= 2 else { return .needsMore }
    guard received[1] == 0 else { return refuse(.socks(SOCKSReply(received[1]))) }
    guard received.count >= 4 else { return .needsMore }
    let addressBytes: Int
    switch received[3] {
    case Octet.ipv4: addressBytes = 4
    case Octet.ipv6: addressBytes = 16
    case Octet.name:
      guard received.count >= 5 else { return .needsMore }
      addressBytes = 1 + Int(received[4])
    default: return refuse(.notSOCKS)
    }
    guard received.count == 4 + addressBytes + 2 else { return .needsMore }
    received.removeAll()
    phase = .open
    return .open
  }

  private mutating func take(turn: [UInt8], _ next: Phase) {
    received.removeAll(keepingCapacity: true)
    output += turn
    phase = next
  }

  private mutating func refuse(_ reason: ProxyRefusal.Reason) -> TunnelProgress {
    phase = .failed(reason)
    return .refused(reason)
  }

  /// VER CMD RSV ATYP DST.ADDR DST.PORT.
  private var request: [UInt8] {
    var bytes = [Octet.version, Octet.connect, 0]
    switch target.host {
    case .name(let name): bytes += [Octet.name, UInt8(name.count)] + name
    case .address(let octets): bytes += [octets.count == 4 ? Octet.ipv4 : Octet.ipv6] + octets
    }
    return bytes + [UInt8(target.port >> 8), UInt8(target.port & 0xFF)]
  }
}

/// Why a SOCKS proxy did not connect (RFC 1928 section 6).
package enum SOCKSReply: Equatable, Sendable, CustomStringConvertible {
  case generalFailure
  case notAllowed
  case networkUnreachable
  case hostUnreachable
  case connectionRefused
  case timeToLiveExpired
  case commandNotSupported
  case addressTypeNotSupported
  case unassigned(UInt8)

  init(_ octet: UInt8) {
    switch octet {
    case 1: self = .generalFailure
    case 2: self = .notAllowed
    case 3: self = .networkUnreachable
    case 4: self = .hostUnreachable
    case 5: self = .connectionRefused
    case 6: self = .timeToLiveExpired
    case 7: self = .commandNotSupported
    case 8: self = .addressTypeNotSupported
    default: self = .unassigned(octet)
    }
  }

  package var description: String {
    switch self {
    case .generalFailure: "general SOCKS server failure"
    case .notAllowed: "connection not allowed by ruleset"
    case .networkUnreachable: "network unreachable"
    case .hostUnreachable: "host unreachable"
    case .connectionRefused: "connection refused"
    case .timeToLiveExpired: "TTL expired"
    case .commandNotSupported: "command not supported"
    case .addressTypeNotSupported: "address type not supported"
    case .unassigned(let octet): "SOCKS reply \(octet)"
    }
  }
}
