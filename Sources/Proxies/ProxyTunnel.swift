// Theory of operation
//
// Owns: what curl's options about proxies mean, up to the bytes. ProxyURL reads what names a proxy, ProxyBypass what
// names the hosts that need none, ProxyRouting decides for an origin, and ProxyTunnel is the conversation with the
// proxy before there is a connection to the origin. Everything here is a value without I/O and clock: the caller sends
// `output`, gives `receive` what came, and keeps the deadlines.
//
// Credentials are in `output` and in no text. They go to the proxy alone: into its handshake, or as a field line that
// the template of requests puts into those in absolute form.

package import FetchModel

/// What the last bytes of a proxy led to.
package enum TunnelProgress: Equatable, Sendable {
  /// Send what is in `output`, if anything, and read on.
  case needsMore
  /// From the next byte on the peer is the origin.
  case open
  /// The connection is of no more use.
  case refused(ProxyRefusal.Reason)
}

/// A tunnel through a proxy while it is being opened, whatever the proxy's kind.
package struct ProxyTunnel: Equatable, Sendable {
  private enum Handshake: Equatable, Sendable {
    case connect(ConnectHandshake)
    case socks(SOCKSHandshake)
  }

  package let server: ProxyServer
  package let target: TunnelTarget
  private var handshake: Handshake

  /// `userAgent`: the value of the job's User-Agent field, which an HTTP proxy is told; nil for none.
  package init(_ server: ProxyServer, to target: TunnelTarget, userAgent: [UInt8]?) {
    self.server = server
    self.target = target
    handshake =
      switch server.kind {
      case .http:
        .connect(ConnectHandshake(target, authorizationLine: server.authorizationLine, userAgent: userAgent))
      case .socks5, .socks5h: .socks(SOCKSHandshake(target, credentials: server.credentials))
      }
  }

  /// What is to be sent now, in the beginning and after each `receive`; empty from the next call on.
  package mutating func takeOutput() -> [UInt8] {
    switch handshake {
    case .connect(var connect):
      defer { handshake = .connect(connect) }
      defer { connect.output = [] }
      return connect.output
    case .socks(var socks):
      defer { handshake = .socks(socks) }
      defer { socks.output = [] }
      return socks.output
    }
  }

  /// Takes what the proxy sent, in any pieces. After `.open` and `.refused` nothing more is to be given.
  package mutating func receive(_ input: Span<UInt8>) -> TunnelProgress {
    switch handshake {
    case .connect(var connect):
      defer { handshake = .connect(connect) }
      return connect.receive(input)
    case .socks(var socks):
      defer { handshake = .socks(socks) }
      return socks.receive(input)
    }
  }

  /// What a refusal means for the attempt. For a proxy that ended the stream the reason is `.closed`.
  package func refusal(_ reason: ProxyRefusal.Reason) -> ProxyRefusal {
    ProxyRefusal(reason, proxy: server.endpointText, target: String(decoding: target.authority, as: UTF8.self))
  }
}
