import ArgumentParser
import CoordinatorRuntime
import PosixIO

struct Status: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Says how a job stands: from status.json, which is replaced every second while it runs."
  )

  @Argument(help: ArgumentHelp("The job's folder.", valueName: "dir"))
  var directory: String

  func run() throws {
    do {
      for line in try describeStatus(of: directory) { print(line) }
    } catch {
      StandardError.write("coordinator: \(error)\n")
      throw ExitCode(CoordinatorExit.notDone.rawValue)
    }
  }
}
