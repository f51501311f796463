// Which connections are open: bounds their number and ends them all when the server stops.

import Glibc
import Synchronization

/// The descriptors of open connections. Thread-safe.
final class Registry: Sendable {
  private struct State {
    var open: Set<Int32> = []
    var isStopping = false
  }

  private let state = Mutex(State())
  private let limit: Int

  init(limit: Int) {
    self.limit = limit
  }

  /// Whether another connection may be accepted.
  var hasRoom: Bool { state.withLock { $0.open.count < limit } }

  var isEmpty: Bool { state.withLock { $0.open.isEmpty } }

  var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Adds a connection; false if the server is stopping.
  func add(_ descriptor: Int32) -> Bool {
    state.withLock { state in
      guard !state.isStopping else { return false }
      state.open.insert(descriptor)
      return true
    }
  }

  /// Closes a connection. Under the lock, so that `stop` never shuts down a number that was given out again.
  func close(_ descriptor: Int32) {
    state.withLock { state in
      state.open.remove(descriptor)
      _ = Glibc.close(descriptor)
    }
  }

  /// Refuses new connections and wakes the thread of every open one with an end of file.
  func stop() {
    state.withLock { state in
      state.isStopping = true
      for descriptor in state.open { shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
  }
}
