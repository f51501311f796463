import FetchModel
import Glibc
package import PosixIO

/// Why a job's files cannot be used; the text names the path and says what to do.
package struct JobStoreError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }

  init(_ what: String, _ path: String, _ error: SystemError) {
    description = "cannot \(what) \(path): \(SystemError.text(of: error.number))"
  }
}

/// The folder that holds everything a job leaves behind. It is the user's alone (0700), and files in it are opened
/// relative to it, never through links.
package final class JobDirectory: Sendable {
  /// Files whose presence says that a job lives here.
  private static let marks = ["results.jsonl", "job.json", "summary.json"]

  package let path: String
  let descriptor: Int32
  private let isNew: Bool

  /// Makes the folder, or takes an existing one that holds no job.
  package init(creating path: String) throws(JobStoreError) {
    let isNew = mkdir(path, 0o700) == 0
    if !isNew, errno != EEXIST {
      let error = SystemError("mkdir")
      throw JobStoreError("make the output folder", path, error)
    }
    let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { throw JobStoreError("open the output folder", path, SystemError("open")) }
    var information = stat()
    guard fstat(raw, &information) == 0, information.st_uid == geteuid() else {
      close(raw)
      throw JobStoreError("the output folder \(path) belongs to another user; name one of your own with -o")
    }
    for mark in Self.marks where faccessat(raw, mark, F_OK, AT_SYMLINK_NOFOLLOW) == 0 {
      close(raw)
      throw JobStoreError("the output folder \(path) already holds a job (\(mark)); name another with -o")
    }
    self.path = path
    self.isNew = isNew
    descriptor = raw
  }

  deinit { close(descriptor) }

  /// Makes a file for appending that must not exist yet.
  package func createAppendOnly(_ name: String) throws(JobStoreError) -> Descriptor {
    let raw = openRelative(descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard raw >= 0 else { throw JobStoreError("make", "\(path)/\(name)", SystemError("openat")) }
    return Descriptor(owning: raw)
  }

  /// Puts a small file in place whole or not at all: write, fsync, rename, fsync of the folder.
  package func replace(_ name: String, with bytes: [UInt8]) throws(JobStoreError) {
    let temporary = ".\(name).new"
    let raw = openRelative(descriptor, temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard raw >= 0 else { throw JobStoreError("make", "\(path)/\(temporary)", SystemError("openat")) }
    let file = Descriptor(owning: raw)
    do throws(SystemError) {
      try writeAll(bytes, to: file.rawValue)
      guard fsync(file.rawValue) == 0 else { throw SystemError("fsync") }
      guard renameat(descriptor, temporary, descriptor, name) == 0 else { throw SystemError("renameat") }
      guard fsync(descriptor) == 0 else { throw SystemError("fsync") }
    } catch {
      throw JobStoreError("write", "\(path)/\(name)", error)
    }
  }

  /// Takes a job away that recorded nothing, so that the folder can be named again.
  package func removeUnusedJob() {
    for name in Self.marks { unlinkat(descriptor, name, 0) }
    // Stays if something else is inside.
    if isNew { rmdir(path) }
  }

  /// Makes the names of new files durable.
  package func syncNames() throws(JobStoreError) {
    guard fsync(descriptor) == 0 else { throw JobStoreError("sync", path, SystemError("fsync")) }
  }
}

/// Writes everything, however many calls it takes.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(SystemError) {
  var written = 0
  while written < bytes.count {
    let count = bytes.withUnsafeBytes { buffer in
      write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
    }
    if count < 0 {
      if errno == EINTR { continue }
      throw SystemError("write")
    }
    written += count
  }
}
