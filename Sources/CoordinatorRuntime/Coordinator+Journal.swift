import FetchModel
import JobStore
import PosixIO
import Scheduling
import WireProtocol

/// The records could not be written: the job cannot go on here.
struct WritingFailed: Error {
  /// nil: the reader of standard output has closed it, which is nothing to speak of.
  let message: String?

  init(_ failure: CommitFailure) {
    switch failure {
    case .brokenPipe: message = nil
    case .failed(let text): message = text
    }
  }
}

/// What waits for the disk.
extension Coordinator {
  /// Writes entries that somebody waits for.
  func write(_ entries: [JournalEntry], then what: JournalQueue.Waiting) {
    mailboxes.committer.send(.journal(entries: entries, ticket: journal.add(what)))
  }

  /// The entries of all tickets up to this one are durable.
  func goOn(upTo ticket: UInt64) throws {
    for what in journal.take(upTo: ticket) {
      switch what {
      case .hello(let routing): if let hello = journal.takeHello(from: routing) { try welcome(hello) }
      case .rows(let seqs, let session): try letGo(seqs, to: session)
      case .part: if stage == .flushing { try part() }
      }
    }
  }

  /// Rows of a dispatch that must not be sent twice: that they left is known to whoever comes after, before they do.
  func holdBack(_ seqs: [UInt64], for session: UInt64) {
    guard let instance = peers[session]?.instance else { return }
    scheduler.holdBack(seqs)
    write([.unsafeRowsLeft(to: instance, seqs: seqs)], then: .rows(seqs, session: session))
  }

  private func letGo(_ seqs: [UInt64], to session: UInt64) throws {
    var leaving = scheduler.letGo(seqs, to: session)
    if stage == .running, !leaving.isEmpty, try send(leaving, shares: [], to: session) {
      // What stays is told below.
    } else {
      scheduler.undelivered(leaving, to: session)
      leaving = []
    }
    noteReturned(seqs.filter { !leaving.contains($0) })
  }

  /// Rows that the journal says have left, and that have not: whoever comes after may send them. One that has gone to
  /// another agent meanwhile is written down anew.
  func noteReturned(_ seqs: [UInt64]) {
    let waiting = seqs.filter { scheduler.isWaiting($0) && hasToBeLogged($0) }
    guard !waiting.isEmpty else { return }
    mailboxes.committer.send(.journal(entries: [.unsafeRowsReturned(seqs: waiting)], ticket: nil))
  }

  /// Tells the journal who has left, once a second: it costs a restart nothing but patience if it knows late.
  func noteLeaves() {
    let entries = journal.leave(allBut: scheduler.instances)
    if !entries.isEmpty { mailboxes.committer.send(.journal(entries: entries, ticket: nil)) }
  }

  /// There are no more rows. `bytes`: how long the input is; nil if it was cut off, which later runs have to know, too.
  func endInput(bytes: UInt64?, hashes: [UInt64]) {
    scheduler.endInput()
    note(hashes: hashes)
    guard let bytes else { return }
    mailboxes.committer.send(.journal(entries: [.inputEnded(bytes: bytes)], ticket: nil))
  }

  func note(hashes: [UInt64]) {
    guard !hashes.isEmpty else { return }
    mailboxes.committer.send(.journal(entries: [.inputRead(hashes: hashes)], ticket: nil))
  }
}
