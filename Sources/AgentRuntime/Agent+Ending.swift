import FetchModel
import Logging
import PosixIO
import Scheduling

/// How an agent that is told to end gets rid of its rows.
extension Agent {
  private static let grace: UInt64 = 5_000_000_000

  private var isEmptyHanded: Bool { outbox.isEmpty && rowsInHand.allSatisfy { $0 <= 0 } }

  /// The first signal lets rows in flight finish and gives the others back, and a coordinator that is away may come for
  /// what is finished; the second ends the agent as it stands.
  mutating func signalled(times: Int) throws {
    guard times > 0 else { return }
    guard times == 1, departure == nil, session.session != 0 || !isEmptyHanded else { return try depart() }
    departure = Departure(end: Clock.bootTime().adding(nanoseconds: Self.grace))
    log.debug("finishing what is in flight")
    try perform(session.drain())
  }

  mutating func departIfDone() throws {
    guard let departure else { return }
    let isOver = departure.isOver(
      isEmptyHanded: isEmptyHanded,
      hasSession: session.session != 0,
      now: Clock.bootTime()
    )
    if isOver { try depart() }
  }

  private mutating func depart() throws {
    let farewell = session.part()
    try perform(farewell)
    if farewell.contains(.sendGoodbye) { trustSent() }
    exit = .signalled
  }
}
