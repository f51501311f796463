import Glibc
package import PosixIO

/// What became of the attempt to be the one that works on a job.
package enum JobLock: ~Copyable {
  /// Held until the descriptors are closed. Local agents inherit `job`, and the lock with it; `coordinator` stays with
  /// this process and must not be copied.
  case taken(job: Descriptor, coordinator: Descriptor)
  /// Another coordinator works on the job, that process if it is still there.
  case coordinatorRuns(Int32?)
  /// The coordinator is gone, but not all of the agents that it started.
  case agentsLinger
}

// Two locks. flock(2) belongs to the open file, which local agents inherit: it is free when the last of them is gone.
// A record lock of fcntl(2) belongs to the process: it says whether a coordinator lives, and which. It is lost when the
// process closes any descriptor of the file, copies included, so it has a file of its own.
extension JobDirectory {
  static let lockName = "lock"
  static let coordinatorLockName = "coordinator.lock"

  /// Takes the lock if it is free.
  package func lock() throws(JobStoreError) -> JobLock {
    let own = try openLock(Self.coordinatorLockName, O_RDWR | O_CREAT)
    guard
      try attempt(Self.coordinatorLockName, { () throws(SystemError) in try FileLocks.takeRecordLock(own.rawValue) })
    else {
      let owner = try attempt(Self.coordinatorLockName) { () throws(SystemError) in
        try FileLocks.recordLockOwner(own.rawValue)
      }
      return .coordinatorRuns(owner)
    }
    let job = try openLock(Self.lockName, O_RDWR | O_CREAT)
    guard try attempt(Self.lockName, { () throws(SystemError) in try FileLocks.takeFileLock(job.rawValue) }) else {
      return .agentsLinger
    }
    return .taken(job: job, coordinator: own)
  }

  /// The process that works on the job as its coordinator; nil if none does. Not for that process itself.
  package func runningCoordinator() throws(JobStoreError) -> Int32? {
    guard faccessat(folder.descriptor, Self.coordinatorLockName, F_OK, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
    let file = try openLock(Self.coordinatorLockName, O_RDONLY)
    return try attempt(Self.coordinatorLockName) { () throws(SystemError) in
      try FileLocks.recordLockOwner(file.rawValue)
    }
  }

  private func openLock(_ name: String, _ flags: Int32) throws(JobStoreError) -> Descriptor {
    let raw = openRelative(folder.descriptor, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard raw >= 0 else { throw JobStoreError("open", "\(path)/\(name)", SystemError("openat")) }
    return Descriptor(owning: raw)
  }

  private func attempt<Result>(_ name: String, _ body: () throws(SystemError) -> Result) throws(JobStoreError)
    -> Result
  {
    do throws(SystemError) {
      return try body()
    } catch {
      throw JobStoreError("lock", "\(path)/\(name)", error)
    }
  }
}
