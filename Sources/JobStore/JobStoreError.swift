import Glibc
import PosixIO

/// Why a job's files cannot be used; the text names the path and says what to do.
package struct JobStoreError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  init(_ what: String, _ path: String, _ error: SystemError) {
    description = "cannot \(what) \(path): \(error.reason)\(Self.advice(error.number))"
  }

  /// The text for a file in a folder, or the folder itself, that has to be written if the job is to go on.
  init(writing path: String, in folder: String, _ error: SystemError) {
    let advice =
      switch error.number {
      case ENOSPC, EDQUOT: "; make space there, then go on with: coordinator resume \(folder)"
      case EFBIG:
        "; the limit on the size of files (ulimit -f) or that of the file system is reached: raise it, then go on "
          + "with: coordinator resume \(folder)"
      case ELOOP: Self.advice(ELOOP)
      case EIO: "; see whether the disk is sound (dmesg), then go on with: coordinator resume \(folder)"
      default: "; what is recorded is kept, go on with: coordinator resume \(folder)"
      }
    let what = path.hasSuffix(".jsonl") ? "records to \(path)" : path
    description = "cannot write \(what): \(error.reason)\(advice)"
  }

  /// `process` is nil if it ended while it was asked for.
  package static func coordinatorRuns(_ process: Int32?, _ path: String) -> JobStoreError {
    let who = process.map { "a coordinator (process \($0))" } ?? "a coordinator"
    return JobStoreError("\(who) works on the job in \(path); wait for it, or stop it first")
  }

  private static func advice(_ number: Int32) -> String {
    switch number {
    // openat(2): what O_NOFOLLOW says of a link, and O_DIRECTORY of one to a file.
    case ELOOP: "; a symbolic link stands in the way, and files of a job are never reached through links: remove it"
    case ENOSPC, EDQUOT: "; make space there first"
    default: ""
    }
  }
}
