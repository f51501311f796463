import ArgumentParser
import JobStore
import PosixIO

struct RecordsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "records",
    abstract: "Writes the current record of each row of a job, in the order of rows.",
    discussion: "A row that was tried again has its record of the last time. A job that still runs can be read, too."
  )

  @Argument(help: ArgumentHelp("The job's folder.", valueName: "dir"))
  var directory: String

  func run() throws {
    PosixIO.Process.openStandardDescriptors()
    PosixIO.Process.makeFailedWritesErrors()
    do {
      try CurrentRecords(in: JobDirectory(opening: directory).files).writeToStandardOutput()
    } catch {
      StandardError.write("coordinator: \(error)\n")
      throw ExitCode(2)
    }
  }
}
