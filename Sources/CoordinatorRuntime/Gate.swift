import FetchModel
import Keys
import PosixIO
import Synchronization
import ZeroMQ

// Theory of operation
//
// A thread beside the coordinator's loop, so that who knocks is none of the loop's business. libzmq asks it whether
// the owner of a key may connect, and reports handshakes that failed; the list of allowed agents is looked at every
// second. What has come of it waits in one place, added up, and the loop is told once that something does: however
// many are refused, the loop's mailbox holds no more than one event of the gate.
//
// It runs before the socket is bound, and until nothing is connected any more. While it does not, nobody gets in.

/// What a gate has seen since it was asked last.
struct GateNews: Sendable {
  /// The list, if it is another.
  var list: AdmissionList?
  var refusals = RefusalTally()
  /// What a person should know.
  var remarks: [String] = []

  /// Nobody can be let in any more.
  var failure: ZeroMQError?

  var isEmpty: Bool { list == nil && refusals.entries.isEmpty && remarks.isEmpty && failure == nil }
}

/// The running gate of a coordinator's socket.
final class Gate {
  private let inbox: Mailbox<Void>
  private let board: Board
  private var threads = ThreadGroup()

  /// Returns when it answers. `name`: under which the socket reports its connections. `announce` is called when there
  /// are news, once until they are taken.
  init(
    in context: Context,
    watching name: String,
    allowedAgents: AllowedAgents?,
    announce: @escaping @Sendable () -> Void
  ) throws {
    let inbox = try Mailbox<Void>()
    let board = Board(announce)
    // nil: it answers; otherwise why it cannot.
    let starts = try Mailbox<ZeroMQError?>()
    self.inbox = inbox
    self.board = board
    try threads.spawn(name: "gate") {
      do throws(ZeroMQError) {
        var keeper = try GateKeeper(
          desk: AuthenticationSocket(in: context),
          monitor: HandshakeMonitor(of: name, in: context),
          agents: allowedAgents,
          board: board
        )
        starts.send(nil)
        do throws(ZeroMQError) {
          try keeper.run(until: inbox)
        } catch {
          // libzmq's own thread waits for a reader of its reports now: the coordinator has to end.
          board.post { $0.failure = error }
        }
      } catch {
        starts.send(error)
      }
    }
    starts.signal.wait()
    if let error = starts.drain().first ?? nil {
      threads.join()
      throw error
    }
  }

  /// All that was not taken yet.
  func takeNews() -> GateNews { board.take() }

  /// Ends the thread; the socket has to have stopped reporting to it.
  func stop() {
    inbox.send(())
    threads.join()
  }

  /// News from the gate's thread to the loop's.
  fileprivate final class Board: Sendable {
    private let news = Mutex(GateNews())
    private let announce: @Sendable () -> Void

    init(_ announce: @escaping @Sendable () -> Void) { self.announce = announce }

    func take() -> GateNews {
      news.withLock { news in
        var taken = GateNews()
        swap(&taken, &news)
        return taken
      }
    }

    func post(_ change: (inout GateNews) -> Void) {
      let isFirst = news.withLock { news in
        let wasEmpty = news.isEmpty
        change(&news)
        return wasEmpty
      }
      if isFirst { announce() }
    }
  }
}

/// What the gate's thread does.
private struct GateKeeper: ~Copyable {
  private static let interval: UInt64 = 1_000_000_000
  /// Answers and reports of one turn, so that a flood of them does not keep it from the list.
  private static let turn = 256

  private var desk: AuthenticationSocket
  private var monitor: HandshakeMonitor
  /// nil: nobody is encrypted, and nobody asks.
  private var agents: AllowedAgents?
  private let board: Gate.Board
  private var nextLook: Instant

  init(
    desk: consuming AuthenticationSocket,
    monitor: consuming HandshakeMonitor,
    agents: AllowedAgents?,
    board: Gate.Board
  ) {
    self.desk = desk
    self.monitor = monitor
    self.agents = agents
    self.board = board
    nextLook = Clock.now().adding(nanoseconds: Self.interval)
  }

  mutating func run(until inbox: Mailbox<Void>) throws(ZeroMQError) {
    var descriptors = [WaitedDescriptor(inbox.signal.descriptor)]
    while true {
      let patience = Int(nextLook.nanoseconds(since: Clock.now()) / 1_000_000) + 1
      try desk.wait(orFor: monitor, alsoFor: &descriptors, milliseconds: patience)
      if descriptors[0].isReady { return }
      if Clock.now() >= nextLook { lookAtList() }
      try answer()
      try readReports()
    }
  }

  private mutating func lookAtList() {
    nextLook = Clock.now().adding(nanoseconds: Self.interval)
    guard let look = agents?.look() else { return }
    switch look {
    case .unchanged: break
    // Posted before anybody is let in by it, so that the loop can know whoever comes.
    case .changed(let list): board.post { $0.list = list }
    case .unusable(let why): board.post { $0.remarks.append("\(why); the agents allowed so far remain so") }
    case .usableAgain: board.post { $0.remarks.append("the list of allowed agents can be used again") }
    }
  }

  private mutating func answer() throws(ZeroMQError) {
    for _ in 0..<Self.turn {
      guard let request = try desk.receive() else { return }
      switch (agents?.list ?? AdmissionList()).verdict(on: request) {
      case .allowed: try desk.answer(.allowed)
      case .denied(let denial):
        try desk.answer(.denied)
        board.post { $0.refusals.add(denial == .unknownKey ? .unknownKey : .handshakeFailed, of: request.address) }
      }
    }
  }

  private mutating func readReports() throws(ZeroMQError) {
    for _ in 0..<Self.turn {
      guard let failure = try monitor.next() else { return }
      switch failure.cause {
      // Counted when it was denied.
      case .notAllowed: break
      case .protocolViolated: board.post { $0.refusals.add(.handshakeFailed, of: failure.address) }
      case .unfinished: board.post { $0.refusals.add(.handshakeUnfinished, of: failure.address) }
      }
    }
  }
}
