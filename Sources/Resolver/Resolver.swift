import Glibc
package import PosixIO

/// What became of a look-up.
package enum Resolution: Equatable, Sendable {
  /// At least one address, in the order to be tried; ports are 0.
  case addresses([SocketAddress])
  /// The name does not exist.
  case notFound
  /// The name exists and has no address of the family asked for.
  case noAddress
  /// The name server failed or did not answer; with the system's text.
  case failed(String)
  /// The resolver itself could not work: local trouble, not the name's.
  case unavailable(String)
}

/// Resolves names on threads of its own, because getaddrinfo(3) blocks and cannot be bounded: whoever asks keeps a
/// deadline and stops caring. A name always goes to the same thread, so one that hangs delays few others.
package final class Resolver: Sendable {
  package struct Query: Sendable {
    /// A host name; never a numeric address.
    package let name: String
    /// 4, 6 or 0 for both.
    package let family: UInt8
    /// Called on a resolver thread.
    package let reply: @Sendable (Resolution) -> Void

    package init(name: String, family: UInt8, reply: @escaping @Sendable (Resolution) -> Void) {
      self.name = name
      self.family = family
      self.reply = reply
    }
  }

  private enum Message: Sendable { case query(Query), stop }

  private let inboxes: [Mailbox<Message>]

  private init(inboxes: [Mailbox<Message>]) { self.inboxes = inboxes }

  /// Starts `count` threads, which `body` may use. Afterwards they end by themselves: one may be inside
  /// getaddrinfo(3) for half a minute, which nothing can interrupt and nobody should wait for.
  package static func withThreads(_ count: Int, _ body: (Resolver) throws -> Void) throws {
    var inboxes: [Mailbox<Message>] = []
    for _ in 0..<count { inboxes.append(try Mailbox()) }
    var threads = ThreadGroup()
    defer {
      for inbox in inboxes { inbox.send(.stop) }
      threads.detach()
    }
    for inbox in inboxes { try threads.spawn(name: "resolver") { Self.serve(inbox) } }
    try body(Resolver(inboxes: inboxes))
  }

  package func ask(_ query: Query) {
    var hash: UInt64 = 0
    for byte in query.name.utf8 { hash = hash &* 31 &+ UInt64(byte) }
    inboxes[Int(hash % UInt64(inboxes.count))].send(.query(query))
  }

  private static func serve(_ inbox: Mailbox<Message>) {
    while true {
      inbox.signal.wait()
      let messages = inbox.drain()
      for message in messages {
        switch message {
        case .query(let query): query.reply(lookUp(query.name, family: query.family))
        case .stop: return
        }
      }
    }
  }

  private static func lookUp(_ name: String, family: UInt8) -> Resolution {
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC
    var list: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(name, nil, &hints, &list)
    defer { if let list { freeaddrinfo(list) } }
    switch status {
    case 0: break
    case EAI_NONAME: return .notFound
    // Not in Glibc's module: EAI_NODATA is -5, EAI_ADDRFAMILY -9 (netdb.h).
    case -5, -9: return .noAddress
    case EAI_SYSTEM, EAI_MEMORY: return .unavailable(String(cString: gai_strerror(status)))
    default: return .failed(String(cString: gai_strerror(status)))
    }
    var addresses: [SocketAddress] = []
    var next = list
    while let entry = next {
      if let pointer = entry.pointee.ai_addr, let address = SocketAddress(pointer, port: 0),
        !addresses.contains(address)
      {
        addresses.append(address)
      }
      next = entry.pointee.ai_next
    }
    return addresses.isEmpty ? .noAddress : .addresses(addresses)
  }
}
