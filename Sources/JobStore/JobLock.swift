import Glibc
package import PosixIO

/// What became of the attempt to be the one that works on a job.
package enum JobLock: ~Copyable {
  /// Held until the descriptor is closed. Local agents inherit it, and the lock with it.
  case taken(Descriptor)
  /// Another coordinator works on the job.
  case coordinatorRuns(Int32)
  /// The coordinator is gone, but not all of the agents that it started.
  case agentsLinger
}

// Two locks on one file. flock(2) belongs to the open file, which local agents inherit: it is free when the last of
// them is gone. A record lock of fcntl(2) belongs to the process: it says whether a coordinator lives, and which. It
// is lost when the process closes the file, even through another descriptor, so a coordinator opens it only once.
extension JobDirectory {
  private static let lockName = "lock"

  /// Takes the lock if it is free.
  package func lock() throws(JobStoreError) -> JobLock {
    let flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC
    let raw = openRelative(folder.descriptor, Self.lockName, flags, 0o600)
    guard raw >= 0 else { throw JobStoreError("open", "\(path)/\(Self.lockName)", SystemError("openat")) }
    let file = Descriptor(owning: raw)
    do throws(SystemError) {
      guard try FileLocks.takeRecordLock(file.rawValue) else {
        return .coordinatorRuns(try FileLocks.recordLockOwner(file.rawValue) ?? 0)
      }
      guard try FileLocks.takeFileLock(file.rawValue) else { return .agentsLinger }
    } catch {
      throw JobStoreError("lock", "\(path)/\(Self.lockName)", error)
    }
    return .taken(file)
  }

  /// The process that works on the job as its coordinator; nil if none does. Not for that process itself.
  package func runningCoordinator() throws(JobStoreError) -> Int32? {
    let raw = openRelative(folder.descriptor, Self.lockName, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)
    if raw < 0, errno == ENOENT { return nil }
    guard raw >= 0 else { throw JobStoreError("open", "\(path)/\(Self.lockName)", SystemError("openat")) }
    let file = Descriptor(owning: raw)
    do throws(SystemError) {
      return try FileLocks.recordLockOwner(file.rawValue)
    } catch {
      throw JobStoreError("look at", "\(path)/\(Self.lockName)", error)
    }
  }
}
