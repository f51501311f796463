import FetchModel
import PosixIO
import Proxies
import Resolver
import WireProtocol

/// From a name to addresses: rules and numbers at once, everything else by the resolver, once for all that wait.
extension Worker {
  /// Answers that are kept before those that have expired are looked for, and at most: the resolver has the rest.
  private static let fewestNames = 1024
  private static let mostNames = 16_384
  /// How often it is looked whether name servers live.
  private static let pulseInterval: UInt64 = 50_000_000

  /// Finds the addresses of what the connection needs next, and goes on there.
  func seek(_ goal: Connection.Goal, for connection: Connection, _ job: WorkerJob) {
    connection.goal = goal
    let (host, port) = place(of: connection)
    if let fixed = job.book.addresses(host: host, port: port) {
      return found(fixed, isComplete: true, for: connection, job)
    }
    if AddressBook.isInvalid(host) { return failedToResolve(connection, .notFound) }
    let name = nameSlot(host)
    switch name.state {
    case .known(let addresses, let end) where now < end:
      effort.resolverHits += 1
      found(addresses, isComplete: true, for: connection, job)
    case .missing(let resolution, let end) where now < end:
      effort.resolverHits += 1
      failedToResolve(connection, resolution)
    case .asked(_, let early):
      effort.resolverHits += 1
      beginOrWait(name, early, connection, job)
    case .unknown, .known, .missing:
      name.waiting.append(connection)
      ask(for: name, job)
    }
  }

  /// Begins with what there is of a name, if that is of use, or waits for the rest.
  private func beginOrWait(_ name: NameSlot, _ early: [SocketAddress], _ connection: Connection, _ job: WorkerJob) {
    guard isUsable(early, for: connection, job) else { return name.waiting.append(connection) }
    name.early.append(connection)
    found(early, isComplete: false, for: connection, job)
  }

  /// Whether some may be tried: of mixed answers those that may not are left out, whichever comes first.
  private func isUsable(_ early: [SocketAddress], for connection: Connection, _ job: WorkerJob) -> Bool {
    guard !early.isEmpty else { return false }
    guard connection.goal == .target else { return true }
    return AddressScreen(early, dialing, staysGlobal: connection.attempt.staysGlobal).refusal == nil
  }

  /// What the connection is looking for the address of.
  func place(of connection: Connection) -> (host: [UInt8], port: UInt16) {
    let origin = connection.origin
    switch (connection.goal, origin.route.server) {
    case (.proxy, let proxy?): return (proxy.host, proxy.port)
    case (.target, _), (.proxy, nil): return origin.destination
    }
  }

  private func nameSlot(_ host: [UInt8]) -> NameSlot {
    if let known = names[host] { return known }
    if names.count >= namesDueAt {
      names = names.filter { $0.value.isOfUse(at: now) }
      if names.count > Self.mostNames / 2 { names = names.filter { $0.value.isAsked } }
      namesDueAt = max(Self.fewestNames, 2 * names.count)
    }
    let name = NameSlot(host: host)
    names[host] = name
    return name
  }

  private func ask(for name: NameSlot, _ job: WorkerJob) {
    lastQuery += 1
    let query = lastQuery
    name.state = .asked(query: query, early: [])
    name.askedAt = now
    queries[query] = name
    let inbox = inbox
    let text = String(decoding: name.host, as: UTF8.self)
    resolver.ask(
      Resolver.Query(name: text, family: job.book.family, askedAt: now) { answer in
        inbox.send(.resolved(ResolvedName(query: query, answer: answer)))
      }
    )
  }

  /// An answer of the resolver: addresses of one family, or all there is to say.
  func resolved(_ resolved: ResolvedName) {
    guard let name = queries[resolved.query], let job else { return }
    let answer = resolved.answer
    let waiting = name.waiting.filter { $0.state == .resolving }
    name.waiting = []
    for connection in waiting { connection.waitedForName = true }
    guard answer.isFinal else {
      let early = answer.resolution.addresses
      name.state = .asked(query: resolved.query, early: early)
      // Each may end others that wait.
      for connection in waiting where connection.state == .resolving { beginOrWait(name, early, connection, job) }
      return
    }
    queries[resolved.query] = nil
    let addresses = answer.resolution.addresses
    // One that needs a proxy's address meanwhile has gone on from this name.
    let racing = name.early.filter { place(of: $0).host == name.host }
    name.early = []
    name.state =
      addresses.isEmpty
      ? .missing(answer.resolution, until: answer.expiresAt) : .known(addresses, until: answer.expiresAt)
    for connection in racing { foundMore(addresses, for: connection, job) }
    for connection in waiting where connection.state == .resolving {
      if addresses.isEmpty {
        failedToResolve(connection, answer.resolution)
      } else {
        found(addresses, isComplete: true, for: connection, job)
      }
    }
  }

  private func failedToResolve(_ connection: Connection, _ resolution: Resolution) {
    let host = String(decoding: place(of: connection).host, as: UTF8.self)
    let name = connection.goal == .proxy ? "proxy \(host)" : host
    switch resolution {
    case .notFound: fail(connection, FetchFailure(.dnsNotFound, in: .dns, "\(name): no such name"))
    case .noAddress, .addresses:
      fail(connection, FetchFailure(.dnsNoAddress, in: .dns, "\(name): has no address of the family wanted"))
    case .failed(let text): fail(connection, FetchFailure(.dnsServfail, in: .dns, "\(name): \(text)"))
    case .timedOut(let text): fail(connection, FetchFailure(.dnsTimeout, in: .dns, "\(name): \(text)"))
    case .unavailable(let text): localTrouble(connection, "resolver: \(text)", isShort: false)
    }
  }

  /// Its time is up, and there is no address yet. That is the name's fault only if servers were asked for it, and live.
  func resolvingExpired(_ connection: Connection) -> Bool {
    let host = place(of: connection).host
    switch resolver.pulse.verdict(since: names[host]?.askedAt ?? connection.openedAt, now: now) {
    case .living: return false
    case .unclear:
      // It will be clear within about a second.
      setDeadline(connection, now.adding(nanoseconds: Self.pulseInterval), connection.deadlineCode)
    case .waiting:
      let text = String(decoding: host, as: UTF8.self)
      localTrouble(connection, "resolver: \(text) waits for its turn behind other names", isShort: false)
    case .silent:
      let text = String(decoding: host, as: UTF8.self)
      localTrouble(connection, "resolver: no name server answers while \(text) is asked for", isShort: false)
    }
    return true
  }
}
