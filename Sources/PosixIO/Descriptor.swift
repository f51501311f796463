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
