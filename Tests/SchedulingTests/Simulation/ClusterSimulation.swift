import FetchModel
import Scheduling

// Theory of operation
//
// A coordinator and a few agents live in virtual time: the simulation goes from one due instant to the next. All that
// is random comes from the seed, and nothing depends on the order of a dictionary, so a seed is a story that can be
// told again. The scheduler, the agents' sessions and outboxes are those of the product; around them stand the least
// shells that do what the real ones do, a network, a disk and origins, and all of these can go wrong. The oracle
// keeps books of its own and looks at each step. Faults stop at a known time; from then on the job has to end.

/// A cluster in virtual time.
struct ClusterSimulation {
  private static let tick: UInt64 = 100_000_000
  private static let beginning = Instant(nanoseconds: 5_000_000_000)
  private static let patience: UInt64 = 1_200_000_000_000

  private var random: SimulationRandom
  private let origins: SimulatedOrigins
  private var coordinator: SimulatedCoordinator
  private var oracle: SimulationOracle
  private var agents: [SimulatedAgent] = []
  private var links: [SimulatedLink] = []
  private var linkRestored: [Instant] = []
  private let weather: Weather
  private var isStormy: Bool
  private let mutation: Mutation?
  private let faultsEnd: Instant
  private var nextFault: Instant
  private var nextTick = beginning
  private var now = beginning
  private let isTraced: Bool
  private(set) var trace: [String] = []
  private(set) var steps = 0

  /// What this story has shown.
  var coverage: SimulationCoverage { coordinator.coverage }

  init(seed: UInt64, mutation: Mutation? = nil, isTraced: Bool = false) {
    self.isTraced = isTraced
    self.mutation = mutation
    var random = SimulationRandom(seed: seed)
    let hasFaults = random.chance(80)
    faultsEnd = Self.beginning.adding(nanoseconds: hasFaults ? random.milliseconds(0...45_000) : 0)
    nextFault = hasFaults ? Self.beginning.adding(nanoseconds: random.milliseconds(0...3000)) : .distantFuture
    origins = SimulatedOrigins(
      count: random.chance(15) ? random.number(20...40) : random.number(1...6),
      hasFaults: hasFaults,
      from: Self.beginning,
      until: faultsEnd,
      random: &random
    )
    let input = Self.input(origins: origins.count, random: &random)
    let configuration = Self.configuration(seed, &random)
    oracle = SimulationOracle(
      input: input,
      limit: configuration.connectionsPerOrigin,
      leaseNanoseconds: mutation == .expiresEarly ? 5_000_000_000 : configuration.leaseNanoseconds
    )
    coordinator = SimulatedCoordinator(configuration, input: input, mutation: mutation, now: Self.beginning)
    var weather = Weather()
    weather.latency = random.chance(20) ? 300 : 20
    isStormy = hasFaults && random.chance(40)
    if isStormy {
      weather.lost = random.number(0...20)
      weather.doubled = random.number(0...20)
      weather.swapped = random.number(0...20)
    }
    self.weather = weather
    for index in 0..<random.number(1...4) {
      agents.append(
        SimulatedAgent(index: index, retries: configuration.retry.count, mutation: mutation, random: &random)
      )
      links.append(SimulatedLink())
      linkRestored.append(.zero)
      // Agents come when they come.
      if random.chance(40) {
        agents[index].life = .dead(until: Self.beginning.adding(nanoseconds: random.milliseconds(0...8000)))
      }
    }
    self.random = random
  }

  private static func input(origins: Int, random: inout SimulationRandom) -> [PlannedRow] {
    let unsafePercent = random.chance(50) ? UInt64(random.number(5...100)) : 0
    let rows = random.chance(8) ? random.number(300...900) : random.number(1...120)
    return (0..<rows).map { _ in
      let home = random.chance(3) ? nil : random.chance(40) ? 0 : random.number(0...origins - 1)
      return PlannedRow(
        home: home,
        length: random.number(20...300),
        isUnsafe: home != nil && random.chance(unsafePercent)
      )
    }
  }

  private static func configuration(_ seed: UInt64, _ random: inout SimulationRandom) -> Scheduler.Configuration {
    var retry = RetryPolicy()
    retry.count = random.number(0...3)
    if random.chance(30) { retry.delay = .milliseconds(random.number(0...500)) }
    retry.giveUpAfter = .seconds(random.number(2...30))
    var configuration = Scheduler.Configuration(
      connectionsPerOrigin: random.number(1...8),
      retry: retry,
      seed: seed
    )
    configuration.windowRows = random.chance(30) ? random.number(1...20) : 1000
    configuration.trustWindow = random.number(2...50)
    return configuration
  }

  /// Until the job is done; returns how long it took.
  mutating func run() throws -> UInt64 {
    let end = faultsEnd.adding(nanoseconds: Self.patience)
    defer { note("the end") }
    while true {
      try step()
      steps += 1
      if coordinator.isDone, now >= faultsEnd { break }
      guard now < end else { throw SimulationFailure(.theJobEnds, coordinator.scheduler.standing) }
    }
    try oracle.checkEnd(records: coordinator.disk.records)
    try coordinator.checkLeftovers(now: now)
    return now.nanoseconds(since: Self.beginning)
  }

  private mutating func note(_ text: @autoclosure () -> String) {
    guard isTraced else { return }
    for note in coordinator.takeNotes() { trace.append("\(time)  \(note)") }
    trace.append("\(time)  \(text())")
  }

  private var time: String { "\(now.nanoseconds(since: Self.beginning) / 1_000_000) ms" }

  // MARK: Steps

  private mutating func step() throws {
    now = max(now, due)
    if now >= nextFault { try injectFault() }
    for index in agents.indices { try stepAgent(index) }
    try stepCoordinator()
    try checkConnections()
    if now >= nextTick { nextTick = now.adding(nanoseconds: Self.tick) }
  }

  private var due: Instant {
    var due = min(nextTick, nextFault)
    for index in agents.indices {
      due = min(due, agents[index].due)
      // A frozen process reads nothing, however much has come.
      if agents[index].life == .running { due = min(due, links[index].downwardDue) }
      if coordinator.life == .running { due = min(due, links[index].upwardDue) }
    }
    switch coordinator.life {
    case .running: due = min(due, coordinator.diskDue)
    case .frozen(let end), .dead(let end): due = min(due, end)
    }
    return due
  }

  private mutating func stepAgent(_ index: Int) throws {
    if linkRestored[index] <= now, !links[index].isUp, isCoordinatorThere {
      links[index].restore()
      note("link \(index) up")
    }
    switch agents[index].life {
    case .frozen(let end):
      guard end <= now else { return }
      agents[index].life = .running
      note("agent \(index) awake")
    case .dead(let end):
      guard end <= now else { return }
      // A process has no more than one connection: the old one's end is seen before the new one begins.
      links[index].cut()
      if isCoordinatorThere { links[index].restore() }
      agents[index].beBorn(isCopy: random.chance(10), random: &random)
      note("agent \(index) born")
    case .running: break
    }
    // Threads of a process that wakes up run in any order.
    if random.chance(50) { try work(index) }
    while let message = links[index].receiveDownward(now: now) {
      note("agent \(index) gets \(message)")
      agents[index].receive(message, now: now, linkIsUp: links[index].isUp)
    }
    if random.chance(50) { try work(index) }
    agents[index].tick(now: now, linkIsUp: links[index].isUp)
    try work(index)
    try sendFrom(index)
  }

  private var isCoordinatorThere: Bool { if case .dead = coordinator.life { false } else { true } }

  private mutating func sendFrom(_ index: Int) throws {
    let hasParted = agents[index].departIfDone(now: now)
    for var message in agents[index].takeMessages() {
      if case .hello(var greeting, let nonce, let holdings) = message.body {
        greeting.link = UInt64(index) << 32 | UInt64(links[index].connection)
        message = AgentMessage(body: .hello(greeting, nonce: nonce, holdings: holdings))
      }
      note("agent \(index) says \(message.body) (\(message.session) no. \(message.number))")
      links[index].send(message, now: now, isStormy ? weather : Weather(latency: weather.latency), &random)
    }
    if hasParted {
      note("agent \(index) is gone")
      agents[index].die(until: now.adding(nanoseconds: random.milliseconds(500...20_000)))
    }
  }

  private mutating func work(_ index: Int) throws {
    try agents[index].work(now: now, origins: origins, random: &random)
    for start in agents[index].starts {
      note("agent \(index) starts \(start.row.seq) under \(start.lease)")
      try oracle.started(start, now: now)
    }
    agents[index].starts = []
  }

  private mutating func stepCoordinator() throws {
    switch coordinator.life {
    case .running: break
    case .frozen(let end):
      guard end <= now else { return }
      coordinator.life = .running
      note("coordinator awake")
    case .dead(let end):
      guard end <= now else { return }
      coordinator.restart(now: now)
      let epoch = coordinator.epoch
      note("coordinator restarted, epoch \(epoch)")
    }
    var hasNews = false
    for index in agents.indices {
      while let message = links[index].receiveUpward(now: now) {
        hasNews = true
        try receive(message, from: index)
      }
    }
    let delay = random.milliseconds(1...(random.chance(20) ? 400 : 20))
    coordinator.connections = links.map { $0.isUp ? $0.connection : nil }
    let before = coordinator.scheduler.counts
    defer { if !isTraced { _ = coordinator.takeNotes() } }
    try coordinator.step(now: now, diskDelay: delay, random: &random, origins: origins, oracle: &oracle)
    for outgoing in coordinator.outgoing where links[outgoing.agent].connection == outgoing.connection {
      note("to agent \(outgoing.agent): \(outgoing.message)")
      let weather = isStormy ? weather : Weather(latency: weather.latency)
      links[outgoing.agent].send(outgoing.message, now: now, weather, &random)
    }
    if hasNews || before != coordinator.scheduler.counts || !coordinator.outgoing.isEmpty {
      try oracle.check(coordinator.counts, audit: coordinator.scheduler.audit())
    }
    coordinator.outgoing = []
  }

  private mutating func receive(_ message: AgentMessage, from index: Int) throws {
    try coordinator.receive(
      message,
      from: index,
      connection: links[index].connection,
      now: now,
      diskDelay: random.milliseconds(1...20),
      oracle: &oracle
    )
  }

  /// Sockets that are open at agents that are not over their lease.
  private func checkConnections() throws {
    for origin in 0..<origins.count {
      let key = SimulatedOrigins.key(of: origin)
      var open = 0
      for agent in agents where agent.holdsLease(now) { open += agent.openConnections(to: key) }
      try oracle.checkOpen(open, key: key)
    }
  }

  // MARK: Faults

  private mutating func injectFault() throws {
    guard now < faultsEnd else { return endFaults() }
    nextFault = min(faultsEnd, now.adding(nanoseconds: random.milliseconds(100...5000)))
    let index = random.number(0...agents.count - 1)
    let isLong = random.chance(40)
    let until = now.adding(nanoseconds: random.milliseconds(isLong ? 8000...15_000 : 50...3000))
    switch random.number(0...19) {
    case 0...3: try crash(agent: index, until: until)
    case 4...7: freeze(agent: index, until: until)
    case 8...10:
      note("link \(index) down")
      links[index].cut()
      linkRestored[index] = until
    case 11, 12:
      let slowness = random.chance(50) ? 0 : random.milliseconds(100...13_000)
      links[index].slowness = slowness
      note("link \(index) slow by \(slowness / 1_000_000) ms")
    case 13:
      guard agents[index].life == .running else { return }
      note("agent \(index) drains")
      agents[index].drain(now: now)
    case 14:
      agents[index].isNetworkBroken.toggle()
      noteNetworks()
      note("agent \(index): its network breaks or is back")
    case 15:
      coordinator.disk.stalledUntil = until
      note("disk stalls")
    case 16:
      guard coordinator.life == .running else { return }
      coordinator.life = .frozen(until: until)
      note("coordinator freezes")
    case 17, 18: try crashCoordinator(until: until)
    default: cloneAgent(index)
    }
  }

  /// While an agent's network is broken, and for a while after, origins may seem to be down.
  private mutating func noteNetworks() {
    let isOneBroken = agents.contains(where: \.isNetworkBroken)
    oracle.brokenUntil = isOneBroken ? .distantFuture : now.adding(nanoseconds: 120_000_000_000)
  }

  private mutating func crash(agent index: Int, until: Instant) throws {
    guard case .running = agents[index].life else { return }
    note("agent \(index) crashes")
    // The end of a local process is seen at once.
    if coordinator.life == .running, random.chance(30) {
      try coordinator.processEnded(agent: index, now: now, oracle: &oracle)
    }
    links[index].cut()
    linkRestored[index] = until
    agents[index].die(until: until)
  }

  private mutating func freeze(agent index: Int, until: Instant) {
    guard case .running = agents[index].life else { return }
    note("agent \(index) freezes")
    agents[index].life = .frozen(until: until)
  }

  private mutating func crashCoordinator(until: Instant) throws {
    guard isCoordinatorThere else { return }
    note("coordinator crashes")
    try coordinator.crash(until: until, now: now, oracle)
    oracle.crashed()
    for index in links.indices {
      links[index].cut()
      linkRestored[index] = max(linkRestored[index], now.adding(nanoseconds: random.milliseconds(0...200)))
    }
  }

  /// A second process under an instance that is at work.
  private mutating func cloneAgent(_ index: Int) {
    guard agents.count > 1, case .running = agents[index].life else { return }
    let other = (index + 1) % agents.count
    guard case .running = agents[other].life else { return }
    note("agent \(index) becomes a copy of agent \(other)")
    links[index].cut()
    linkRestored[index] = now
    agents[index].die(until: now)
    agents[index].clone(of: agents[other], random: &random)
  }

  private mutating func endFaults() {
    note("faults end")
    nextFault = .distantFuture
    isStormy = false
    coordinator.disk.stalledUntil = min(coordinator.disk.stalledUntil, now)
    switch coordinator.life {
    case .running: break
    case .frozen: coordinator.life = .frozen(until: now)
    case .dead: coordinator.life = .dead(until: now)
    }
    for index in agents.indices {
      links[index].slowness = 0
      linkRestored[index] = min(linkRestored[index], now)
      agents[index].isNetworkBroken = false
      noteNetworks()
      switch agents[index].life {
      case .frozen: agents[index].life = .frozen(until: now)
      case .dead: agents[index].life = .dead(until: now)
      case .running: break
      }
    }
  }
}
