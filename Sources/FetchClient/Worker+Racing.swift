import FetchModel
import Glibc
import PosixIO
import Proxies

/// One attempt of a race, as long as it runs.
final class RacingSocket {
  /// Its index among the race's candidates.
  let attempt: Int
  /// nil once it was taken for the connection.
  var socket: StreamSocket?
  let source: SocketSource?

  init(attempt: Int, socket: consuming StreamSocket, source: SocketSource?) {
    self.attempt = attempt
    self.socket = consume socket
    self.source = source
  }
}

/// TCP by Happy Eyeballs: `ConnectionRace` says which address is tried when, and here it is done.
extension Worker {
  /// Begins with the address that connected last, or behind one that did not, so that a dead address costs one
  /// connection something and not each.
  func race(_ connection: Connection, to addresses: [SocketAddress], isComplete: Bool, _ job: WorkerJob) {
    if connection.waitedForName { connection.dnsTime = now.nanoseconds(since: connection.openedAt) }
    let start = connection.origin.preferredAddress.flatMap { addresses.firstIndex(of: $0) } ?? 0
    connection.race = ConnectionRace(Array(addresses[start...] + addresses[..<start]), isComplete: isComplete)
    connection.state = .connecting
    connection.stageStart = connection.openedAt
    runRace(connection, job)
  }

  /// Starts what is due; ends the connection if nobody can win any more.
  func runRace(_ connection: Connection, _ job: WorkerJob) {
    while connection.state == .connecting, let attempt = connection.race.begin(at: now) { start(attempt, connection) }
    guard connection.state == .connecting else { return }
    if connection.race.isLost { lose(connection) } else { renewDeadline(connection, .connecting, job) }
  }

  private func start(_ attempt: Int, _ connection: Connection) {
    let address = connection.race.candidates[attempt]
    var problem = (error: SystemError("connect", number: EADDRNOTAVAIL), isLocal: true)
    // Where one address of this host has no port left, or is gone, another may do.
    for _ in 0..<max(1, dialing.sources.count) {
      let source = nextSource(for: address.family)
      guard source != nil || dialing.sources.isEmpty else {
        return connection.race.failed(attempt, EAFNOSUPPORT)
      }
      do throws(SystemError) {
        let socket = try bound(to: source, for: address)
        return try connect(attempt, of: connection, socket, to: address, from: source)
      } catch {
        problem = (error, isLocalTrouble(error, at: address, from: source))
        guard problem.isLocal, dialing.sources.count > 1 else { break }
      }
    }
    connection.race.failed(attempt, problem.error.number, isLocal: problem.isLocal)
  }

  private func bound(to source: SocketSource?, for address: SocketAddress) throws(SystemError) -> StreamSocket {
    let socket = try StreamSocket(family: address.family)
    if let source { try socket.bind(to: source) }
    return socket
  }

  private func connect(
    _ attempt: Int,
    of connection: Connection,
    _ socket: consuming StreamSocket,
    to address: SocketAddress,
    from source: SocketSource?
  ) throws(SystemError) {
    let outcome = try socket.connect(to: address)
    try poller.add(socket.rawValue, for: .write, token: connection.pollToken(ofAttempt: attempt))
    connection.racing.append(RacingSocket(attempt: attempt, socket: socket, source: source))
    if outcome == .connected { finishConnecting(connection, attempt) }
  }

  /// In turn, so that each gives its ports (`--interface`); nil where the kernel chooses, or none serves the family.
  private func nextSource(for family: SocketAddress.Family) -> SocketSource? {
    for _ in dialing.sources.indices {
      let source = dialing.sources[sourceTurn % dialing.sources.count]
      sourceTurn += 1
      if source.serves(family) { return source }
    }
    return nil
  }

  /// Ports have run out if this host could reach the address from one of its own; if it could not, as one without IPv6
  /// an IPv6 address, that is the address's fault (connect(2), EADDRNOTAVAIL).
  private func isLocalTrouble(_ error: SystemError, at address: SocketAddress, from source: SocketSource?) -> Bool {
    // A source that is gone is nobody else's fault, whatever the errno.
    if error.isOfBinding { return true }
    guard FailureMapping.isLocalTrouble(error.number) else { return false }
    guard error.number == EADDRNOTAVAIL else { return true }
    do throws(SystemError) { return try StreamSocket.canReach(address, from: source) } catch {
      return true
    }
  }

  /// An attempt's socket has become ready: it has won, or the next one is due.
  func finishConnecting(_ connection: Connection, _ attempt: Int) {
    now = Clock.bootTime()
    guard let job, let index = connection.racing.firstIndex(where: { $0.attempt == attempt }) else { return }
    let racer = connection.racing[index]
    let number = racer.socket?.pendingError() ?? ECONNABORTED
    guard number == 0 else {
      connection.racing.remove(at: index)
      let error = SystemError("connect", number: number)
      let address = connection.race.candidates[attempt]
      connection.race.failed(attempt, number, isLocal: isLocalTrouble(error, at: address, from: racer.source))
      return runRace(connection, job)
    }
    win(connection, racer)
  }

  private func win(_ connection: Connection, _ racer: RacingSocket) {
    let origin = connection.origin
    let address = connection.race.candidates[racer.attempt]
    connection.socket = racer.socket.take()
    connection.pollToken = connection.pollToken(ofAttempt: racer.attempt)
    connection.interest = .write
    // The others' sockets close here.
    connection.racing = []
    effort.connectionsOpened += 1
    connection.remoteIP = Array(address.addressText.utf8)
    origin.preferredAddress = address
    if connection.goal == .target { connection.hasGlobalPeer = isGlobalAddress(address.address) }
    switch origin.route {
    case .direct, .forward: connected(connection)
    case .tunnelToName(let proxy), .tunnelToAddress(let proxy): openTunnel(connection, by: proxy)
    }
  }

  private func lose(_ connection: Connection) {
    connection.connectTime = now.nanoseconds(since: connection.openedAt) - (connection.dnsTime ?? 0)
    let text = (connection.goal == .proxy ? "proxy " : "") + connection.race.report
    guard !connection.race.lacksSomething, let number = connection.race.decisiveError else {
      return localTrouble(connection, "connect: \(text)")
    }
    passOver(connection)
    fail(connection, FailureMapping.connect(number, text))
  }

  /// None of the addresses that were tried answers: the next connection begins behind the first.
  func passOver(_ connection: Connection) {
    if let next = connection.race.firstUntried { connection.origin.preferredAddress = next }
  }
}
