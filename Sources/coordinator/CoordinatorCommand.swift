import ArgumentParser
import CoordinatorRuntime
import FetchModel
import Foundation
import Keys
import Logging
import PosixIO

@main
struct CoordinatorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "coordinator",
    abstract: "Fetches a list of URLs with agents and records every outcome exactly once.",
    subcommands: [
      Local.self, Run.self, Resume.self, Status.self, VerifyCommand.self, RecordsCommand.self, Keygen.self,
    ]
  )

  static func main() {
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as KeyError {
      StandardError.write("coordinator: \(error)\n")
      exit(withError: ExitCode(CoordinatorExit.notDone.rawValue))
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      // One line, as for every other error; ArgumentParser has three of its own.
      let text = message(for: error).split(whereSeparator: \.isNewline).joined(separator: " ")
      let first = CommandLine.arguments.dropFirst().first ?? ""
      let names: Set = ["local", "run", "resume", "status", "verify", "records", "keygen"]
      let command = names.contains(first) ? "coordinator \(first)" : "coordinator"
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

  @OptionGroup var limits: LocalAgentOptions

  @OptionGroup(title: "Job options") var job: JobOptions

  func validate() throws {
    if let agents, !(1...256).contains(agents) { throw ValidationError("--agents takes 1 to 256") }
  }

  func run() throws {
    let count = agents ?? max(1, PosixIO.Process.processorCount - 1)
    let output = common.output ?? common.freshDirectory()
    try common.run(output: output, agents: .local(limits.plan(count: count)), job: job.specification())
  }
}

struct Run: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs a job with agents that dial in.",
    discussion: "Agents are started with: agent --coordinator ENDPOINT [--keys DIR/agent-1]. "
      + "The order of starting does not matter."
  )

  @OptionGroup var common: CommonOptions

  @Option(help: ArgumentHelp("Where agents dial in: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
  var listen: String

  @Option(help: ArgumentHelp("The folder of keys that coordinator keygen has made.", valueName: "dir"))
  var keys: String?

  @Flag(help: "Listen off loopback although nothing between agents and coordinator is encrypted or checked.")
  var insecurePlaintext = false

  @OptionGroup(title: "Job options") var job: JobOptions

  func validate() throws {
    guard common.output != nil else { throw ValidationError("run needs -o DIR (or -o - for standard output)") }
    try ListenEndpoint(listen).check(keys: keys, isPlaintextAccepted: insecurePlaintext)
  }

  func run() throws {
    let endpoint = try ListenEndpoint(listen)
    let specification = try job.specification()
    if keys == nil, !endpoint.isPrivate, specification.holdsCredentials {
      throw ValidationError(
        "keys, credentials and cookies are not sent over unencrypted TCP; leave them out, or add --keys DIR"
      )
    }
    try common.run(
      output: common.output ?? "-",
      agents: .remote(endpoint: endpoint.text),
      keys: ListenEndpoint.readKeys(keys),
      job: specification
    )
  }
}

/// What the ways of beginning a job share.
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

  @OptionGroup var running: RunningOptions

  /// A folder named after the input and the time.
  func freshDirectory() -> String {
    let base = input == "-" ? "stdin" : URL(fileURLWithPath: input).deletingPathExtension().lastPathComponent
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "UTC")
    formatter.dateFormat = "yyyyMMdd'T'HHmmss'Z'"
    return "\(base)-\(formatter.string(from: Date()))"
  }

  func run(
    output: String,
    agents: CoordinatorConfiguration.Agents,
    keys: CoordinatorKeys? = nil,
    job: JobSpecification
  ) throws {
    var configuration = CoordinatorConfiguration(
      input: input == "-" ? .standardInput : .file(input),
      output: output == "-" ? .standardOutput : .directory(output),
      agents: agents,
      job: job
    )
    configuration.keys = keys
    configuration.agentWait = running.agentWaitDuration
    configuration.failsOnErrors = running.fail
    configuration.progress = running.progress
    let settled = configuration
    try running.run { signals, log in try runCoordinator(settled, signals: signals, log: log) }
  }
}
