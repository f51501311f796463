import Glibc
import JobStore
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
