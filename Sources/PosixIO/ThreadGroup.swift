import CLinux
import Glibc

/// Threads of the operating system that are joined together. What is not Sendable is made inside their bodies.
package struct ThreadGroup: ~Copyable {
  private var handles: [pthread_t] = []

  package init() {}

  // Reached only without `join`, which leaves nothing behind.
  deinit { precondition(handles.isEmpty, "threads were dropped without being joined") }

  /// Starts `body` on a new thread; names longer than 15 bytes are cut (prctl(2), PR_SET_NAME).
  package mutating func spawn(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    let box = Unmanaged.passRetained(Body(name: name, run: body))
    var handle = pthread_t()
    let status = pthread_create(
      &handle,
      nil,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        _ = trawl_name_thread(body.name)
        body.run()
        return nil
      },
      box.toOpaque()
    )
    guard status == 0 else {
      box.release()
      throw SystemError("pthread_create", number: status)
    }
    handles.append(handle)
  }

  /// Waits until all have ended.
  package mutating func join() {
    for handle in handles {
      let status = pthread_join(handle, nil)
      precondition(status == 0, "pthread_join failed with \(status)")
    }
    handles = []
  }

  /// Leaves threads to themselves that may be in a call which cannot be interrupted; they end with the process.
  package mutating func detach() {
    for handle in handles { pthread_detach(handle) }
    handles = []
  }

  private final class Body {
    let name: String
    let run: @Sendable () -> Void

    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }
}
