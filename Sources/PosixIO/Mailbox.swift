import Synchronization

/// A queue from any thread to the one that owns it, which waits for `signal` in its poll set.
///
/// Not bounded by itself: what goes through one is bounded by credit (rows, blocks) or by the number of
/// senders (control). The signal is raised only when the queue was empty, so a busy receiver costs its
/// senders no system call.
package final class Mailbox<Message: Sendable>: Sendable {
  package let signal: EventSignal
  private let queue = Mutex<[Message]>([])

  package init() throws(SystemError) { signal = try EventSignal() }

  package func send(_ message: Message) {
    let wasEmpty = queue.withLock { queue in
      queue.append(message)
      return queue.count == 1
    }
    if wasEmpty { signal.raise() }
  }

  /// Everything sent so far, oldest first; does not block.
  package func drain() -> [Message] {
    signal.clear()
    return queue.withLock { queue in
      var taken: [Message] = []
      swap(&taken, &queue)
      return taken
    }
  }
}
