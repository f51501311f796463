import FetchModel
import Logging
import PosixIO
import Scheduling

/// How an agent that is told to end gets rid of its rows.
extension Agent {
  private static let grace: UInt64 = 5_000_000_000

  /// The first signal lets rows in flight finish and gives the others back; the second ends the agent as it stands.
  mutating func signalled(times: Int) throws {
    guard times > 0 else { return }
    guard times == 1, departure == nil, session.session != 0 else { return try depart() }
    departure = Departure(end: Clock.bootTime().adding(nanoseconds: Self.grace))
    log.debug("finishing what is in flight")
    try perform(session.drain())
  }

  mutating func departIfDone() throws {
    guard let departure else { return }
    let isOver = departure.isOver(
      isEmptyHanded: outbox.isEmpty && rowsInHand.allSatisfy { $0 <= 0 },
      hasSession: session.session != 0,
      now: Clock.bootTime()
    )
    if isOver { try depart() }
  }

  private mutating func depart() throws {
    try perform(session.part())
    exit = .signalled
  }
}
