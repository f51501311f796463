import FetchModel
import Foundation
import Glibc
import JobStore
import PosixIO

/// The open input of a job.
struct InputFile: ~Copyable {
  let name: String
  let descriptor: Descriptor

  init(_ input: CoordinatorConfiguration.Input) throws(CoordinatorError) {
    switch input {
    case .standardInput:
      let raw = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
      guard raw >= 0 else { throw CoordinatorError("cannot read standard input: \(SystemError("fcntl").reason)") }
      name = "standard input"
      descriptor = Descriptor(owning: raw)
    case .file(let path):
      let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_CLOEXEC)
      guard raw >= 0 else {
        throw CoordinatorError("cannot read \(path): \(SystemError("open").reason)")
      }
      name = path
      descriptor = Descriptor(owning: raw)
    }
  }
}

/// `job.json`: what the job is, without secrets.
private struct JobDescription: Encodable {
  var version = 1
  var job: String
  var input: String
  var startedAt: String
  var connectionsPerOrigin: Int
  var body: String
  var retries: Int
  var verifiesTls: Bool
  var followsRedirects: Bool
}

/// Where a job's records, description and summary go.
struct JobFiles {
  let identifier: [UInt8]
  private let directory: JobDirectory?

  /// Makes the directory and `job.json`, unless records go to standard output.
  init(_ configuration: CoordinatorConfiguration) throws {
    identifier = PosixIO.Process.randomBytes(16)
    switch configuration.output {
    case .standardOutput: directory = nil
    case .directory(let path):
      let directory = try JobDirectory(creating: path)
      let inputName: String
      switch configuration.input {
      case .standardInput: inputName = "-"
      case .file(let path): inputName = path
      }
      let description = JobDescription(
        job: identifier.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(),
        input: inputName,
        startedAt: Date().formatted(.iso8601),
        connectionsPerOrigin: configuration.job.connectionsPerOrigin,
        body: "\(configuration.job.body.disposition)",
        retries: configuration.job.retry.count,
        verifiesTls: configuration.job.tls.verifies,
        followsRedirects: configuration.job.redirects.follow
      )
      let encoder = JSONEncoder()
      encoder.keyEncodingStrategy = .convertToSnakeCase
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      try directory.replace("job.json", with: Array(try encoder.encode(description)) + [0x0A])
      self.directory = directory
    }
  }

  var path: String? { directory?.path }

  /// Makes the files of the pass and gives them to the writer thread; nil for standard output.
  func createRecords() throws -> PassHandover? {
    guard let directory else { return nil }
    return PassHandover(try PassWriter(creating: .main, identifier: identifier, in: directory.files))
  }

  /// Leaves nothing of a job that never began.
  func discard() { directory?.removeUnusedJob() }

  func write(_ report: JobReport) throws {
    try directory?.replace("summary.json", with: report.encoded())
  }
}
