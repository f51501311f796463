import CAres
import Glibc
import PosixIO

/// Channels of c-ares with one name server. What happens in their callbacks is kept until it is taken.
///
/// Left to itself the library goes over to TCP for a truncated answer, and if that fails it tells nothing of the first.
/// So there is a channel that takes such for answers, and one that is over TCP, on which we ask again. In search
/// domains the library goes on unless an answer has something, and so must see all of it: on a third channel TCP is
/// left to it.
///
/// Not Sendable: a channel belongs to one thread.
final class AresChannel {
  /// For what a question was asked.
  enum Ticket {
    case question(UInt64, SocketAddress.Family)
    case probe
  }

  struct SocketChange {
    let descriptor: Int32
    let reads: Bool
    let writes: Bool
  }

  /// How the library repeats a question.
  struct Patience {
    let tryMilliseconds: Int32
    let tries: Int32
  }

  struct Failure: Error {
    let text: String
  }

  private enum Way: Int, CaseIterable {
    case datagrams, streams, searches

    var flag: Int32 {
      switch self {
      case .datagrams: ARES_FLAG_IGNTC
      case .streams: ARES_FLAG_USEVC
      case .searches: 0
      }
    }
  }

  // ares_library_init(3) is not thread-safe; this is done once.
  private static let libraryStatus = ares_library_init(ARES_LIB_INIT_NONE)

  /// By way; none when it is closed.
  private var channels: [ares_channel] = []
  private var socketChanges: [SocketChange] = []
  private var replies: [(Ticket, ServerReply)] = []
  /// What is to be asked again.
  private var unsettled: [Asked] = []

  /// `server`: one of `servers(_:)`; nil for the system's list, which is for reading it only.
  init(server: String?, resolvPath: String, search: SearchDomains, patience: Patience) throws(Failure) {
    try Self.check(Self.libraryStatus, "ares_library_init")
    for way in Way.allCases {
      if let channel = try open(way, server, resolvPath, search, patience) { channels.append(channel) }
    }
  }

  private func open(
    _ way: Way,
    _ server: String?,
    _ resolvPath: String,
    _ search: SearchDomains,
    _ patience: Patience
  ) throws(Failure) -> ares_channel? {
    var options = ares_options()
    // Each failure is told (see Resolver.swift), EDNS for answers that need more than 512 bytes. Of the environment
    // nothing counts: no HOSTALIASES by a flag, and what LOCALDOMAIN and RES_OPTIONS would say is said here.
    options.flags = Int32(ARES_FLAG_NOCHECKRESP | ARES_FLAG_EDNS | ARES_FLAG_NOALIASES) | way.flag
    // What goes through every network undivided: DNS Flag Day 2020.
    options.ednspsz = 1232
    options.timeout = patience.tryMilliseconds
    options.tries = patience.tries
    options.ndots = search.fewestDots
    // For the answers to all questions that the table lets go at once; the kernel has its own limit.
    options.socket_receive_buffer_size = 1 << 20
    options.sock_state_cb_data = Unmanaged.passUnretained(self).toOpaque()
    options.sock_state_cb = { channel, descriptor, reads, writes in
      guard let channel else { return }
      let change = SocketChange(descriptor: descriptor, reads: reads != 0, writes: writes != 0)
      Unmanaged<AresChannel>.fromOpaque(channel).takeUnretainedValue().socketChanges.append(change)
    }
    let mask =
      ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_NOROTATE | ARES_OPT_LOOKUPS
      | ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_RCVBUF | ARES_OPT_NDOTS | ARES_OPT_DOMAINS
    var opened: ares_channel?
    // DNS only; the strings are copied.
    var domains = search.domains.map { strdup($0) }
    defer { for domain in domains { free(domain) } }
    let status = Self.withCopy(of: "b") { lookups in
      Self.withCopy(of: resolvPath) { path in
        domains.withUnsafeMutableBufferPointer { domains in
          options.lookups = lookups
          options.resolvconf_path = path
          options.domains = domains.baseAddress
          options.ndomains = Int32(domains.count)
          return ares_init_options(&opened, &options, Int32(mask))
        }
      }
    }
    try Self.check(status, "ares_init_options")
    if let server {
      let status = ares_set_servers_ports_csv(opened, server)
      if status != ARES_SUCCESS { ares_destroy(opened) }
      try Self.check(status, "name server \(server)")
    }
    return opened
  }

  // Whoever has asked anything calls `close` first: the callbacks need the object.
  deinit { for channel in channels { ares_destroy(channel) } }

  /// Ends all that is asked; nothing is told about it.
  func close() {
    for channel in channels { ares_destroy(channel) }
    (channels, replies, unsettled) = ([], [], [])
  }

  /// Asks for the addresses of a name. A name without a dot is looked for in the search domains, as
  /// getaddrinfo(3) does.
  func ask(_ name: String, _ ticket: Ticket) {
    // RFC 7686 section 2: such names are not for name servers.
    if name.hasSuffix(".onion") || name.hasSuffix(".onion.") { return replies.append((ticket, .unaskable)) }
    switch ticket {
    case .question(_, let family):
      ask(Asked(name: name, type: family == .ipv4 ? Self.typeA : Self.typeAAAA, ticket: ticket, channel: self))
    case .probe:
      ask(Asked(name: name, type: Self.typeNS, ticket: ticket, channel: self))
    }
  }

  private func ask(_ asked: Asked) {
    if channels.isEmpty { return }
    let channel = channels[asked.way.rawValue]
    let callback: ares_callback = { argument, status, _, bytes, count in
      guard let argument else { return }
      let asked = Unmanaged<Asked>.fromOpaque(argument).takeRetainedValue()
      asked.channel.answered(asked, status, UnsafeBufferPointer(start: bytes, count: Int(count)))
    }
    let argument = Unmanaged.passRetained(asked).toOpaque()
    if asked.way == .searches {
      ares_search(channel, asked.name, Self.classInternet, asked.type, callback, argument)
    } else {
      ares_query(channel, asked.name, Self.classInternet, asked.type, callback, argument)
    }
  }

  /// A socket is ready; without one, only time has passed.
  func process(_ descriptor: Int32? = nil, reads: Bool = false, writes: Bool = false) {
    let none = Int32(-1)  // ARES_SOCKET_BAD
    // Those that do not know the descriptor look at the time only.
    for channel in channels {
      ares_process_fd(channel, reads ? descriptor ?? none : none, writes ? descriptor ?? none : none)
    }
    var again: [Asked] = []
    swap(&again, &unsettled)
    for asked in again { ask(asked) }
  }

  /// How long there is nothing to do; nil for without end.
  var patienceMilliseconds: Int32? {
    channels.compactMap(Self.patienceMilliseconds(of:)).min()
  }

  private static func patienceMilliseconds(of channel: ares_channel) -> Int32? {
    var buffer = timeval()
    // The result points into the buffer.
    return withUnsafeMutablePointer(to: &buffer) { buffer in
      guard let left = ares_timeout(channel, nil, buffer)?.pointee else { return nil }
      return Int32(clamping: left.tv_sec * 1000 + (left.tv_usec + 999) / 1000)
    }
  }

  func takeSocketChanges() -> [SocketChange] {
    var taken: [SocketChange] = []
    swap(&taken, &socketChanges)
    return taken
  }

  func takeReplies() -> [(Ticket, ServerReply)] {
    var taken: [(Ticket, ServerReply)] = []
    swap(&taken, &replies)
    return taken
  }

  // RFC 1035 section 3.2, RFC 3596.
  private static let classInternet: Int32 = 1
  static let typeA: Int32 = 1
  private static let typeNS: Int32 = 2
  static let typeAAAA: Int32 = 28

  private final class Asked {
    let name: String
    let type: Int32
    let ticket: Ticket
    // Outlives it: `close` has the library call back for everything asked.
    unowned let channel: AresChannel
    var way: Way
    var isRepeated = false

    init(name: String, type: Int32, ticket: Ticket, channel: AresChannel) {
      self.name = name
      self.type = type
      self.ticket = ticket
      self.channel = channel
      way = name.utf8.contains(UInt8(ascii: ".")) ? .datagrams : .searches
    }
  }

  private func answered(_ asked: Asked, _ status: Int32, _ bytes: UnsafeBufferPointer<UInt8>) {
    if status == ARES_EDESTRUCTION { return }
    // A server that knows no EDNS refuses the form of the question. The library repeats the first such one without, as
    // all that follow, but not those that were on their way.
    if status == ARES_EFORMERR, !asked.isRepeated {
      asked.isRepeated = true
      return unsettled.append(asked)
    }
    let reply = AresAnswer.reply(asked.ticket, status, bytes)
    if asked.way == .datagrams, case .question = asked.ticket, AresAnswer.isCut(reply, bytes) {
      (asked.way, asked.isRepeated) = (.streams, false)
      return unsettled.append(asked)
    }
    if asked.way == .streams, case .unreachable(let text) = reply {
      return replies.append((asked.ticket, .unreachable("its answer needs TCP: \(text)")))
    }
    replies.append((asked.ticket, reply))
  }

  private static func check(_ status: Int32, _ what: String) throws(Failure) {
    guard status == ARES_SUCCESS else { throw Failure(text: "\(what): \(AresAnswer.text(of: status))") }
  }

  private static func withCopy<Result>(of text: String, _ body: (UnsafeMutablePointer<CChar>?) -> Result) -> Result {
    let copy = strdup(text)
    defer { free(copy) }
    return body(copy)
  }
}

extension AresChannel {
  /// The name servers of a list, or of the system, as texts with ports.
  static func servers(_ list: String?, resolvPath: String) throws(Failure) -> [String] {
    if let list {
      do throws(ServerList.Problem) {
        return try ServerList.servers(in: list).map { text(of: $0) }
      } catch {
        throw Failure(text: "\(error.text); see --dns-servers")
      }
    }
    let channel = try AresChannel(
      server: nil,
      resolvPath: resolvPath,
      search: SearchDomains(parsing: [], hostName: ""),
      patience: Patience(tryMilliseconds: 1000, tries: 1)
    )
    var first: UnsafeMutablePointer<ares_addr_port_node>?
    try check(ares_get_servers_ports(channel.channels.first, &first), "ares_get_servers_ports")
    defer { if let first { ares_free_data(first) } }
    var servers: [String] = []
    var next = first
    while let node = next {
      if let text = text(of: node.pointee), !servers.contains(text) { servers.append(text) }
      next = node.pointee.next
    }
    guard !servers.isEmpty else { throw Failure(text: "there is no name server; see --dns-servers") }
    return Array(servers.prefix(ServerList.longest))
  }

  private static func text(of server: SocketAddress) -> String {
    server.family == .ipv4 ? "\(server.addressText):\(server.port)" : "[\(server.addressText)]:\(server.port)"
  }

  private static func text(of node: ares_addr_port_node) -> String? {
    var address = node.addr
    let port = node.udp_port == 0 ? 53 : node.udp_port
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { buffer -> String? in
      guard let base = buffer.baseAddress else { return nil }
      return ares_inet_ntop(node.family, &address, base, ares_socklen_t(buffer.count)).map { String(cString: $0) }
    }
    return text.map { node.family == AF_INET ? "\($0):\(port)" : "[\($0)]:\(port)" }
  }
}
