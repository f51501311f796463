package import FetchModel

/// How an origin is reached.
package enum ProxyRoute: Equatable, Sendable {
  case direct
  /// Requests in absolute form go to the proxy, which finds the origin by its name.
  case forward(ProxyServer)
  /// A tunnel to the origin's name, which the proxy looks up.
  case tunnelToName(ProxyServer)
  /// A tunnel to an address that is looked up here.
  case tunnelToAddress(ProxyServer)

  package var server: ProxyServer? {
    switch self {
    case .direct: nil
    case .forward(let server), .tunnelToName(let server), .tunnelToAddress(let server): server
    }
  }
}

/// A job's proxies, compiled for being asked once per origin.
package struct ProxyRouting: Equatable, Sendable {
  private let http: ProxyServer?
  private let https: ProxyServer?
  private let bypass: ProxyBypass

  package init(_ policy: ProxyPolicy) {
    http = policy.http
    https = policy.https
    bypass = ProxyBypass(policy.bypass)
  }

  /// The proxy of an origin, whose host is in the spelling of URLs' hosts; nil leads straight there.
  package func proxy(for scheme: Scheme, _ host: [UInt8], _ kind: HTTPURL.HostKind) -> ProxyServer? {
    let server =
      switch scheme {
      case .http: http
      case .https: https
      }
    guard let server, !bypass.contains(host, kind) else { return nil }
    return server
  }

  /// `isMoved`: `--connect-to` leads elsewhere than the URL says, which a proxy that forwards would not know.
  /// `checksAddresses`: whether this side must know where a connection leads (an agent's `--deny-private`). Then the
  /// proxy is given no names, and http, too, goes through a tunnel: a proxy that gets a request in absolute form writes
  /// Host anew from it (RFC 9112 section 3.2.2), and the origin would read its address where its name should be.
  package func route(
    for scheme: Scheme,
    _ host: [UInt8],
    _ kind: HTTPURL.HostKind,
    isMoved: Bool,
    checksAddresses: Bool
  ) -> ProxyRoute {
    guard let server = proxy(for: scheme, host, kind) else { return .direct }
    let forwards = server.kind == .http && scheme == .http && !isMoved && !checksAddresses
    if forwards { return .forward(server) }
    return server.kind == .socks5 || checksAddresses ? .tunnelToAddress(server) : .tunnelToName(server)
  }
}
