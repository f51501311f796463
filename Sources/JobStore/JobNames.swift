import Glibc
import PosixIO

/// Which names in a folder are a job's, and which of them were there before it.
enum JobNames {
  /// Those that say that a job lives in the folder.
  static let marks = ["results.jsonl", "job.json", "summary.json"]
  /// In the order in which a job that recorded nothing is taken away: while `job.json` is there it can go on, and what
  /// is left afterwards is what a start leaves that was killed before it wrote that file.
  static let inOrderOfRemoval =
    ["results.idx", "journal", "status.json", "input", "summary.json", "results.jsonl", "job.json", "secrets"]
    + [JobDirectory.lockName, JobDirectory.coordinatorLockName]
  private static let retryPrefixes = ["results.retry-", "journal.retry-", "summary.retry-"]

  /// What a file is written as before it gets its name.
  static func temporary(_ name: String) -> String { ".\(name).new" }

  private static func isUsed(_ name: String) -> Bool {
    let isTemporary = name.hasPrefix(".") && name.hasSuffix(".new")
    let base = isTemporary ? String(name.dropFirst().dropLast(4)) : name
    return inOrderOfRemoval.contains(base) || retryPrefixes.contains { base.hasPrefix($0) }
  }

  /// Refuses a folder that holds a file which a job would write over or take for its own. What a start leaves that was
  /// killed before there was a job is none: locks, and what is written before `job.json` if the coordinator's lock says
  /// whose it is. Returns names that were there and are not known to be a job's: they are not to be removed.
  static func refuseTaken(in folder: SystemFiles) throws(JobStoreError) -> Set<String> {
    let names = try list(folder).filter(isUsed).sorted()
    if let mark = marks.first(where: names.contains) {
      throw JobStoreError("the output folder \(folder.path) already holds a job (\(mark)); name another with -o")
    }
    let hasLock = names.contains(JobDirectory.coordinatorLockName)
    let leftovers = ["secrets", temporary("secrets"), temporary("job.json")]
    for name in names {
      let isOurs =
        switch name {
        case JobDirectory.lockName, JobDirectory.coordinatorLockName: isLeft(name, in: folder, mayHoldBytes: false)
        default: hasLock && leftovers.contains(name) && isLeft(name, in: folder, mayHoldBytes: true)
        }
      guard isOurs else {
        throw JobStoreError(
          "the output folder \(folder.path) already holds \(name), and a job has a file of that name; name another "
            + "folder with -o"
        )
      }
    }
    return hasLock ? [] : Set(names)
  }

  /// Whether it is as this program makes files.
  private static func isLeft(_ name: String, in folder: SystemFiles, mayHoldBytes: Bool) -> Bool {
    var information = stat()
    guard fstatat(folder.descriptor, name, &information, AT_SYMLINK_NOFOLLOW) == 0 else { return false }
    return information.st_mode & S_IFMT == S_IFREG && information.st_uid == geteuid()
      && (mayHoldBytes ? information.st_mode & 0o077 == 0 : information.st_size == 0)
  }

  private static func list(_ folder: SystemFiles) throws(JobStoreError) -> [String] {
    let raw = openRelative(folder.descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard raw >= 0 else { throw JobStoreError("read the folder", folder.path, SystemError("openat")) }
    guard let stream = fdopendir(raw) else {
      let error = SystemError("fdopendir")
      close(raw)
      throw JobStoreError("read the folder", folder.path, error)
    }
    defer { closedir(stream) }
    var names: [String] = []
    // readdir(3) gives null at the end and for an error, which errno tells apart.
    errno = 0
    while let entry = readdir(stream) {
      withUnsafePointer(to: &entry.pointee.d_name) { name in
        name.withMemoryRebound(to: CChar.self, capacity: 256) { names.append(String(cString: $0)) }
      }
      errno = 0
    }
    guard errno == 0 else { throw JobStoreError("read the folder", folder.path, SystemError("readdir")) }
    return names
  }
}
