import CLinux
import Glibc

/// A wake-up that any thread may send and a poll set can wait for: eventfd(2).
package final class EventSignal: Sendable {
  /// Readable while a wake-up is pending.
  package let descriptor: Int32

  package init() throws(SystemError) {
    let raw = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard raw >= 0 else { throw SystemError("eventfd") }
    descriptor = raw
  }

  deinit { _ = Glibc.close(descriptor) }

  package func raise() {
    var one: UInt64 = 1
    // EAGAIN means that the counter is full, so a wake-up is pending already.
    _ = retryingInterrupted { Glibc.write(descriptor, &one, 8) }
  }

  /// Blocks until a wake-up is pending, for threads that wait for nothing else. `milliseconds` nil: without end.
  package func wait(milliseconds: Int32? = nil) {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = retryingInterrupted { poll(&entry, 1, milliseconds ?? -1) }
  }

  /// Blocks until a wake-up is pending or another descriptor is readable.
  package func wait(orFor other: Int32) {
    var entries = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: other, events: Int16(POLLIN), revents: 0),
    ]
    _ = retryingInterrupted { poll(&entries, 2, -1) }
  }

  package func clear() {
    var count: UInt64 = 0
    _ = retryingInterrupted { Glibc.read(descriptor, &count, 8) }
  }
}
