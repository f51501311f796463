import ArgumentParser
import JobStore
import PosixIO

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Checks that every row of a job is recorded once and that its files agree.",
    discussion: "Exits with 0 if so, with 1 if not or if the job has not ended, with 2 if its files cannot be read."
  )

  @Argument(help: ArgumentHelp("The job's folder.", valueName: "dir"))
  var directory: String

  @Flag(help: "Make results.idx anew from the records first.")
  var rebuild = false

  func run() throws {
    PosixIO.Process.openStandardDescriptors()
    PosixIO.Process.makeFailedWritesErrors()
    let report: VerifyReport
    do {
      report = try verify(directory, rebuilding: rebuild)
    } catch {
      StandardError.write("coordinator: \(error)\n")
      throw ExitCode(2)
    }
    for line in report.lines { print(line) }
    switch report.verdict {
    case .sound: break
    case .notSound, .notFinished: throw ExitCode(1)
    }
  }
}
