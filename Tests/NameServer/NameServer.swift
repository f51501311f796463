// A name server for tests: real DNS over UDP and TCP on loopback, right or wrong as the test says.
//
// One thread waits for both sockets, the TCP connections, delayed responses and the test. What is answered is a
// function of the question, called on that thread.

import FetchModel
import Glibc
import PosixIO
import Synchronization

package final class NameServer: Sendable {
  /// How it treats questions.
  package enum Mode: Sendable {
    case answering
    /// Takes them and says nothing.
    case silent
    /// Does not even take them, like a process that is stopped; they are answered later.
    case frozen
  }

  private enum Message: Sendable { case mode(Mode, done: EventSignal), closeListener(done: EventSignal), stop }

  /// The same for UDP and TCP, on 127.0.0.1.
  package let port: UInt16

  private let inbox: Mailbox<Message>
  private let counts: QuestionCounts
  private let threads = Mutex<[ThreadHandle]>([])

  /// `port` 0: one that is free.
  package init(port: UInt16 = 0, _ answer: @escaping @Sendable (Question) -> Response) throws {
    let sockets = try ServerSockets(port: port)
    self.port = sockets.port
    let (inbox, counts) = (try Mailbox<Message>(), QuestionCounts())
    (self.inbox, self.counts) = (inbox, counts)
    let (datagrams, listener) = sockets.release()
    let handle = try ThreadHandle {
      let service = NameService(
        datagrams: Descriptor(owning: datagrams),
        listener: Descriptor(owning: listener),
        counts: counts,
        answer: answer
      )
      service.run(signal: inbox.signal) {
        for message in inbox.drain() {
          switch message {
          case .mode(let mode, let done):
            service.mode = mode
            done.raise()
          case .closeListener(let done):
            service.closeListener()
            done.raise()
          case .stop: return false
          }
        }
        return true
      }
    }
    threads.withLock { $0 = [handle] }
  }

  deinit { stop() }

  /// "127.0.0.1:53535", as --dns-servers takes it.
  package var text: String { "127.0.0.1:\(port)" }

  /// Holds for questions that are asked after it has returned.
  package func set(_ mode: Mode) throws {
    let done = try EventSignal()
    inbox.send(.mode(mode, done: done))
    done.wait()
  }

  /// Refuses TCP from now on.
  package func closeListener() throws {
    let done = try EventSignal()
    inbox.send(.closeListener(done: done))
    done.wait()
  }

  /// Closes its sockets; whoever asks then is refused. Once it returns the port is free.
  package func stop() {
    let taken = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    if taken.isEmpty { return }
    inbox.send(.stop)
    for thread in taken { thread.join() }
  }

  /// How often a name was asked for, in that type; repetitions count.
  package func count(_ name: String, _ type: RecordType) -> Int { counts.count(name, type) }

  /// All questions about addresses; probes do not count.
  package var addressQuestions: Int { counts.total(of: [.ipv4, .ipv6]) }

  /// All questions of a type.
  package func total(of type: RecordType) -> Int { counts.total(of: [type]) }
}

/// How often what was asked.
final class QuestionCounts: Sendable {
  private struct Key: Hashable {
    let name: String
    let type: RecordType
  }

  private let counts = Mutex<(names: [Key: Int], types: [RecordType: Int])>(([:], [:]))

  func add(_ question: Question) {
    counts.withLock {
      $0.names[Key(name: question.name, type: question.type), default: 0] += 1
      $0.types[question.type, default: 0] += 1
    }
  }

  func count(_ name: String, _ type: RecordType) -> Int {
    counts.withLock { $0.names[Key(name: name, type: type)] ?? 0 }
  }

  func total(of types: [RecordType]) -> Int {
    counts.withLock { counts in types.reduce(0) { $0 + (counts.types[$1] ?? 0) } }
  }
}

/// A thread that is joined once.
struct ThreadHandle: Sendable {
  private let handle: pthread_t

  init(_ body: @escaping @Sendable () -> Void) throws {
    let box = Unmanaged.passRetained(Body(run: body))
    var handle = pthread_t()
    let status = pthread_create(
      &handle,
      nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      },
      box.toOpaque()
    )
    guard status == 0 else {
      box.release()
      throw SystemError("pthread_create", number: status)
    }
    self.handle = handle
  }

  func join() { pthread_join(handle, nil) }

  private final class Body {
    let run: @Sendable () -> Void

    init(run: @escaping @Sendable () -> Void) { self.run = run }
  }
}
