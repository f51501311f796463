package import FetchModel

/// Why there is no way through a proxy.
package struct ProxyRefusal: Error, Equatable, Sendable {
  package enum Reason: Equatable, Sendable {
    /// A final status to CONNECT that is neither 2xx nor 407.
    case status(Int)
    case socks(SOCKSReply)
    /// The proxy asks for a user and a password, and none was given.
    case credentialsWanted
    /// The proxy does not take the user and the password that were given.
    case credentialsRefused
    /// The proxy knows neither of the ways to authenticate that were offered.
    case credentialsUnwanted
    /// What answers is no SOCKS proxy of version 5.
    case notSOCKS
    /// What answers to CONNECT is no HTTP.
    case malformedAnswer(String)
    /// Bytes that nobody can have asked for came behind the answer.
    case bytesBehindAnswer
    /// The proxy ended the stream before its answer.
    case closed
  }

  package let reason: Reason
  private let proxy: String
  private let target: String

  init(_ reason: Reason, proxy: String, target: String) {
    self.reason = reason
    self.proxy = proxy
    self.target = target
  }

  /// Always one of connecting: the origin has seen nothing of the request, so it may be sent again, whatever it is.
  package var code: FailureCode {
    switch reason {
    case .status(504), .socks(.timeToLiveExpired): .connectTimeout
    case .status(500...599), .socks(.generalFailure), .socks(.networkUnreachable), .socks(.hostUnreachable):
      .connectUnreachable
    case .status, .socks(.notAllowed), .socks(.connectionRefused), .socks(.commandNotSupported),
      .socks(.addressTypeNotSupported), .socks(.unassigned), .credentialsWanted, .credentialsRefused,
      .credentialsUnwanted, .notSOCKS, .malformedAnswer, .bytesBehindAnswer, .closed:
      .connectRefused
    }
  }

  package var failure: FetchFailure { FetchFailure(code, in: .connect, message) }

  /// Names the proxy and the target, and nothing that the proxy has written.
  private var message: String {
    let way = "proxy \(proxy), asked for \(target):"
    return switch reason {
    case .status(let status): "\(way) answered \(status) to CONNECT"
    case .socks(let reply): "\(way) \(reply)"
    case .credentialsWanted: "\(way) wants a user and a password; give them with --proxy-user"
    case .credentialsRefused: "\(way) does not accept the user and the password of --proxy or --proxy-user"
    case .credentialsUnwanted: "\(way) takes neither a user with a password nor none"
    case .notSOCKS: "\(way) does not speak SOCKS version 5"
    case .malformedAnswer(let phrase): "\(way) gave no HTTP answer to CONNECT: \(phrase)"
    case .bytesBehindAnswer: "\(way) sent bytes behind its answer, before anything was asked in the tunnel"
    case .closed: "\(way) closed the connection before it answered"
    }
  }
}
