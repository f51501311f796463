import FetchModel
import Scheduling
import Testing

/// When an origin is left alone and for how long, seen at one agent with one row at a time.
@Suite struct OriginHealthTests {
  private struct Origin {
    var harness: Harness
    let session: UInt64
    var now: UInt64 = 0
    private var inHand: UInt64?

    init(limit: Int = 4, giveUpAfter: Duration = .seconds(86_400)) {
      var retry = RetryPolicy()
      retry.giveUpAfter = giveUpAfter
      harness = Harness(limit: limit, retry: retry)
      session = harness.hello(1, creditRows: 1)
    }

    var isParked: Bool { harness.scheduler.parkedOriginCount == 1 }

    /// The next row's request comes to this.
    mutating func request(status: UInt16 = 200, failure: FailureCode? = nil) throws {
      if harness.counts.queued < 2 { harness.add(2, to: "a") }
      if inHand == nil { step() }
      let seq = try #require(inHand)
      inHand = nil
      try harness.report([column(seq: seq, status: status, failure: failure)], from: session, at: at(now))
      step()
    }

    private mutating func step() {
      guard let dispatch = harness.step(at(now), beating: [session])[session] else { return }
      harness.scheduler.sharesLowered(dispatch.shares, by: session)
      inHand = dispatch.rows.first ?? inHand
    }

    mutating func fail(_ count: Int, _ failure: FailureCode = .connectRefused) throws {
      for _ in 0..<count { try request(failure: failure) }
    }

    /// Milliseconds until requests may be sent again.
    mutating func pause(atMost limit: UInt64 = 100_000) -> UInt64 {
      let begin = now
      while isParked, now - begin < limit {
        now += 5
        _ = harness.scheduler.beat(session, now: at(now))
        _ = harness.scheduler.tick(now: at(now))
      }
      return now - begin
    }
  }

  @Test func `nine failures in a row stop nothing, ten do`() throws {
    var origin = Origin()
    try origin.fail(9)
    #expect(!origin.isParked)
    try origin.fail(1)
    #expect(origin.isParked)
  }

  @Test(arguments: [200, 404, 500] as [UInt16])
  func `any answer begins the count anew`(_ status: UInt16) throws {
    var origin = Origin()
    try origin.fail(9)
    try origin.request(status: status)
    try origin.fail(9)
    #expect(!origin.isParked)
  }

  @Test(arguments: [.malformedResponse, .headTooLarge, .tooManyRedirects, .addressBlocked] as [FailureCode])
  func `a failure that says nothing of the connection is neither an answer nor a failure`(_ failure: FailureCode) throws
  {
    var origin = Origin()
    try origin.fail(30, failure)
    #expect(!origin.isParked)
    try origin.fail(9)
    try origin.fail(1, failure)
    #expect(!origin.isParked)
    try origin.fail(1)
    #expect(origin.isParked)
  }

  @Test func `pauses double up to half a minute, each within an eighth`() throws {
    var origin = Origin()
    try origin.fail(10)
    for base in [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000] as [UInt64] {
      let pause = origin.pause()
      #expect(pause >= base - base / 8 && pause <= base + base / 8 + 5)
      // The probe fails as well.
      try origin.fail(1)
    }
  }

  @Test func `after an answer pauses begin with the shortest again`() throws {
    var origin = Origin()
    try origin.fail(10)
    _ = origin.pause()
    try origin.fail(1)
    _ = origin.pause()
    try origin.request()
    try origin.fail(10)
    #expect(origin.pause() <= 1130)
  }

  @Test func `no pause goes past the moment for giving up, and none is shorter than a quarter second`() throws {
    var origin = Origin(giveUpAfter: .milliseconds(1500))
    try origin.fail(10)
    _ = origin.pause()
    try origin.fail(1)
    // Two seconds, but half a second after the first pause it is to be decided.
    #expect(origin.pause() <= 630)
    #expect(origin.now >= 1500 && origin.now <= 1510)
    var late = Origin(giveUpAfter: .milliseconds(1100))
    try late.fail(10)
    _ = late.pause()
    late.now = 1099
    try late.fail(1)
    #expect((245...255).contains(late.pause()))
  }

  @Test func `what an origin asks for counts up to an hour`() throws {
    for milliseconds in [7_200_000, .max] as [UInt64] {
      var origin = Origin()
      origin.harness.add(1, to: "a")
      let number = origin.harness.number("a")
      _ = origin.harness.dispatch(at(0))
      origin.harness.scheduler.pause(number, milliseconds: milliseconds, from: origin.session, now: at(0))
      _ = origin.harness.scheduler.tick(now: at(3_599_999))
      #expect(origin.isParked)
      _ = origin.harness.scheduler.tick(now: at(3_600_000))
      #expect(!origin.isParked)
    }
  }

  @Test func `the longer of two pauses counts, and none is none`() throws {
    var origin = Origin()
    origin.harness.add(1, to: "a")
    let number = origin.harness.number("a")
    _ = origin.harness.dispatch(at(0))
    for milliseconds in [0, 5000, 2000, 7000, 0] as [UInt64] {
      origin.harness.scheduler.pause(number, milliseconds: milliseconds, from: origin.session, now: at(0))
      #expect(origin.isParked == (milliseconds > 0) || milliseconds == 0)
    }
    #expect(origin.pause() == 7000)
  }

  @Test func `what was under way when a pause began neither ends nor prolongs it`() throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(30, to: "a")
    _ = harness.dispatch(at(0))
    let number = harness.number("a")
    harness.scheduler.pause(number, milliseconds: 3000, from: session, now: at(0))
    _ = try harness.report((0..<10).map { column(seq: $0) }, from: session, at: at(10))
    #expect(harness.scheduler.parkedOriginCount == 1)
    _ = try harness.report((10..<30).map { column(seq: $0, failure: .reset) }, from: session, at: at(20))
    harness.add(1, to: "a")
    _ = harness.scheduler.tick(now: at(2999))
    #expect(harness.scheduler.parkedOriginCount == 1)
    _ = harness.scheduler.tick(now: at(3000))
    #expect(harness.scheduler.parkedOriginCount == 0)
  }

  @Test(arguments: [200, 301, 404, 500] as [UInt16])
  func `only 429 and 503 speak for the whole origin`(_ status: UInt16) throws {
    var harness = Harness()
    let session = harness.hello(1)
    harness.add(3, to: "a")
    _ = harness.dispatch(at(0))
    for (seq, status) in [(0, status), (1, 503), (2, 429)] as [(UInt64, UInt16)] {
      let deferral = Deferral(seq: seq, cause: .status, status: status, attempts: 1, retryAfterMilliseconds: 60_000)
      try harness.scheduler.defer([deferral], from: session, now: at(seq))
      #expect(harness.scheduler.parkedOriginCount == (seq == 0 ? 0 : 1))
    }
  }
}
