import AgentRuntime
import ArgumentParser
import ContentCodings
import FetchClient
import FetchModel
import Keys
import Logging
import PosixIO
import Resolver

@main
struct AgentCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent",
    abstract: "Fetches what a coordinator gives it; stays for the next job unless told otherwise."
  )

  @Option(help: ArgumentHelp("Where the coordinator listens: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
  var coordinator: String

  @Option(help: "Worker threads (default: one a processor, divided by --processes).")
  var threads: Int?

  @Option(help: "Processes to run, each with its own threads.")
  var processes = 1

  @Option(help: "Connections this agent may hold open, over all origins and processes.")
  var connections = 4096

  @Option(help: ArgumentHelp("This agent's folder of keys, as coordinator keygen has made it.", valueName: "dir"))
  var keys: String?

  @Flag(help: "Connect to no origin whose address is not global: loopback, private, link-local and so on.")
  var denyPrivate = false

  @Option(help: ArgumentHelp("Connect to no other ports, such as 80,443,8000-8099.", valueName: "ports"))
  var allowPorts: String?

  @Option(
    help: ArgumentHelp(
      "Addresses or devices of this host that connections leave from in turn, separated by commas.",
      valueName: "list"
    )
  )
  var interface: String?

  @Option(
    help: ArgumentHelp(
      "Name servers instead of the system's, such as 192.0.2.53,[2001:db8::53]:5353.",
      valueName: "list"
    )
  )
  var dnsServers: String?

  @Flag(help: "End after the first job.")
  var once = false

  @Option(
    help: ArgumentHelp("Keep finished rows for a coordinator that is away for so long.", valueName: "seconds")
  )
  var hold = 3600.0

  @Flag(help: "Say on standard error what happens.")
  var verbose = false

  @Option(help: .hidden)
  var lifeline: Int32?

  /// Of the memory for decoders, the part of one of several processes.
  @Option(help: .hidden)
  var decoderBytes = 256 * 1024 * 1024

  /// Locked by whoever started this agent: the lock is held until no process has it open.
  @Option(help: .hidden)
  var lockDescriptor: Int32?

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as KeyError {
      StandardError.write("agent: \(error)\n")
      exit(withError: ExitCode(2))
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      // One line, as for every other error; ArgumentParser has three of its own.
      let text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
      StandardError.write("agent: \(text) (see agent --help)\n")
      exit(withError: ExitCode.validationFailure)
    }
  }

  func validate() throws {
    guard Self.isEndpoint(coordinator) else {
      throw ValidationError("--coordinator takes tcp://HOST:PORT or ipc://PATH, not \(coordinator)")
    }
    if keys != nil, coordinator.hasPrefix("ipc://") { throw ValidationError("ipc:// has no keys; leave --keys out") }
    guard (1...256).contains(threads ?? 1) else { throw ValidationError("--threads takes 1 to 256") }
    guard (1...256).contains(processes) else { throw ValidationError("--processes takes 1 to 256") }
    guard (1...1_000_000).contains(connections) else { throw ValidationError("--connections takes 1 to 1000000") }
    if let allowPorts, PortRanges(allowPorts) == nil { throw ValidationError("--allow-ports \(PortRanges.form)") }
    if let dnsServers, let problem = ResolverSettings.problem(ofServers: dnsServers) {
      throw ValidationError("--dns-servers: \(problem)")
    }
    guard decoderBytes >= DecoderBudget.leastBytes else {
      throw ValidationError("--decoder-bytes takes \(DecoderBudget.leastBytes) at least")
    }
    guard (0...31_536_000).contains(hold) else { throw ValidationError("--hold takes 0 to 31536000 seconds") }
  }

  /// Whether something can be dialled there: ZeroMQ would say so late, or never.
  private static func isEndpoint(_ text: String) -> Bool {
    let place = text.dropFirst(6)
    if text.hasPrefix("ipc://") { return !place.isEmpty }
    guard text.hasPrefix("tcp://"), let colon = place.lastIndex(of: ":"), colon > place.startIndex else { return false }
    return UInt16(place[place.index(after: colon)...]).map { $0 > 0 } ?? false
  }

  /// The keys, if it is to have any.
  private func readKeys() throws(KeyError) -> AgentKeys? {
    guard let keys else { return nil }
    return try AgentKeys(reading: keys)
  }

  /// Where connections leave from, tried out.
  private func sources() throws -> [SocketSource] {
    guard let interface else { return [] }
    do throws(SocketSource.Problem) { return try SocketSource.list(interface) } catch {
      throw ValidationError("\(error)")
    }
  }

  func run() throws {
    let readKeys = try readKeys()
    PosixIO.Process.openStandardDescriptors()
    PosixIO.Process.makeFailedWritesErrors()
    let descriptors = Int(PosixIO.Process.raiseDescriptorLimit())
    let signals = try TerminationSignals()
    var log = Logger(label: "agent") { StreamLogHandler.standardError(label: $0) }
    log.logLevel = verbose ? .debug : .notice
    if let lockDescriptor { try InheritedDescriptor.keep(lockDescriptor) }
    let sources = try self.sources()
    // Whoever starts agents in numbers says it once.
    if lifeline == nil, let capacity = PortCapacity.ofThisHost() {
      log.notice("\(capacity.line(sources: sources.count))")
    }
    let threads = self.threads ?? max(1, PosixIO.Process.processorCount / processes)
    let share = max(1, connections / processes)
    if processes > 1 {
      var arguments = ["--coordinator", coordinator, "--threads", "\(threads)", "--connections", "\(share)"]
      arguments += ["--hold", "\(hold)"]
      if let keys { arguments += ["--keys", keys] }
      if once { arguments.append("--once") }
      if denyPrivate { arguments.append("--deny-private") }
      if let allowPorts { arguments += ["--allow-ports", allowPorts] }
      arguments += ["--decoder-bytes", "\(max(decoderBytes / processes, DecoderBudget.leastBytes))"]
      if let interface { arguments += ["--interface", interface] }
      if let dnsServers { arguments += ["--dns-servers", dnsServers] }
      if verbose { arguments.append("--verbose") }
      guard try superviseAgents(count: processes, arguments: arguments, signals: signals, log: log) else {
        throw ExitCode(2)
      }
      return
    }
    // Some are needed for epoll, mailboxes, ZeroMQ and the resolver.
    let usable = max(1, descriptors - 64)
    if share > usable {
      log.notice("only \(usable) connections: the limit on open files is \(descriptors) (ulimit -n)")
    }
    var configuration = AgentConfiguration(
      coordinator: coordinator,
      threads: threads,
      connections: min(share, usable)
    )
    configuration.keys = readKeys
    configuration.once = once
    configuration.hold = .milliseconds(Int64(hold * 1000))
    configuration.dialing.deniesPrivate = denyPrivate
    configuration.dialing.allowedPorts = allowPorts.flatMap { PortRanges($0) }
    configuration.dialing.sources = sources
    configuration.resolver.servers = dnsServers
    configuration.decoderBytes = decoderBytes
    configuration.lifeline = lifeline
    do {
      switch try runAgent(configuration, signals: signals, log: log) {
      case .jobDone, .lifelineClosed, .signalled: break
      case .failed(let message): throw CommandFailure(message)
      }
    } catch {
      StandardError.write("agent: \(error)\n")
      throw ExitCode(2)
    }
  }
}

private struct CommandFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
