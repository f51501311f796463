import FetchModel
import FuzzSupport
import WireProtocol

/// Courses of a session as a coordinator that keeps to the protocol makes them.
enum Seeds {
  static let all: [[UInt8]] = [course(workers: 0), course(workers: 1), course(workers: 3), again]

  private static let job = [UInt8](repeating: 0xA7, count: 16)
  private static let epoch: UInt64 = 5

  private static func message(_ sequence: UInt64, _ body: WireCoordinatorMessage.OneOf_Body) -> [UInt8] {
    Envelope.encode(session: 1, sequence: sequence, epoch: epoch, body)
  }

  private static var welcome: [UInt8] {
    var specification = JobSpecification()
    if let field = HeaderField(name: "A".utf8, value: "b".utf8) { specification.request.headers = [field] }
    specification.addressing.resolveRules = [ResolveRule(host: nil, port: 80, addresses: ["127.0.0.1"])]
    var welcome = WireWelcome()
    welcome.version = ProtocolVersion.maximum
    welcome.nonce = 2
    welcome.job = bytes(job)
    welcome.specification = WireJob(specification)
    welcome.acknowledgementCreditBytes = 1 << 20
    var renumbered = WireRenumbered()
    renumbered.held = 1
    renumbered.origin = 2
    welcome.renumbered = [renumbered]
    return message(0, .welcome(welcome))
  }

  private static func work(_ sequence: UInt64, _ lines: [String], connections: UInt32) -> [[UInt8]] {
    var frame: [UInt8] = []
    for (seq, line) in lines.enumerated() {
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
      RowFrame.append(
        seq: UInt64(seq),
        origin: 1,
        elapsedMilliseconds: 0,
        attempts: 1,
        mustNotRepeat: seq == 1,
        redirect: seq == 2 ? redirect : nil,
        line: Array(line.utf8).span,
        to: &frame
      )
    }
    var share = WireShare()
    share.origin = 1
    share.connections = connections
    var work = WireWork()
    work.job = bytes(job)
    work.rows = UInt32(lines.count)
    work.shares = [share]
    return [message(sequence, .work(work)), frame]
  }

  private static func recall(_ sequence: UInt64) -> [[UInt8]] {
    var recall = WireRowRecall()
    recall.job = bytes(job)
    recall.rows = 2
    recall.origin = 1
    return [message(sequence, .rowRecall(recall)), SeqFrame.encode([0, 2])]
  }

  private static func course(workers: UInt8) -> [UInt8] {
    var echo = WireBeatEcho()
    echo.stampNs = 1_000_000_000
    var acknowledgement = WireAcknowledgement()
    acknowledgement.job = bytes(job)
    acknowledgement.block = 1
    let lines = ["http://a/", #"{"url":"http://a/","method":"POST","body":"x","headers":{"a":"b"}}"#, "http://a/2"]
    var writer = FeedWriter()
    writer.append(workers)
    writer.append(3)
    writer.append(runs: [welcome])
    for frames in [
      [message(1, .beatEcho(echo))], work(2, lines, connections: 20), recall(3), work(4, [], connections: 3),
      [message(5, .acknowledgement(acknowledgement))], [message(6, .jobEnd(WireJobEnd()))],
    ] {
      writer.append(0)
      writer.append(runs: frames)
    }
    for byte in [2, 1, 1, 20] as [UInt8] { writer.append(byte) }
    return writer.bytes
  }

  /// Sent to say hello, refused, and welcomed again.
  private static var again: [UInt8] {
    var refusal = WireRefusal()
    refusal.reason = "no"
    var writer = FeedWriter()
    writer.append(1)
    for frames in [
      [message(0, .refusal(refusal))], [welcome], [message(0, .helloAgain(WireHelloAgain()))], [welcome],
      work(1, ["http://a/"], connections: 1),
    ] {
      writer.append(3)
      writer.append(runs: frames)
      writer.append(1)
      writer.append(30)
    }
    return writer.bytes
  }
}
