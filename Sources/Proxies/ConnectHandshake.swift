import FetchModel
import HTTP1

/// The client's side of opening a tunnel through an HTTP proxy (RFC 9110 section 9.3.6).
package struct ConnectHandshake: Equatable, Sendable {
  private let hasCredentials: Bool
  /// Bounds what the proxy may send; knows that a 2xx to CONNECT has no body, whatever its fields say.
  private var reader = ResponseReader()
  private var outcome: TunnelProgress?

  /// To be sent; whoever has done so removes it.
  package var output: [UInt8]

  /// `userAgent`: the value of the job's User-Agent, if it has one.
  package init(_ target: TunnelTarget, authorizationLine: [UInt8], userAgent: [UInt8]?) {
    hasCredentials = !authorizationLine.isEmpty
    let authority = target.authority
    var text = Array("CONNECT ".utf8) + authority + Array(" HTTP/1.1\r\nHost: ".utf8) + authority
    text += Array("\r\n".utf8) + authorizationLine
    if let userAgent { text += Array("User-Agent: ".utf8) + userAgent + Array("\r\n".utf8) }
    output = text + Array("\r\n".utf8)
    reader.begin(for: .other(Array("CONNECT".utf8)))
  }

  /// Takes what the proxy sent, in any pieces. After `.open` and `.refused` nothing more is to be given.
  package mutating func receive(_ input: Span<UInt8>) -> TunnelProgress {
    if let outcome { return outcome == .open && !input.isEmpty ? finish(.refused(.bytesBehindAnswer)) : outcome }
    var offset = 0
    while true {
      let event: ResponseReader.Event
      do throws(ResponseError) {
        let (consumed, next) = try reader.read(input.extracting(offset...))
        offset += consumed
        event = next
      } catch {
        return finish(.refused(.malformedAnswer(error.phrase)))
      }
      switch event {
      case .needsMore: return .needsMore
      case .interim: continue
      // Of a refusal the status is enough; the connection is of no more use.
      case .head: return finish(verdict(hasMore: offset < input.count))
      case .body, .end: preconditionFailure("the head comes first")
      }
    }
  }

  private func verdict(hasMore: Bool) -> TunnelProgress {
    switch reader.head.status {
    // The client has the first word in the tunnel.
    case 200...299: hasMore ? .refused(.bytesBehindAnswer) : .open
    case 407: .refused(hasCredentials ? .credentialsRefused : .credentialsWanted)
    case let status: .refused(.status(status))
    }
  }

  private mutating func finish(_ outcome: TunnelProgress) -> TunnelProgress {
    self.outcome = outcome
    return outcome
  }
}

extension ResponseError {
  fileprivate var phrase: String {
    switch self {
    case .malformed(let malformation): malformation.description
    case .headTooLarge(let limit): limit.description
    case .closedBeforeResponse, .closedEarly: "it ended early"
    }
  }
}
