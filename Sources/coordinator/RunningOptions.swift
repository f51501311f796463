import ArgumentParser
import CoordinatorRuntime
import Glibc
import Logging
import PosixIO

/// What all ways of running a coordinator share.
struct RunningOptions: ParsableArguments {
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

  var agentWaitDuration: Duration { .milliseconds(Int64(agentWait * 1000)) }

  var progress: CoordinatorConfiguration.Progress {
    quiet ? .none : isatty(STDERR_FILENO) == 1 ? .live : .lines
  }

  /// Prepares the process, does the work and ends with its exit status.
  func run(_ body: (TerminationSignals, Logger) throws -> CoordinatorExit) throws {
    PosixIO.Process.openStandardDescriptors()
    PosixIO.Process.makeFailedWritesErrors()
    PosixIO.Process.raiseDescriptorLimit()
    // Before any thread starts, so that all leave these signals to the loop.
    let signals = try TerminationSignals()
    var log = Logger(label: "coordinator") { StreamLogHandler.standardError(label: $0) }
    log.logLevel = quiet ? .error : .notice
    do {
      throw ExitCode(try body(signals, log).rawValue)
    } catch let code as ExitCode {
      throw code
    } catch {
      StandardError.write("coordinator: \(error)\n")
      throw ExitCode(CoordinatorExit.notDone.rawValue)
    }
  }
}
