import FetchModel
import FuzzSupport
import Records
import WireProtocol

/// Courses of a job as agents that keep to the protocol make them.
enum Seeds {
  static let all: [[UInt8]] = [working(isContinued: 0), working(isContinued: 1), leaving, taking]

  private static func hello(held: [WireHeld] = []) -> [UInt8] {
    var hello = WireHello()
    hello.minimumVersion = ProtocolVersion.minimum
    hello.maximumVersion = ProtocolVersion.maximum
    hello.instance = bytes(FuzzedCoordinator.instance)
    hello.name = "a"
    hello.connections = 8
    hello.creditRows = 100
    hello.creditBytes = 1 << 20
    hello.job = bytes(FuzzedCoordinator.job)
    hello.held = held
    hello.isContinuing = !held.isEmpty
    return Envelope.encode(session: 0, sequence: 0, .hello(hello))
  }

  private static func results(_ seqs: [UInt64], failure: FailureCode? = nil) -> [[UInt8]] {
    var writer = RecordWriter(agent: Array("a".utf8))
    var lines: [UInt8] = []
    var columns: [UInt8] = []
    for seq in seqs {
      var fields = RecordFields(seq: seq)
      fields.attempts = 1
      if let failure {
        fields.failure = FetchFailure(failure, in: .connect, "no")
      } else {
        fields.status = 200
      }
      let length = writer.append(fields, url: Array("http://a/".utf8).span, to: &lines)
      let column = ResultColumn(
        seq: seq,
        bodyBytes: 0,
        totalMicroseconds: 9,
        lineLength: UInt32(length),
        status: failure == nil ? 200 : 0,
        failure: failure,
        attempts: 1
      )
      ColumnFrame.append(column, to: &columns)
    }
    var results = WireResults()
    results.job = bytes(FuzzedCoordinator.job)
    results.block = 1
    results.rows = UInt32(seqs.count)
    return [Envelope.encode(session: 1, sequence: 1, .results(results)), columns, lines]
  }

  private static func deferrals(_ seqs: [UInt64], _ cause: Deferral.Cause) -> [[UInt8]] {
    var frame: [UInt8] = []
    for seq in seqs {
      let redirect = RedirectState(
        url: Array("https://b/x".utf8),
        method: .get,
        dropsCredentials: false,
        dropsContent: false,
        hops: 1,
        spentMicroseconds: 7,
        visited: [1],
        trail: RedirectTrail(urls: [Array("https://a/".utf8)]) ?? RedirectTrail()
      )
      let deferral = Deferral(
        seq: seq,
        cause: cause,
        failure: cause == .failure ? .connectRefused : nil,
        status: cause == .status ? 503 : 0,
        attempts: 1,
        retryAfterMilliseconds: 100,
        redirect: cause == .redirect ? redirect : nil
      )
      DeferralFrame.append(deferral, to: &frame)
    }
    var deferrals = WireDeferrals()
    deferrals.job = bytes(FuzzedCoordinator.job)
    deferrals.block = 1
    deferrals.rows = UInt32(seqs.count)
    return [Envelope.encode(session: 1, sequence: 1, .deferrals(deferrals)), frame]
  }

  private static func held(_ origin: UInt32, _ key: String, _ rows: [UInt64]) -> WireHeld {
    var held = WireHeld()
    held.origin = origin
    held.key = bytes(Array(key.utf8))
    held.connections = origin == 0 ? 0 : 2
    held.rows = rows
    return held
  }

  private static func shares() -> [UInt8] {
    var share = WireShare()
    share.origin = 1
    share.connections = 0
    var lowered = WireSharesLowered()
    lowered.shares = [share]
    return Envelope.encode(session: 1, sequence: 1, .sharesLowered(lowered))
  }

  private static func course(_ isContinued: UInt8, _ steps: [Step]) -> [UInt8] {
    var writer = FeedWriter()
    writer.append(isContinued)
    for step in steps { step.write(to: &writer) }
    return writer.bytes
  }

  private static func working(isContinued: UInt8) -> [UInt8] {
    let holdings = isContinued == 1 ? [held(3, "http://a:80", [0, 3]), held(0, "", [30])] : []
    return course(
      isContinued,
      [
        .ordered([hello(held: holdings)], link: 0), .rows(20), .time(1), .ordered(results([0, 3]), link: 0), .time(1),
        .ordered(results([1], failure: .connectRefused), link: 0), .ordered(deferrals([2], .status), link: 0),
        .ordered(deferrals([4], .failure), link: 0), .ordered(deferrals([6], .redirect), link: 0), .rows(50),
        .time(40), .ordered([shares()], link: 0), .time(4),
      ]
    )
  }

  private static let leaving = course(
    0,
    [
      .rows(9), .ordered([hello()], link: 0), .time(1),
      .ordered([Envelope.encode(session: 1, sequence: 1, .draining(WireDraining()))], link: 0),
      .ordered(deferrals([0, 1], .notStarted), link: 0), .time(1),
      .ordered([Envelope.encode(session: 1, sequence: 2, .goodbye(WireGoodbye()))], link: 0), .time(200), .time(200),
    ]
  )

  /// The same instance over another connection, and messages with their own numbers.
  private static let taking = course(
    0,
    [
      .rows(30), .raw([hello()], link: 0), .time(1), .raw(results([0]), link: 0), .raw([hello()], link: 1), .time(1),
      .raw(results([1]), link: 0), .ordered(results([1]), link: 1), .time(250), .time(250),
    ]
  )
}

/// One step of a course, as an input says it.
enum Step {
  case raw([[UInt8]], link: UInt8)
  case ordered([[UInt8]], link: UInt8)
  case rows(UInt8)
  /// In steps of 50 ms.
  case time(UInt8)

  init(_ feed: inout Feed) {
    let kind = feed.byte()
    switch kind % 4 {
    case 0: self = .raw(feed.runs(), link: kind / 4 % 3)
    case 1: self = .rows(feed.byte())
    case 2: self = .time(feed.byte())
    default: self = .ordered(feed.runs(), link: kind / 4 % 3)
    }
  }

  func write(to writer: inout FeedWriter) {
    switch self {
    case .raw(let frames, let link):
      writer.append(link * 4)
      writer.append(runs: frames)
    case .rows(let count):
      writer.append(1)
      writer.append(count)
    case .time(let count):
      writer.append(2)
      writer.append(count)
    case .ordered(let frames, let link):
      writer.append(link * 4 + 3)
      writer.append(runs: frames)
    }
  }
}
