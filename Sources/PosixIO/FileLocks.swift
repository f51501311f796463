import CLinux
import Glibc

/// Locks on whole files that other processes see.
package enum FileLocks {
  /// Takes the record lock of this process (fcntl(2), F_SETLK); false if another process has it.
  package static func takeRecordLock(_ descriptor: Int32) throws(SystemError) -> Bool {
    if trawl_take_record_lock(descriptor) == 0 { return true }
    let error = SystemError("fcntl")
    guard error.number == EAGAIN || error.number == EACCES else { throw error }
    return false
  }

  /// The other process that has the record lock; nil if none has.
  package static func recordLockOwner(_ descriptor: Int32) throws(SystemError) -> Int32? {
    let owner = trawl_record_lock_owner(descriptor)
    guard owner >= 0 else { throw SystemError("fcntl") }
    return owner == 0 ? nil : owner
  }

  /// Takes the lock of the open file, which goes with its descriptors to other processes (flock(2)); false if another
  /// open file has it.
  package static func takeFileLock(_ descriptor: Int32) throws(SystemError) -> Bool {
    if retryingInterrupted({ trawl_take_file_lock(descriptor) }) == 0 { return true }
    let error = SystemError("flock")
    guard error.number == EWOULDBLOCK else { throw error }
    return false
  }
}
