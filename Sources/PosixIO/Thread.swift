import CLinux
import Glibc

/// A thread of the operating system that has to be joined. What is not Sendable is made inside its body.
package struct Thread: ~Copyable {
  private let handle: pthread_t

  private init(handle: pthread_t) { self.handle = handle }

  // Reached only when neither `join` was called nor the handle kept.
  deinit { precondition(handle == 0, "a thread was dropped without being joined") }

  /// Starts `body` on a new thread; names longer than 15 bytes are cut (prctl(2), PR_SET_NAME).
  package static func spawn(name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) -> Thread {
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
    return Thread(handle: handle)
  }

  /// Waits until the thread has ended.
  package consuming func join() {
    let status = pthread_join(handle, nil)
    precondition(status == 0, "pthread_join failed with \(status)")
    discard self
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
