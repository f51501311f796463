import CLinux
import Glibc

/// An open file descriptor and its only owner; closed when it goes out of scope.
package struct Descriptor: ~Copyable {
  package let rawValue: Int32

  /// Takes ownership of an open descriptor.
  package init(owning rawValue: Int32) { self.rawValue = rawValue }

  deinit {
    // close(2): the descriptor is gone whatever is returned, so EINTR must not be retried.
    _ = Glibc.close(rawValue)
  }

  /// Gives the descriptor up without closing it.
  package consuming func release() -> Int32 {
    let raw = rawValue
    discard self
    return raw
  }
}

/// openat(2); -1 and errno on failure. `mode` is for files that are made.
package func openRelative(_ directory: Int32, _ path: String, _ flags: Int32, _ mode: UInt32 = 0) -> Int32 {
  retryingInterrupted { trawl_openat(directory, path, flags, mode) }
}
