import FetchModel
import PosixIO

/// What runs on the resolver thread: moves asks, replies and time into the table, and does what it says.
struct ResolverThread: ~Copyable {
  private static let mailboxToken = UInt64.max
  /// What every server answers, be it with a refusal: who serves the root.
  private static let probeName = "."
  /// How long it does not work after something that should not have failed, or that somebody may mend.
  private static let refusal = Duration.seconds(2)

  private let inbox: Mailbox<Resolver.Message>
  private let status: ResolverStatus
  private let settings: ResolverSettings
  private let patience: AresChannel.Patience
  private var channels: [AresChannel]
  private var poller: Poller
  private var table: NameTable
  private var hostsFile: FileWatch
  private var resolvFile: FileWatch
  private var sources = SourceAddresses()
  private var polled: Set<Int32> = []
  private var replies: [UInt64: @Sendable (ResolverAnswer) -> Void] = [:]
  private var lastAsker: UInt64 = 0
  private var isStopped = false

  /// The body of the thread.
  static func serve(
    _ inbox: Mailbox<Resolver.Message>,
    _ settings: ResolverSettings,
    _ limits: NameTable.Limits,
    _ status: ResolverStatus
  ) {
    var text = ""
    repeat {
      do {
        var thread = try ResolverThread(inbox, settings, limits, status)
        return try thread.run()
      } catch let failure as AresChannel.Failure {
        text = failure.text
      } catch {
        text = "\(error)"
      }
    } while refuse(inbox, text)
  }

  /// The resolver cannot work and says so to everybody, for a while; false if it is to end.
  private static func refuse(_ inbox: Mailbox<Resolver.Message>, _ text: String) -> Bool {
    let answer = Resolution.unavailable("the resolver does not work: \(text)")
    let end = Clock.bootTime() + refusal
    while Clock.bootTime() < end {
      inbox.signal.wait(milliseconds: 100)
      for message in inbox.drain() {
        guard case .query(let query) = message else { return false }
        query.reply(ResolverAnswer(resolution: answer, expiresAt: Clock.bootTime(), isFinal: true))
      }
    }
    return true
  }

  private init(
    _ inbox: Mailbox<Resolver.Message>,
    _ settings: ResolverSettings,
    _ limits: NameTable.Limits,
    _ status: ResolverStatus
  ) throws {
    let patience = AresChannel.Patience(of: limits)
    // Before it is read: a change in between is not missed.
    let resolvFile = FileWatch(path: settings.resolvPath)
    let hostsFile = FileWatch(path: settings.hostsPath)
    let (servers, channels) = try Self.openChannels(settings, resolvFile.read(), patience)
    let poller = try Poller(capacity: 64)
    try poller.add(inbox.signal.descriptor, for: .read, token: Self.mailboxToken)
    self.inbox = inbox
    self.status = status
    self.settings = settings
    self.patience = patience
    self.channels = channels
    self.poller = poller
    self.resolvFile = resolvFile
    self.hostsFile = hostsFile
    table = NameTable(servers: servers, limits: limits)
    table.hosts = HostsFile(parsing: hostsFile.read())
  }

  /// One a server, with the texts that name them.
  private static func openChannels(
    _ settings: ResolverSettings,
    _ resolv: [UInt8],
    _ patience: AresChannel.Patience
  ) throws(AresChannel.Failure) -> (servers: [String], channels: [AresChannel]) {
    let search = SearchDomains(parsing: resolv, hostName: Process.hostName)
    let servers = try AresChannel.servers(settings.servers, resolvPath: settings.resolvPath)
    var channels: [AresChannel] = []
    for server in servers {
      channels.append(
        try AresChannel(server: server, resolvPath: settings.resolvPath, search: search, patience: patience)
      )
    }
    return (servers, channels)
  }

  private mutating func run() throws {
    do {
      try turn()
      closeChannels()
    } catch {
      closeChannels()
      // Nobody else will answer those.
      let answer = ResolverAnswer(resolution: .unavailable("\(error)"), expiresAt: Clock.bootTime(), isFinal: true)
      for reply in replies.values { reply(answer) }
      throw error
    }
  }

  private mutating func closeChannels() {
    for index in channels.indices {
      channels[index].close()
      // Nothing but its sockets is told by a channel that is closed.
      for change in channels[index].takeSocketChanges() { polled.remove(change.descriptor) }
    }
  }

  private mutating func turn() throws {
    while !isStopped {
      let count = try poller.wait(milliseconds: waitMilliseconds)
      for index in 0..<count {
        let (token, readiness) = poller.event(index)
        if token == Self.mailboxToken { continue }
        let (channel, descriptor) = (channels[Int(token >> 32)], Int32(truncatingIfNeeded: token))
        // Closed meanwhile by what was done for another event.
        guard polled.contains(descriptor) else { continue }
        channel.process(descriptor, reads: readiness.isReadable, writes: readiness.isWritable)
        try collect(Int(token >> 32))
      }
      for index in channels.indices where channels[index].patienceMilliseconds == 0 {
        channels[index].process()
        try collect(index)
      }
      followFiles()
      takeMessages()
      table.tick(now: Clock.bootTime())
      try perform()
    }
  }

  /// Takes over what has changed in the files of the system.
  private mutating func followFiles() {
    let now = Clock.bootTime()
    if hostsFile.hasChanged(now: now) { table.hosts = HostsFile(parsing: hostsFile.read()) }
    // Half written, it may be unusable for a moment; then what was known stays.
    guard resolvFile.hasChanged(now: now),
      let (servers, channels) = try? Self.openChannels(settings, resolvFile.read(), patience)
    else { return }
    closeChannels()
    self.channels = channels
    table.replaceServers(servers, now: now)
  }

  private var waitMilliseconds: Int32? {
    let now = Clock.bootTime()
    let due = table.nextDueAt.map { Int32(clamping: ($0.nanoseconds(since: now) + 999_999) / 1_000_000) }
    return (channels.map(\.patienceMilliseconds) + [due]).compactMap { $0 }.min()
  }

  private mutating func takeMessages() {
    let messages = inbox.drain()
    if messages.isEmpty { return }
    let now = Clock.bootTime()
    for message in messages {
      guard case .query(let query) = message else {
        isStopped = true
        return
      }
      lastAsker += 1
      replies[lastAsker] = query.reply
      table.ask(lastAsker, name: query.name, family: query.family, askedAt: query.askedAt, now: now)
    }
  }

  /// What a channel has to tell after each call into it.
  private mutating func collect(_ index: Int) throws(SystemError) {
    let channel = channels[index]
    try follow(channel.takeSocketChanges(), of: index)
    let now = Clock.bootTime()
    for (ticket, reply) in channel.takeReplies() {
      switch ticket {
      case .question(let number, _): table.replied(number, server: index, reply, now: now)
      case .probe: table.probeReplied(server: index, reply, now: now)
      }
    }
  }

  /// Follows what a channel did with its sockets. Within one call it may open one, close it and open the next, with the
  /// same number; only the last counts. A descriptor that is closed has left the poll set by itself, epoll(7).
  private mutating func follow(_ changes: [AresChannel.SocketChange], of index: Int) throws(SystemError) {
    for (place, change) in changes.enumerated() {
      guard change.reads || change.writes else {
        polled.remove(change.descriptor)
        continue
      }
      if changes[(place + 1)...].contains(where: { $0.descriptor == change.descriptor }) { continue }
      let interest = Poller.Readiness(
        rawValue: (change.reads ? Poller.Readiness.read.rawValue : 0)
          | (change.writes ? Poller.Readiness.write.rawValue : 0)
      )
      let token = UInt64(index) << 32 | UInt64(UInt32(bitPattern: change.descriptor))
      if polled.insert(change.descriptor).inserted {
        try poller.add(change.descriptor, for: interest, token: token)
      } else {
        try poller.modify(change.descriptor, for: interest, token: token)
      }
    }
  }

  /// Does what the table says, until that leads to nothing more.
  private mutating func perform() throws(SystemError) {
    while true {
      let actions = table.takeActions()
      if actions.isEmpty { break }
      status.publish(table.counters, table.sharedPulse)
      for action in actions {
        switch action {
        case .send(let question, let name, let family, let server):
          channels[server].ask(name, .question(question, family))
          try collect(server)
        case .probe(let server):
          channels[server].ask(Self.probeName, .probe)
          try collect(server)
        case .deliver(let asker, let answer): deliver(answer, to: asker)
        }
      }
    }
    status.publish(table.counters, table.sharedPulse)
  }

  private mutating func deliver(_ answer: ResolverAnswer, to asker: UInt64) {
    guard let reply = answer.isFinal ? replies.removeValue(forKey: asker) : replies[asker] else { return }
    guard case .addresses(let addresses) = answer.resolution else { return reply(answer) }
    let resolution = Resolution.addresses(sources.ordered(addresses, now: Clock.bootTime()))
    reply(ResolverAnswer(resolution: resolution, expiresAt: answer.expiresAt, isFinal: answer.isFinal))
  }
}

extension NameTable.Limits {
  init(_ settings: ResolverSettings) {
    self.init()
    lookupTimeout = settings.lookupTimeout
    tryTimeout = min(tryTimeout, settings.lookupTimeout / 5)
  }
}

extension AresChannel.Patience {
  /// The library doubles its patience with each try; together they are longer than a look-up may take, which the table
  /// ends.
  init(of limits: NameTable.Limits) {
    let first = max(1, limits.tryTimeout.wholeNanoseconds / 1_000_000)
    let whole = limits.lookupTimeout.wholeNanoseconds / 1_000_000
    var (tries, sum): (Int32, UInt64) = (1, first)
    while sum < whole + first, tries < 10 {
      sum += first << UInt64(tries)
      tries += 1
    }
    self.init(tryMilliseconds: Int32(clamping: first), tries: tries)
  }
}
