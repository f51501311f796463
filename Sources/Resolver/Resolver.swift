// Theory of operation
//
// One thread owns everything: a table of names with what is known of them (NameTable, pure), and c-ares channels for
// each name server (AresChannel). Asks come by mailbox; the thread waits in one poll set for it and for the channels'
// sockets. Answers are called back on the thread.
//
// Each channel has one server, because c-ares with several neither says which one answered, nor that one failed: with
// its own checks it turns SERVFAIL of the only server into "connection refused", and without them it does not try
// another. So it makes questions, repeats them and reads answers; which server is asked, and what a failure means, is
// the table's. That an answer is asked for again over TCP is ours, too: a truncated one tells that the server lives.
//
// Askers may have less time than a look-up. When it is over they need to know whether that is the name's fault: the
// thread publishes since when servers say nothing and since when questions wait for their turn (Pulse).
//
// c-ares reads resolv.conf only when a channel is made. If that file changes there are new channels: the remedy for
// servers that are gone must not need a restart. Its search domains are read by us, because c-ares lets the environment
// change them (SearchDomains).
//
// c-ares reads the hosts file anew for each look-up, so we read it ourselves, once and again when it has changed
// (FileWatch). Its sorting needs the sources of addresses at once; we do that, too (DestinationOrder, SourceAddresses).

package import FetchModel
import PosixIO

/// Resolves names on a thread of its own, each name once however many ask, and remembers.
package final class Resolver: Sendable {
  package struct Query: Sendable {
    /// A host name in lower case; never a numeric address. With a dot at its end, or any inside, no search domain is
    /// added.
    package let name: String
    /// 4, 6 or 0 for both.
    package let family: UInt8
    /// When the asker began to want it, by Clock.bootTime; see `pulse`.
    package let askedAt: Instant
    /// Called on the resolver thread, at most twice (see `ResolverAnswer.isFinal`); never once the thread has ended.
    package let reply: @Sendable (ResolverAnswer) -> Void

    package init(name: String, family: UInt8, askedAt: Instant, reply: @escaping @Sendable (ResolverAnswer) -> Void) {
      self.name = name
      self.family = family
      self.askedAt = askedAt
      self.reply = reply
    }
  }

  enum Message: Sendable { case query(Query), stop }

  private let inbox: Mailbox<Message>
  private let status: ResolverStatus

  private init(_ limits: NameTable.Limits) throws(SystemError) {
    (inbox, status) = (try Mailbox(), ResolverStatus(limits: limits))
  }

  /// Starts the thread, which `body` may use; it is joined afterwards, whatever is still asked.
  package static func withThread(_ settings: ResolverSettings, _ body: (Resolver) throws -> Void) throws {
    let limits = NameTable.Limits(settings)
    let resolver = try Resolver(limits)
    var threads = ThreadGroup()
    let (inbox, status) = (resolver.inbox, resolver.status)
    try threads.spawn(name: "resolver") { ResolverThread.serve(inbox, settings, limits, status) }
    defer {
      inbox.send(.stop)
      threads.join()
    }
    try body(resolver)
  }

  /// Asks for a name; returns at once.
  package func ask(_ query: Query) { inbox.send(.query(query)) }

  /// What it has done so far; from any thread, at most a moment old.
  package var counters: ResolverCounters { status.counters }

  /// Whether name servers live and have been asked, in times of Clock.bootTime; from any thread.
  package var pulse: Pulse { status.pulse }
}
