/// A session's part of an origin's connections.
struct Share {
  let session: Int32
  /// Connections that the session may have open; counted against the origin's limit until it confirms fewer.
  var connections: Int
  /// What it was asked to come down to, if that is less.
  var target: Int
  /// Rows it holds of this origin.
  var outstanding = 0
  /// Whether the origin is in the session's list of origins that can be given rows.
  var isReady = false
  /// Whether the origin is in the session's list of shares with nothing to do.
  var isListedIdle = false
  /// Whether it was given rows since it was last looked at in that list.
  var isUsed = false

  init(session: Int32, connections: Int) {
    self.session = session
    self.connections = connections
    target = connections
  }

  /// Rows that may be at the session at a time: enough to bridge a round trip, few enough to be asked back.
  var depth: Int { target == 0 ? 0 : max(64, target * 32) }
}

/// An origin with rows or shares.
struct Origin {
  let key: [UInt8]
  let hash: UInt64
  /// First and last row of its queue.
  var head = Row.none
  var tail = Row.none
  var queued = 0
  /// Rows that are not recorded, wherever they are.
  var live = 0
  var shares: [Share] = []
  var isUnplaced = false
  var isHot = false

  init(key: [UInt8], hash: UInt64) {
    self.key = key
    self.hash = hash
  }

  /// Connections given out; never more than the limit.
  var granted: Int {
    var sum = 0
    for share in shares { sum += share.connections }
    return sum
  }

  var isForgettable: Bool { live == 0 && shares.isEmpty && !isUnplaced && !isHot }

  func shareIndex(of session: Int32) -> Int? { shares.firstIndex { $0.session == session } }
}
