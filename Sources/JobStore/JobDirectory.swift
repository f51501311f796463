import FetchModel
import Glibc
import PosixIO

/// The folder that holds everything a job leaves behind. It is the user's alone (0700), and files in it are opened
/// relative to it, never through links.
package final class JobDirectory: Sendable {
  package let path: String
  /// The same folder for everything durable.
  package let files: any FileLayer
  let folder: SystemFiles
  private let isNew: Bool
  /// Names that were there before and that a job uses, too.
  private let foreign: Set<String>

  /// Makes the folder, or takes an existing one that holds no job and no file that would be in a job's way.
  package init(creating path: String) throws(JobStoreError) {
    let isNew = mkdir(path, 0o700) == 0
    if !isNew, errno != EEXIST {
      let error = SystemError("mkdir")
      throw JobStoreError("make the output folder", path, error)
    }
    let folder = try Self.open(path, as: "the output folder")
    var information = stat()
    guard fstat(folder.descriptor, &information) == 0, information.st_uid == geteuid() else {
      throw JobStoreError("the output folder \(path) belongs to another user; name one of your own with -o")
    }
    try Self.checkMode(information, path)
    foreign = try JobNames.refuseTaken(in: folder)
    self.path = path
    self.isNew = isNew
    self.folder = folder
    files = folder
  }

  /// Takes the folder of a job that was begun before.
  package init(opening path: String) throws(JobStoreError) {
    let folder = try Self.open(path, as: "the job's folder")
    var information = stat()
    guard fstat(folder.descriptor, &information) == 0, information.st_uid == geteuid() else {
      throw JobStoreError("the folder \(path) belongs to another user, and so might what is in it")
    }
    try Self.checkMode(information, path)
    var mark = stat()
    guard fstatat(folder.descriptor, "job.json", &mark, AT_SYMLINK_NOFOLLOW) == 0 else {
      throw JobStoreError("\(path) holds no job (there is no job.json in it); name the folder that -o named")
    }
    self.path = path
    self.folder = folder
    isNew = false
    foreign = []
    files = folder
  }

  private static func checkMode(_ information: stat, _ path: String) throws(JobStoreError) {
    guard information.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
      throw JobStoreError("others may write to the folder \(path); see what is in it, then: chmod go-w \(path)")
    }
  }

  private static func open(_ path: String, as what: String) throws(JobStoreError) -> SystemFiles {
    let raw = openRelative(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { throw JobStoreError("open \(what)", path, SystemError("open")) }
    return SystemFiles(path: path, owning: raw)
  }

  /// The passes of this job, the first one included whether or not it has begun, oldest first.
  package func passes() throws(JobStoreError) -> [Pass] { try Pass.all(in: files) }

  /// All of a file that has at most `limit` bytes; nil if there is none of this name.
  package func read(_ name: String, limit: Int) throws(JobStoreError) -> [UInt8]? {
    guard let file = try OpenFile.openIfPresent(name, in: files) else { return nil }
    var bytes: [UInt8] = []
    while bytes.count <= limit, try file.read(at: UInt64(bytes.count), limit + 1 - bytes.count, into: &bytes) > 0 {}
    guard bytes.count <= limit else {
      throw JobStoreError("\(file.path) is longer than the \(limit) bytes it may have")
    }
    return bytes
  }

  /// Puts a small file in place, durably.
  package func replace(_ name: String, with bytes: [UInt8]) throws(JobStoreError) {
    try files.replace(name, with: bytes, durably: true)
  }

  /// Refuses a file that others may read or change: somebody must know that what is in it is no secret any more.
  package func refuseOpenToOthers(_ name: String) throws(JobStoreError) {
    var information = stat()
    // One that is missing is for whoever reads it to find.
    guard fstatat(folder.descriptor, name, &information, AT_SYMLINK_NOFOLLOW) == 0 else { return }
    let mode = information.st_mode & 0o777
    guard mode & 0o077 != 0 else { return }
    let file = "\(path)/\(name)"
    throw JobStoreError("\(file) is open to others (mode 0\(String(mode, radix: 8))); close it: chmod 600 \(file)")
  }

  /// Takes a job away that recorded nothing, so that the folder can be named again. What is of a job's names was made
  /// by it, since a folder that held others was refused.
  package func removeUnusedJob() {
    for name in JobNames.inOrderOfRemoval where !foreign.contains(name) {
      unlinkat(folder.descriptor, JobNames.temporary(name), 0)
      unlinkat(folder.descriptor, name, 0)
    }
    // Stays if something else is inside.
    if isNew { rmdir(path) }
  }
}
