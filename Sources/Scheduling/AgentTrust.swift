import DequeModule

/// Whether an agent's failures are to be believed: one whose network is broken fails everywhere.
///
/// Keeps what the last different origins came to, 50 of them. If four of five failed before there was a connection, the
/// agent is suspect: it gets nothing but a probe now and then, and its failures of that kind are not recorded but tried
/// elsewhere.
struct AgentTrust {
  /// From so many parts of the window on, failures are doubted though not enough to suspend: each row gets a second
  /// chance.
  private static let doubtfulPart = 5
  private static let toleratedPercent = 80
  /// A list of which most origins are gone must not stop at every turn.
  private static let trustAfterProbe = 1000

  private let window: Int
  private var verdicts: Deque<(origin: UInt32, hasFailed: Bool)> = []
  private var failed = 0
  /// Origins yet to be seen before the agent may be suspected again: it was, and its network was shown to work.
  private var trustedFor = 0
  private(set) var isSuspended = false

  init(window: Int) { self.window = window }

  /// At least four of five of those looked at failed, and they are enough to doubt.
  var isDoubtful: Bool {
    trustedFor == 0 && verdicts.count * Self.doubtfulPart >= window
      && failed * 100 >= verdicts.count * Self.toleratedPercent
  }

  /// What a request came to; an origin counts once, with its last verdict. Returns whether the agent is suspect now
  /// and was not before.
  mutating func note(origin: UInt32, hasFailed: Bool) -> Bool {
    if let index = verdicts.firstIndex(where: { $0.origin == origin }) {
      failed -= verdicts.remove(at: index).hasFailed ? 1 : 0
    } else if verdicts.count == window {
      failed -= verdicts.removeFirst().hasFailed ? 1 : 0
    }
    verdicts.append((origin, hasFailed))
    failed += hasFailed ? 1 : 0
    trustedFor = max(0, trustedFor - 1)
    guard !isSuspended, isDoubtful, verdicts.count >= window else { return false }
    isSuspended = true
    return true
  }

  /// A probe got through, or all agents fail alike: what was seen counts no more.
  mutating func restore() {
    guard isSuspended else { return }
    isSuspended = false
    verdicts.removeAll(keepingCapacity: true)
    failed = 0
    trustedFor = Self.trustAfterProbe
  }
}
