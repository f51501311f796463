/// Proxies that connections go through, with curl's meaning; none by default, whatever the environment says.
package struct ProxyPolicy: Equatable, Sendable {
  /// For origins with http; nil leads straight there.
  package var http: ProxyServer?
  /// For origins with https.
  package var https: ProxyServer?
  /// Hosts that are reached without a proxy, as `--noproxy` lists them: names, which stand for everything below them
  /// too, addresses, networks such as 10.0.0.0/8, or * for all.
  package var bypass: [String] = []

  package init() {}

  package var holdCredentials: Bool { http?.credentials != nil || https?.credentials != nil }
}

/// A proxy and what it is told about the caller.
package struct ProxyServer: Hashable, Sendable {
  package enum Kind: UInt8, Sendable {
    /// HTTP: a tunnel by CONNECT for https, requests in absolute form for http.
    case http = 1
    /// SOCKS version 5, given addresses.
    case socks5 = 2
    /// SOCKS version 5, given names, which it looks up itself.
    case socks5h = 3
  }

  /// For this proxy alone: never sent to an origin, never shown.
  package struct Credentials: Hashable, Sendable {
    package var user: [UInt8]
    package var password: [UInt8]

    package init(user: [UInt8], password: [UInt8]) {
      self.user = user
      self.password = password
    }
  }

  package var kind: Kind
  /// In the spelling of URLs' hosts.
  package var host: [UInt8]
  package var port: UInt16
  package var credentials: Credentials?

  package init(_ kind: Kind, host: [UInt8], port: UInt16, credentials: Credentials? = nil) {
    self.kind = kind
    self.host = host
    self.port = port
    self.credentials = credentials
  }
}
