import ArgumentParser
import CoordinatorRuntime
import FetchModel
import Foundation
import Logging
import PosixIO

@main
struct CoordinatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coordinator",
    abstract: "Fetches a list of URLs with agents and records every outcome exactly once.",
    subcommands: [Local.self, Run.self]
  )

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      // One line, as for every other error; ArgumentParser has three of its own.
      let text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
      let first = CommandLine.arguments.dropFirst().first ?? ""
      let command = ["local", "run"].contains(first) ? "coordinator \(first)" : "coordinator"
      StandardError.write("coordinator: \(text) (see \(command) --help)\n")
      exit(withError: ExitCode.validationFailure)
    }
  }
}

struct Local: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a job on this host alone; starts its agents itself."
  )

  @OptionGroup var common: CommonOptions

  @Option(help: "Agents to start (default: one less than there are processors, at least one).")
  var agents: Int?

  @Option(help: "Worker threads of each agent (default: processors divided by agents).")
  var threads: Int?

  @OptionGroup(title: "Job options") var job: JobOptions

  func validate() throws {
    if let agents, !(1...256).contains(agents) { throw ValidationError("--agents takes 1 to 256") }
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads takes 1 to 256") }
  }

  func run() throws {
    let processors = PosixIO.Process.processorCount
    let count = agents ?? max(1, processors - 1)
    let output = common.output ?? common.freshDirectory()
    try common.run(
      output: output,
      agents: .local(count: count, threads: threads ?? max(1, processors / count)),
      job: job.specification()
    )
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a job with agents that dial in.",
    discussion: "Agents are started with: agent --coordinator ENDPOINT. The order of starting does not matter."
  )

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("Where agents dial in: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
  var listen: String

  @Flag(help: "Listen off loopback although nothing between agents and coordinator is encrypted or checked.")
  var insecurePlaintext = false

  @OptionGroup(title: "Job options") var job: JobOptions

  func validate() throws {
    guard common.output != nil else { throw ValidationError("run needs -o DIR (or -o - for standard output)") }
    let endpoint = try ListenEndpoint(listen)
    guard endpoint.isPrivate || insecurePlaintext else {
      throw ValidationError(
        "\(listen) can be reached from other hosts, and nothing is encrypted yet: "
          + "listen on 127.0.0.1, or add --insecure-plaintext if the network is yours alone"
      )
    }
  }

  func run() throws {
    let endpoint = try ListenEndpoint(listen)
    let specification = try job.specification()
    if !endpoint.isPrivate, specification.holdsSecrets {
      throw ValidationError("keys, credentials and cookies are not sent over unencrypted TCP; leave them out")
    }
    try common.run(output: common.output ?? "-", agents: .remote(endpoint: endpoint.text), job: specification)
  }
}

/// What both ways of running share.
struct CommonOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp(
      "The list: one request a line, a URL or a JSON object; - for standard input.",
      valueName: "input"
    )
  )
  var input: String

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "The job's folder, which is made; - writes records to standard output.",
      valueName: "dir"
    )
  )
  var output: String?

  @Option(help: ArgumentHelp("How long the first agent is waited for.", valueName: "seconds"))
  var agentWait: Double = 30

  @Flag(help: "Exit with 1 if a row failed or has a status of 400 or more.")
  var fail = false

  @Flag(help: "Nothing on standard error but errors.")
  var quiet = false

  func validate() throws {
    guard agentWait > 0, agentWait <= 1e6 else {
      throw ValidationError("--agent-wait takes seconds above 0, at most 1000000")
    }
  }

  /// A folder named after the input and the time.
  func freshDirectory() -> String {
    let base = input == "-" ? "stdin" : URL(fileURLWithPath: input).deletingPathExtension().lastPathComponent
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyyMMdd'T'HHmmss'Z'"
    return "\(base)-\(formatter.string(from: Date()))"
  }

  func run(output: String, agents: CoordinatorConfiguration.Agents, job: JobSpecification) throws {
    PosixIO.Process.openStandardDescriptors()
    PosixIO.Process.ignoreBrokenPipes()
    PosixIO.Process.raiseDescriptorLimit()
    var configuration = CoordinatorConfiguration(
      input: input == "-" ? .standardInput : .file(input),
      output: output == "-" ? .standardOutput : .directory(output),
      agents: agents,
      job: job
    )
    configuration.agentWait = .milliseconds(Int64(agentWait * 1000))
    configuration.failsOnErrors = fail
    configuration.progress = quiet ? .none : isatty(STDERR_FILENO) == 1 ? .live : .lines
    // Before any thread starts, so that all leave these signals to the loop.
    let signals = try TerminationSignals()
    var log = Logger(label: "coordinator") { StreamLogHandler.standardError(label: $0) }
    log.logLevel = quiet ? .error : .notice
    do {
      let exit = try runCoordinator(configuration, signals: signals, log: log)
      throw ExitCode(exit.rawValue)
    } catch let code as ExitCode {
      throw code
    } catch {
      StandardError.write("coordinator: \(error)\n")
      throw ExitCode(CoordinatorExit.notDone.rawValue)
    }
  }
}
