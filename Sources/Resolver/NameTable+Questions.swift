// Questions on their way: which server has them, and what the servers say.

import DequeModule
package import FetchModel
package import PosixIO

/// What became of a question to one server.
package enum ServerReply: Equatable, Sendable {
  case addresses([SocketAddress], ttlSeconds: UInt32)
  case notFound
  case noAddress
  /// The server answered that it cannot answer, or what it said makes no sense.
  case failed(String)
  /// Nothing came.
  case silent
  /// It cannot be asked; with the reason.
  case unreachable(String)
  /// No server can be asked for such a name.
  case unaskable

  /// Whether the server said anything.
  package var isHeard: Bool {
    switch self {
    case .addresses, .notFound, .noAddress, .failed: true
    case .silent, .unreachable, .unaskable: false
    }
  }
}

/// A question that has left.
struct Question {
  let key: QuestionKey
  /// When it left for these servers; they may have been replaced since it left first.
  let leftAt: Instant
  let firstServer: Int
  /// Servers asked, and those of them that have not replied, by the bits of their numbers.
  private var asked: UInt64 = 0
  private var open: UInt64 = 0
  private(set) var lastAskedAt: Instant
  var firstHasReplied = false
  /// Whether it has left its place to another.
  var isQuiet = false
  /// What a server said that failed, and why the last one was unreachable.
  var failure: String?
  var obstacle: String?

  init(key: QuestionKey, leftAt: Instant, firstServer: Int) {
    (self.key, self.leftAt, self.firstServer) = (key, leftAt, firstServer)
    lastAskedAt = leftAt
  }

  func hasAsked(_ server: Int) -> Bool { asked & 1 << UInt64(server) != 0 }

  func isOpen(_ server: Int) -> Bool { open & 1 << UInt64(server) != 0 }

  var isOpen: Bool { open != 0 }

  mutating func ask(_ server: Int, now: Instant) {
    asked |= 1 << UInt64(server)
    open |= 1 << UInt64(server)
    lastAskedAt = now
  }

  mutating func close(_ server: Int) { open &= ~(1 << UInt64(server)) }
}

extension NameTable {
  /// Sends what waits, as far as the limit allows.
  mutating func launch(now: Instant) {
    defer { line.tick(now: now) }
    if let outageEnd = silence.outageEnd, now < outageEnd { return refuseWaiting(until: outageEnd, now: now) }
    while hasRoom(now: now), let key = takeWaiting(now: now) {
      lastQuestion += 1
      countQuery()
      running[lastQuestion] = Question(key: key, leftAt: now, firstServer: preferred)
      lookupEnds.append(Due(at: now + limits.lookupTimeout, what: lastQuestion))
      quietStarts.append(Due(at: now + limits.tryTimeout, what: lastQuestion))
      silence.questionLeft(now)
      askFirst(lastQuestion, now: now)
    }
  }

  private func hasRoom(now: Instant) -> Bool {
    // Servers that were unreachable are tried with one question.
    if silence.isOutage { return running.isEmpty }
    return running.count - (isHearing(now: now) ? min(quietCount, limits.quietQuestions) : 0) < limits.questions
  }

  /// A question has been on its way for a whole try.
  mutating func becomeQuiet(_ number: UInt64, now: Instant) {
    // It may have left anew meanwhile, for other servers.
    guard let question = running[number], !question.isQuiet, question.leftAt + limits.tryTimeout <= now else { return }
    running[number]?.isQuiet = true
    quietCount += 1
  }

  private mutating func takeWaiting(now: Instant) -> QuestionKey? {
    guard let key = waiting.popFirst() else { return nil }
    line.leave(now: now)
    return key
  }

  private mutating func askFirst(_ number: UInt64, now: Instant) {
    probeDeaf(now: now)
    // If all are deaf, the preferred one.
    let server = nextServer(number, deaf: false, now: now) ?? preferred
    ask(server, number, now: now)
  }

  /// The servers asked have said nothing for a while: one more, if there is one.
  mutating func tryNextServer(_ number: UInt64, now: Instant) {
    guard let question = running[number], question.lastAskedAt + limits.tryTimeout <= now else { return }
    suspectDeafness(of: question, now: now)
    if let server = nextServer(number, deaf: false, now: now) { return ask(server, number, now: now) }
    if let failure = question.failure { return finish(number, .failed(failure), for: limits.failureLifetime, now: now) }
    if let server = nextServer(number, deaf: true, now: now) { ask(server, number, now: now) }
  }

  /// The first, from the preferred one on, that was not asked.
  private func nextServer(_ number: UInt64, deaf: Bool, now: Instant) -> Int? {
    guard let question = running[number] else { return nil }
    for step in servers.indices {
      let server = (question.firstServer + step) % servers.count
      if !question.hasAsked(server), deaf || !isDeaf(server, now: now) { return server }
    }
    return nil
  }

  private mutating func ask(_ server: Int, _ number: UInt64, now: Instant) {
    running[number]?.ask(server, now: now)
    guard let question = running[number], let name = records[question.key.record.place]?.name else { return }
    actions.append(.send(question: number, name: name, family: question.key.family, server: server))
    if servers.count > 1 { nextTries.append(Due(at: now + limits.tryTimeout, what: number)) }
  }

  /// A server replied to a question, or did not.
  package mutating func replied(_ number: UInt64, server: Int, _ reply: ServerReply, now: Instant) {
    if reply.isHeard { heard(server, now: now) }
    // Too late, or another server was faster.
    guard var question = running[number] else { return reply.isHeard ? listenOn(now: now) : () }
    question.close(server)
    if server == question.firstServer, reply.isHeard { question.firstHasReplied = true }
    running[number] = question
    switch reply {
    case .addresses(let addresses, let ttl):
      let lifetime = Duration.seconds(min(ttl, limits.longestLifetimeSeconds))
      prefer(server, over: question)
      finish(number, addresses.isEmpty ? .noAddress : .addresses(addresses), for: lifetime, now: now)
    case .notFound, .noAddress:
      prefer(server, over: question)
      finish(number, reply == .notFound ? .notFound : .noAddress, for: limits.negativeLifetime, now: now)
    case .unaskable:
      finish(number, .notFound, for: limits.negativeLifetime, now: now)
    case .failed(let text):
      running[number]?.failure = "name server \(servers[server]) \(text)"
      goOn(number, now: now)
    case .silent:
      goOn(number, now: now)
    case .unreachable(let text):
      running[number]?.obstacle = text
      probeUnlessProbing(server, now: now)
      goOn(number, now: now)
    }
    if reply.isHeard { listenOn(now: now) }
    launch(now: now)
  }

  /// There are other servers, or other ways to them. What is on its way is asked again; replies to what was sent until
  /// now must not be given to the table any more.
  package mutating func replaceServers(_ servers: [String], now: Instant) {
    precondition(1...ServerList.longest ~= servers.count, "a table of names without a server, or with too many")
    self.servers = servers
    preferred = 0
    silence.startAnew(now)
    quietCount = 0
    // What was still to be sent has numbers of servers that mean others now.
    actions.removeAll { if case .deliver = $0 { false } else { true } }
    for (number, question) in running.sorted(by: { $0.key < $1.key }) {
      running[number] = Question(key: question.key, leftAt: now, firstServer: preferred)
      quietStarts.append(Due(at: now + limits.tryTimeout, what: number))
      silence.questionLeft(now)
      askFirst(number, now: now)
    }
  }

  /// The time of a look-up is over.
  mutating func timeOut(_ number: UInt64, now: Instant) {
    guard let question = running[number] else { return }
    if let failure = question.failure { return finish(number, .failed(failure), for: limits.failureLifetime, now: now) }
    switch pulse.verdict(since: question.leftAt, now: now) {
    case .living:
      let text =
        "no answer within \(limits.lookupTimeout.inSeconds) s from \(serverNames), which answer other questions"
      finish(number, .timedOut(text), for: limits.failureLifetime, now: now)
    case .unclear: overdue.append(number)
    case .silent, .waiting:
      finish(number, .unavailable(unavailableText), for: .zero, now: now)
      // Nor would those be answered that have not left.
      guard let due = silenceDueAt, due <= now else { return }
      while let key = takeWaiting(now: now) { conclude(key, .unavailable(unavailableText), until: now, now: now) }
    }
  }

  mutating func finish(_ number: UInt64, _ resolution: Resolution, for lifetime: Duration, now: Instant) {
    finish(number, resolution, until: now + lifetime, now: now)
  }

  mutating func finish(_ number: UInt64, _ resolution: Resolution, until expiresAt: Instant, now: Instant) {
    guard let question = running.removeValue(forKey: number) else { return }
    if question.isQuiet { quietCount -= 1 }
    conclude(question.key, resolution, until: expiresAt, now: now)
  }

  /// After a server that was of no use: the next, or the end. Once a server has failed, what others have not said
  /// within a try is not waited for.
  private mutating func goOn(_ number: UInt64, now: Instant) {
    if let server = nextServer(number, deaf: false, now: now) { return ask(server, number, now: now) }
    guard let question = running[number] else { return }
    if let failure = question.failure, !question.isOpen || question.lastAskedAt + limits.tryTimeout <= now {
      finish(number, .failed(failure), for: limits.failureLifetime, now: now)
    } else if question.isOpen {
      return
    } else if let server = nextServer(number, deaf: true, now: now) {
      ask(server, number, now: now)
    } else if question.obstacle != nil {
      suspect(number, now: now)
    } else {
      timeOut(number, now: now)
    }
  }

  /// A server that answers where the preferred one says nothing is preferred from now on.
  private mutating func prefer(_ server: Int, over question: Question) {
    if server != question.firstServer, !question.firstHasReplied { preferred = server }
  }

  private mutating func refuseWaiting(until outageEnd: Instant, now: Instant) {
    while let key = takeWaiting(now: now) { conclude(key, .unavailable(unavailableText), until: outageEnd, now: now) }
  }

  private var serverNames: String { servers.joined(separator: ", ") }

  var unavailableText: String {
    let reason = silence.obstacle.map { " (\($0))" } ?? ""
    return "no name server answers: \(serverNames)\(reason); see --dns-servers and /etc/resolv.conf"
  }
}
