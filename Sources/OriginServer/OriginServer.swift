// Starts and stops the whole origin: certificates, listeners, files, accepting threads.

import COriginShims
import Glibc

/// What to start.
package struct OriginOptions: Sendable {
  /// Where HTTPS listens; all extra listeners take a port of the kernel's choice on the same host.
  package var listen = SocketAddress(host: "127.0.0.1", port: 0)
  /// Where plain HTTP listens.
  package var plain = SocketAddress(host: "127.0.0.1", port: 0)
  /// Where certificates and ports are written; nil writes nothing.
  package var directory: String?
  /// Accepting threads. Each connection has a thread of its own besides.
  package var workers = 1
  package var highestTLS = TLSVersion.tls13
  /// Open connections; beyond it accepting waits.
  package var connectionLimit = 8192
  /// How long connections must be open together to count in `open_sustained_max`.
  package var overlap = Duration.milliseconds(50)

  package init() {}
}

/// A running origin. Call ``stop()`` to end it; it is not stopped by being released.
package final class OriginServer: Sendable {
  /// The bound ports.
  package let ports: [ListenerKind: UInt16]
  package let counters: Counters
  /// The authority's certificate in PEM.
  package let authorityPEM: [UInt8]

  private let listeners: [Listener]
  /// Sockets that only have to exist: the refused port, the full backlog and the connections that fill it.
  private let reserved: [Int32]
  private let stopSignal: Int32
  private let shared: Shared
  private let acceptors: [PosixThread.Handle]

  /// Starts and returns when all ports are bound and all files written. Ignores SIGPIPE for the whole process.
  package init(_ options: OriginOptions) throws(OriginError) {
    signal(SIGPIPE, SIG_IGN)
    var setup = try Setup(options)
    do throws(OriginError) {
      try setup.open()
      let signal = eventfd(0, Int32(EFD_CLOEXEC))
      guard signal >= 0 else { throw .lastErrno("eventfd") }
      setup.reserved.append(signal)
      stopSignal = signal
      let counters = Counters(overlap: options.overlap)
      shared = Shared(counters: counters, registry: Registry(limit: options.connectionLimit))
      let acceptor = Acceptor(listeners: setup.listeners, stopSignal: signal, shared: shared)
      let threads = (0..<max(1, options.workers)).compactMap { _ in PosixThread.start(acceptor.run) }
      guard !threads.isEmpty else { throw .system(call: "pthread_create", subject: "", errno: EAGAIN) }
      acceptors = threads
      ports = setup.ports
      listeners = setup.listeners
      reserved = setup.reserved
      authorityPEM = setup.authorityPEM
      self.counters = counters
    } catch {
      setup.close()
      throw error
    }
    do throws(OriginError) {
      // Written last: whoever finds the file may connect.
      try setup.files?.write("ports.json", Array((portsJSON + "\n").utf8), mode: 0o644)
    } catch {
      stop()
      throw error
    }
  }

  /// The ports by listener as one JSON object.
  package var portsJSON: String {
    var json = JSONText()
    for kind in ListenerKind.allCases {
      if let port = ports[kind] { json.add(kind.rawValue, Int(port)) }
    }
    return json.text
  }

  /// Stops accepting, ends every connection, waits up to five seconds for their threads. Call it once.
  package func stop() {
    shared.registry.stop()
    var one: UInt64 = 1
    write(stopSignal, &one, MemoryLayout<UInt64>.size)
    for acceptor in acceptors { acceptor.join() }
    let deadline = Deadline(milliseconds: 5_000)
    while !shared.registry.isEmpty, deadline.remaining > 0 { usleep(1_000) }
    for listener in listeners { close(listener.descriptor) }
    for descriptor in reserved { close(descriptor) }
  }
}

/// Everything that must exist before the first connection is accepted.
private struct Setup {
  let options: OriginOptions
  let files: StartupFiles?
  let contexts: [ListenerKind: ServerContext]
  let authorityPEM: [UInt8]
  var listeners: [Listener] = []
  var reserved: [Int32] = []
  var ports: [ListenerKind: UInt16] = [:]

  init(_ options: OriginOptions) throws(OriginError) {
    self.options = options
    let authority = try TestAuthority(name: "Trawl test authority")
    let leaf = try authority.issue(.leaf)
    let good = try ServerContext(leaf, highest: options.highestTLS)
    var contexts: [ListenerKind: ServerContext] = [
      .https: good,
      .garbage: good,
      .silent: good,
      .faults: good,
      .early: good,
      .certificates: try ServerContext(leaf, cases: CaseContexts(authority, highest: options.highestTLS)),
      .otherProtocol: try ServerContext(leaf, highest: options.highestTLS, choosesOtherProtocol: true),
    ]
    for kind in ListenerKind.allCases {
      guard let wanted = CertificateCase.shown(by: kind) else { continue }
      contexts[kind] = try ServerContext(authority.issue(wanted), highest: options.highestTLS)
    }
    self.contexts = contexts
    authorityPEM = try authority.credential.certificatePEM()
    if let directory = options.directory {
      let files = try StartupFiles(directory: directory)
      try files.write("ca.pem", authorityPEM, mode: 0o644)
      try files.write("leaf.pem", leaf.certificatePEM(), mode: 0o644)
      try files.write("leaf.key", leaf.keyPEM(), mode: 0o600)
      self.files = files
    } else {
      files = nil
    }
  }

  /// Binds all ports.
  mutating func open() throws(OriginError) {
    for kind in ListenerKind.allCases {
      let address =
        switch kind {
        case .https: options.listen
        case .http: options.plain
        default: SocketAddress(host: options.listen.host, port: 0)
        }
      switch kind {
      case .refused:
        let socket = try BoundSocket.bind(address, backlog: nil)
        reserved.append(socket.descriptor)
        ports[kind] = socket.port
      case .unaccepted:
        // Linux completes backlog + 1 connections and then drops every SYN: loopback behaves like a dead host.
        let socket = try BoundSocket.bind(address, backlog: 0)
        reserved.append(socket.descriptor)
        reserved += try socket.fillBacklog(count: 4)
        ports[kind] = socket.port
      default:
        let socket = try BoundSocket.bind(address, backlog: 4096)
        let service = Service(kind: kind, context: contexts[kind])
        listeners.append(Listener(descriptor: socket.descriptor, service: service))
        ports[kind] = socket.port
      }
    }
  }

  func close() {
    for listener in listeners { Glibc.close(listener.descriptor) }
    for descriptor in reserved { Glibc.close(descriptor) }
  }
}
