import CLinux
import Glibc

/// SIGINT and SIGTERM as a descriptor for a poll set (signalfd(2)). Must be made on the main thread before any
/// other thread starts, so that all inherit the mask.
package final class TerminationSignals: Sendable {
  package let descriptor: Int32

  package init() throws(SystemError) {
    var set = sigset_t()
    sigemptyset(&set)
    sigaddset(&set, SIGINT)
    sigaddset(&set, SIGTERM)
    pthread_sigmask(SIG_BLOCK, &set, nil)
    let raw = signalfd(-1, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    guard raw >= 0 else { throw SystemError("signalfd") }
    descriptor = raw
  }

  deinit { _ = Glibc.close(descriptor) }

  /// How many signals came since the last call.
  package func take() -> Int {
    var count = 0
    var info = signalfd_siginfo()
    while retryingInterrupted({ Glibc.read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) }) > 0 { count += 1 }
    return count
  }
}
