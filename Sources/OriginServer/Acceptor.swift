// Accepts connections on all listeners and gives each a thread.

import COriginShims
import Glibc

/// A listening socket and what it offers.
struct Listener: Sendable {
  let descriptor: Int32
  let service: Service
}

/// One accepting thread; several may share the listeners.
struct Acceptor: Sendable {
  let listeners: [Listener]
  /// An eventfd that becomes readable when the server stops, and stays so.
  let stopSignal: Int32
  let shared: Shared

  /// Accepts until the server stops.
  func run() {
    var entries = listeners.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    entries.append(pollfd(fd: stopSignal, events: Int16(POLLIN), revents: 0))
    while !shared.registry.isStopping {
      guard shared.registry.hasRoom else {
        pause(milliseconds: 10)
        continue
      }
      guard poll(&entries, nfds_t(entries.count), 1_000) > 0 else { continue }
      for (listener, entry) in zip(listeners, entries) where entry.revents != 0 {
        accept(listener)
      }
    }
  }

  /// Takes one connection, so that no listener starves the others.
  private func accept(_ listener: Listener) {
    let descriptor = origin_accept(listener.descriptor)
    guard descriptor >= 0 else {
      // Out of descriptors or memory: the connection stays in the backlog, and polling again at once would spin.
      if errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS { pause(milliseconds: 10) }
      return
    }
    guard shared.registry.add(descriptor) else {
      close(descriptor)
      return
    }
    let connection = Connection(descriptor: descriptor, service: listener.service, shared: shared)
    shared.counters.opened(listener.service.kind)
    let isStarted = PosixThread.startDetached {
      connection.run()
      end(connection)
    }
    if !isStarted { end(connection) }
  }

  private func end(_ connection: Connection) {
    shared.counters.closed(connection.service.kind)
    shared.registry.close(connection.descriptor)
  }

  private func pause(milliseconds: Int32) {
    var entry = pollfd(fd: stopSignal, events: Int16(POLLIN), revents: 0)
    _ = poll(&entry, 1, milliseconds)
  }
}
