import FetchModel
import Foundation
import Glibc
import JobStore
import Keys
import PosixIO

/// The open input of a job.
struct InputFile: ~Copyable {
  let name: String
  let descriptor: Descriptor
  /// nil if it can be read once only: a pipe, a terminal, standard input.
  let identity: InputIdentity?

  init(_ input: CoordinatorConfiguration.Input) throws(CoordinatorError) {
    switch input {
    case .standardInput:
      let raw = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
      guard raw >= 0 else { throw CoordinatorError("cannot read standard input: \(SystemError("fcntl").reason)") }
      name = "standard input"
      descriptor = Descriptor(owning: raw)
      identity = nil
    case .file(let path):
      let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_CLOEXEC)
      guard raw >= 0 else {
        throw CoordinatorError("cannot read \(path): \(SystemError("open").reason)")
      }
      let found: InputIdentity?
      do throws(SystemError) {
        found = try Self.isRegular(raw) ? InputIdentity(of: raw) : nil
      } catch {
        close(raw)
        throw CoordinatorError("cannot read \(path): \(error.reason)")
      }
      name = path
      descriptor = Descriptor(owning: raw)
      identity = found
    }
  }

  /// Gives the descriptor up without closing it.
  consuming func release() -> Int32 { descriptor.release() }

  private static func isRegular(_ descriptor: Int32) throws(SystemError) -> Bool {
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw SystemError("fstat") }
    return information.st_mode & S_IFMT == S_IFREG
  }

  /// Where rows are read from if the job begins now.
  func place(spooledIn files: (any FileLayer)?) -> InputPlace {
    identity == nil ? .pipe(descriptor.rawValue, spooledIn: files) : .file(descriptor.rawValue, expected: [])
  }
}

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
    guard case .taken(let lock, let own) = try directory.lock() else {
      throw CoordinatorError("the output folder \(path) is being used by another coordinator; name another with -o")
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

extension JobDescription.Terms.Agents {
  init(_ configuration: CoordinatorConfiguration) {
    switch configuration.agents {
    case .local(let count, let threads): self.init(count: count, threads: threads)
    case .remote(let endpoint):
      self.init(
        listen: endpoint,
        keys: configuration.keys.map { URL(fileURLWithPath: $0.path).standardizedFileURL.path }
      )
    }
  }
}
