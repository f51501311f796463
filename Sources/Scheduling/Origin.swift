import FetchModel

/// A session's part of an origin's connections, and the rows it has because of it.
struct Share {
  let session: Int32
  /// Connections that the session may have open; counted against the origin's limit until it confirms fewer.
  var connections: Int
  /// What it was asked to come down to, if that is less. 0: it gets no rows.
  var target: Int
  /// What the session has been told last; it cannot confirm what it never heard of.
  var told = 0
  /// Rows that it holds, oldest first.
  var leased = RowList()
  /// Copies that it holds besides: doubles of other sessions' rows, and rows that another's result has ended.
  var copies = 0
  /// Queued rows that are for this session.
  var pinned = RowList()
  /// Whether the origin is in the session's list of origins that can be given rows.
  var isReady = false
  /// Whether the origin is in the session's list of shares with nothing to do.
  var isListedIdle = false
  /// Whether it was given rows since it was last looked at in that list.
  var isUsed = false
  /// Whether the last request failed before there was a connection; nil before the first result.
  var hasFailed: Bool?
  /// When a row came back last, or the first was given out.
  var lastNews = Instant.zero
  /// Not asked for rows back again before then.
  var recallableAt = Instant.zero

  init(session: Int32, connections: Int) {
    self.session = session
    self.connections = connections
    target = connections
  }

  /// Rows at the session.
  var outstanding: Int { leased.count + copies }

  /// Rows that may be at a session with so many connections at a time: enough to bridge a round trip, few enough to
  /// be asked back.
  static func depth(of connections: Int, isUnsafe: Bool) -> Int {
    let depth = max(64, connections * 32)
    return isUnsafe ? min(depth, connections) : depth
  }
}

/// An origin with rows, shares or a penalty.
struct Origin {
  let key: [UInt8]
  let hash: UInt64
  /// Rows for whoever has a share.
  var queue = RowList()
  /// Rows in the queue or pinned to a share.
  var queued = 0
  /// Rows that are not recorded, wherever they are.
  var live = 0
  var shares: [Share] = []
  var health = OriginHealth()
  /// Moving average of how long a request takes, in microseconds; 0 before the first result.
  var serviceMicroseconds: UInt32 = 0
  /// Since when somebody has had a share of it.
  var servedSince = Instant.zero
  /// Stands in the list of origins that nobody serves; one that is forgotten may still stand there.
  var isUnplaced = false
  /// Rows are being moved between sessions: their connections stay where they are until then.
  var helpedUntil = Instant.zero
  /// Likewise in the list of those that could be split.
  var isHot = false
  /// When a step of its health is due that ends its memory, or gives it more connections: others say nothing.
  var rememberedUntil = Instant.zero
  var nextRecovery = Instant.zero
  /// Its rows are being ended without a try.
  var isGivenUp = false

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

  var outstanding: Int {
    var sum = 0
    for share in shares { sum += share.outstanding }
    return sum
  }

  /// Whether some session may be given its rows.
  var isServed: Bool { shares.contains { $0.target > 0 } }

  var isForgettable: Bool {
    live == 0 && shares.isEmpty && !isGivenUp && health.phase == .healthy
  }

  func shareIndex(of session: Int32) -> Int? { shares.firstIndex { $0.session == session } }
}
