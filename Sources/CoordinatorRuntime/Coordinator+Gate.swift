import FetchModel
import Keys
import Logging
import Scheduling
import ZeroMQ

/// Who may talk to this coordinator.
extension Coordinator {
  /// Whether the owner of a key is on the list that holds now; everybody is where nothing is encrypted.
  func admits(_ user: [UInt8]) -> Bool { admissions?.admits(user) ?? true }

  /// Counts what the gate has refused, and ends the sessions of keys that are on the list no more.
  func takeGateNews() throws {
    guard let news = socket.gate?.takeNews() else { return }
    if let failure = news.failure {
      throw CoordinatorError("agents cannot be let in any more (\(failure)); go on with: coordinator resume")
    }
    for remark in news.remarks { log.warning("\(remark)") }
    for refusal in news.refusals.entries { refuse(refusal.cause, from: refusal.peer, times: refusal.count) }
    guard let list = news.list else { return }
    admissions = list
    turnedAway = []
    for (session, peer) in peers.sorted(by: { $0.key < $1.key }) where !admits(peer.user) {
      try fence(session, .keyRemoved)
    }
  }

  /// Whether the sender of a message may say anything at all: its connection outlives the removal of its key.
  func isSenderAdmitted() throws -> Bool {
    if admits(sender.user) { return true }
    // It may have been let in by a list that is newer than the one that is known here.
    try takeGateNews()
    return admits(sender.user)
  }

  /// Counts a refusal, and says it if it is the peer's first of its kind; returns whether it is.
  @discardableResult
  func refuse(_ cause: RefusalLedger.Cause, from peer: String?, times: UInt64 = 1) -> Bool {
    let peer = peer.flatMap { $0.isEmpty ? nil : $0 } ?? "unknown"
    guard refusals.count(cause, of: peer, times: times) else { return false }
    log.warning(
      "a peer was refused; its further refusals of this kind are only counted",
      metadata: ["cause": "\(cause.rawValue)", "peer": "\(peer)"]
    )
    return true
  }

  /// The same for whoever has sent the message at hand.
  @discardableResult
  func refuseSender(_ cause: RefusalLedger.Cause) -> Bool {
    refuse(cause, from: String(decoding: sender.address, as: UTF8.self))
  }
}
