import FetchModel
import NameServer
import PosixIO
import Resolver
import Synchronization

/// Settings for a test: that server, no hosts file, no search domains.
func settings(_ servers: NameServer..., timeout: Duration = .seconds(5)) -> ResolverSettings {
  var settings = ResolverSettings(servers: servers.map(\.text).joined(separator: ","))
  settings.hostsPath = "/dev/null"
  settings.resolvPath = "/dev/null"
  settings.lookupTimeout = timeout
  return settings
}

/// Gathers answers of the resolver for a test, which waits for them.
final class Answers: Sendable {
  struct Arrival: Sendable {
    let name: String
    let answer: ResolverAnswer
    let at: Instant
  }

  private let inbox: Mailbox<Arrival>
  /// Is not raised.
  private let never: EventSignal

  init() throws { (inbox, never) = (try Mailbox(), try EventSignal()) }

  func ask(_ resolver: Resolver, _ name: String, family: UInt8 = 0, askedAt: Instant = Clock.bootTime()) {
    let inbox = inbox
    resolver.ask(
      Resolver.Query(name: name, family: family, askedAt: askedAt) { answer in
        inbox.send(Arrival(name: name, answer: answer, at: Clock.bootTime()))
      }
    )
  }

  /// Answers until there are `count` final ones, or `seconds` are over.
  func take(final count: Int = 1, within seconds: Int = 20) -> [Arrival] {
    let end = Clock.bootTime() + .seconds(seconds)
    var arrivals: [Arrival] = []
    var left = count
    while left > 0, Clock.bootTime() < end {
      inbox.signal.wait(milliseconds: 100)
      for arrival in inbox.drain() {
        arrivals.append(arrival)
        if arrival.answer.isFinal { left -= 1 }
      }
    }
    return arrivals
  }

  /// Lets a moment pass between two looks at something that changes by itself.
  func pause(milliseconds: Int32) { never.wait(milliseconds: milliseconds) }

  /// Asks once and waits; the last answer.
  func look(_ resolver: Resolver, _ name: String, family: UInt8 = 0) -> Resolution? {
    ask(resolver, name, family: family)
    return take().last?.answer.resolution
  }
}

extension Resolution {
  /// The addresses as texts; nil for anything else.
  var texts: [String]? {
    if case .addresses(let addresses) = self { return addresses.map(\.addressText) }
    return nil
  }
}
