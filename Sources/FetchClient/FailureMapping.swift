import FetchModel
import Glibc
import HTTP1
import PosixIO
import TLS

/// Names for what went wrong, in the closed list of the record.
enum FailureMapping {
  /// Descriptors, ports, buffers or memory are short here: not the target's fault (socket(2), connect(2),
  /// epoll_ctl(2)).
  static func isLocalTrouble(_ number: Int32) -> Bool {
    switch number {
    case EMFILE, ENFILE, EADDRNOTAVAIL, ENOBUFS, ENOMEM, ENOSPC: true
    default: false
    }
  }

  static func connect(_ number: Int32, _ message: String) -> FetchFailure {
    let code: FailureCode =
      switch number {
      case ECONNREFUSED: .connectRefused
      case ETIMEDOUT: .connectTimeout
      case ECONNRESET: .reset
      default: .connectUnreachable
      }
    return FetchFailure(code, in: .connect, message)
  }

  static func handshake(_ failure: TLSFailure, host: String) -> FetchFailure {
    switch failure {
    case .certificate(let code, let depth, let reason):
      return FetchFailure(
        TLSCertificateProblem(code: code).failureCode,
        in: .tls,
        "certificate of \(host) refused: \(reason) (code \(code), depth \(depth))"
      )
    case .pinMismatch(let found):
      return FetchFailure(.tlsPinMismatch, in: .tls, "public key of \(host) is \(found), which is not pinned")
    case .alert(let description): return FetchFailure(.tlsAlert, in: .tls, "\(host) sent an alert: \(description)")
    case .protocolError(let text): return FetchFailure(.tlsHandshakeFailed, in: .tls, "TLS with \(host): \(text)")
    case .system(let number) where number == ECONNRESET || number == EPIPE:
      return FetchFailure(.reset, in: .tls, "\(host) reset the connection during the TLS handshake")
    case .system(let number): return FetchFailure(.reset, in: .tls, "TLS with \(host): \(SystemError.text(of: number))")
    case .unexpectedEnd:
      return FetchFailure(.closedBeforeResponse, in: .tls, "\(host) closed the connection during the TLS handshake")
    }
  }

  static func transfer(_ failure: TLSFailure, in phase: FailurePhase, host: String) -> FetchFailure {
    switch failure {
    case .alert(let description): return FetchFailure(.tlsAlert, in: phase, "\(host) sent an alert: \(description)")
    case .certificate(let code, _, let reason):
      return FetchFailure(.tlsCertificateInvalid, in: phase, "\(reason) (code \(code))")
    case .pinMismatch(let found):
      return FetchFailure(.tlsPinMismatch, in: phase, "public key of \(host) is \(found), which is not pinned")
    case .protocolError(let text): return FetchFailure(.reset, in: phase, "TLS with \(host) broke: \(text)")
    case .system(let number):
      return FetchFailure(.reset, in: phase, "connection to \(host) lost: \(SystemError.text(of: number))")
    case .unexpectedEnd:
      return FetchFailure(.closedEarly, in: phase, "\(host) closed the connection without notice")
    }
  }

  static func response(_ error: ResponseError, in phase: FailurePhase, host: String) -> FetchFailure {
    switch error {
    case .malformed(let reason):
      return FetchFailure(.malformedResponse, in: phase, "response of \(host) is not HTTP/1.1: \(reason.description)")
    case .headTooLarge(let limit):
      return FetchFailure(.headTooLarge, in: phase, "response of \(host): \(limit.description)")
    case .closedBeforeResponse:
      return FetchFailure(.closedBeforeResponse, in: .head, "\(host) closed the connection before any response")
    case .closedEarly(let expected, let received):
      let wanted = expected.map { "\($0) bytes expected" } ?? "no end of the body seen"
      return FetchFailure(
        .closedEarly,
        in: phase,
        "\(host) closed the connection early: \(wanted), \(received) received"
      )
    }
  }

  /// `detail`: what else is known, such as the addresses that were tried.
  static func timeout(
    _ code: FailureCode,
    in stage: Stage,
    after nanoseconds: UInt64,
    host: String,
    detail: String
  ) -> FetchFailure {
    let what: StaticString =
      switch stage {
      case .resolving: "resolving the name"
      case .connecting: "connecting"
      case .tunneling: "waiting for the proxy's tunnel"
      case .handshaking: "in the TLS handshake"
      case .sending: "sending the request"
      case .awaitingHead: "waiting for the response"
      case .receivingHead: "receiving the head of the response"
      case .receivingBody: "receiving the body"
      case .decoding: "decoding the body"
      case .awaitingMemory: "waiting for memory to decode the body"
      }
    let milliseconds = nanoseconds / 1_000_000
    let more = detail.isEmpty ? "" : ": \(detail)"
    return FetchFailure(
      code,
      in: stage.failurePhase,
      "\(host): time limit reached after \(milliseconds) ms, \(what)\(more)"
    )
  }
}
