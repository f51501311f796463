import FetchModel
import Foundation
import Glibc
import JobStore
import PosixIO

/// A job's folder as a running coordinator has it; without one, records go to standard output.
struct JobFiles: Sendable {
  /// What agents know the pass by, which is a job to them.
  let identifier: [UInt8]
  let pass: Pass
  /// Held by this process to its end, and by the agents that it starts to theirs.
  let lock: Int32?
  /// Made by this run.
  let isNew: Bool
  let directory: JobDirectory?

  var path: String? { directory?.path }

  /// For records on standard output.
  init() {
    identifier = PosixIO.Process.randomBytes(16)
    pass = .main
    lock = nil
    isNew = false
    directory = nil
  }

  init(_ directory: JobDirectory, pass: Pass, identifier: [UInt8], lock: Int32, isNew: Bool) {
    self.identifier = identifier
    self.pass = pass
    self.lock = lock
    self.isNew = isNew
    self.directory = directory
  }

  /// Makes the folder with `job.json`.
  init(creating path: String, _ configuration: CoordinatorConfiguration, _ input: borrowing InputFile) throws {
    let directory = try JobDirectory(creating: path)
    let lock: Descriptor
    let own: Descriptor
    switch try directory.lock() {
    case .taken(let job, let coordinator):
      lock = job
      own = coordinator
    case .coordinatorRuns(let process): throw JobStoreError.coordinatorRuns(process, path)
    case .agentsLinger:
      throw CoordinatorError("agents of an earlier job still hold \(path)/lock; wait for them, or name another with -o")
    }
    let identifier = PosixIO.Process.randomBytes(16)
    let inputPath: String
    switch configuration.input {
    case .file(let path) where input.identity != nil: inputPath = URL(fileURLWithPath: path).standardizedFileURL.path
    case .file, .standardInput: inputPath = "-"
    }
    let terms = JobDescription.Terms(
      job: hexadecimal(identifier),
      createdAt: Date().formatted(.iso8601),
      input: .init(path: inputPath, identity: input.identity),
      agents: JobDescription.Terms.Agents(configuration),
      failsOnErrors: configuration.failsOnErrors,
      isSealed: configuration.job.hasSecrets
    )
    self.init(directory, pass: .main, identifier: identifier, lock: lock.release(), isNew: true)
    // Held to the end of the process.
    _ = own.release()
    do {
      try JobDescription(terms: terms, specification: configuration.job).write(to: directory)
    } catch {
      discard()
      throw error
    }
  }

  /// Leaves nothing of a job that never began.
  func discard() { if isNew { directory?.removeUnusedJob() } }

  func write(_ report: JobReport) throws {
    try directory?.replace(pass.summaryName, with: report.encoded())
  }
}
