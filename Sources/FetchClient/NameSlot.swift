import FetchModel
import PosixIO
import Resolver

/// What one worker knows of a name that the resolver was asked for.
final class NameSlot {
  enum State {
    case unknown
    /// `query`: which answer is waited for. `early`: addresses of one family, while those of the other are awaited.
    case asked(query: UInt64, early: [SocketAddress])
    case known([SocketAddress], until: Instant)
    case missing(Resolution, until: Instant)
  }

  let host: [UInt8]
  var state = State.unknown
  /// When the resolver was asked last.
  var askedAt = Instant.zero
  /// Connections without any address yet; some may be closed by now.
  var waiting: [Connection] = []
  /// Connections that have begun with the early addresses; likewise.
  var early: [Connection] = []

  init(host: [UInt8]) { self.host = host }

  var isAsked: Bool { if case .asked = state { true } else { false } }

  func isOfUse(at now: Instant) -> Bool {
    switch state {
    case .unknown: false
    case .asked: true
    case .known(_, let end), .missing(_, let end): now < end
    }
  }
}

/// The resolver's answer on its way back to the worker that asked.
package struct ResolvedName: Sendable {
  /// Numbers of origins change and are used again; those of queries are not.
  let query: UInt64
  let answer: ResolverAnswer
}
