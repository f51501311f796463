import FetchModel
import WireProtocol

/// SplitMix64: the same numbers for the same seed on every machine.
struct WireRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  mutating func number<Value: FixedWidthInteger & UnsignedInteger>(_: Value.Type) -> Value {
    switch next() % 6 {
    case 0: 0
    case 1: .max
    case 2: 1
    default: Value(truncatingIfNeeded: next())
    }
  }

  mutating func bytes(upTo count: Int) -> [UInt8] {
    (0..<Int.random(in: 0...count, using: &self)).map { _ in UInt8(truncatingIfNeeded: next()) }
  }

  mutating func token() -> [UInt8] {
    let characters = Array("ABCXYZabcxyz019-_!#$%&'*+.^`|~".utf8)
    return (0...Int.random(in: 0...12, using: &self)).map { _ in characters.randomElement(using: &self) ?? 0x41 }
  }

  mutating func method() -> RequestMethod {
    let known: [RequestMethod] = [.get, .head, .post, .put, .patch, .delete, .options, .trace]
    let other = RequestMethod(token: token()) ?? .get
    return Bool.random(using: &self) ? other : known.randomElement(using: &self) ?? .get
  }

  mutating func failure() -> FailureCode? {
    Bool.random(using: &self) ? nil : FailureCode.allCases.randomElement(using: &self)
  }

  mutating func redirect() -> RedirectState {
    var trail = RedirectTrail()
    for _ in 0..<Int.random(in: 0...12, using: &self) { trail.append(bytes(upTo: 300)) }
    return RedirectState(
      url: bytes(upTo: 60),
      method: method(),
      dropsCredentials: Bool.random(using: &self),
      dropsContent: Bool.random(using: &self),
      hasGlobalHop: Bool.random(using: &self),
      hops: Int(number(UInt16.self)),
      spentMicroseconds: number(UInt64.self),
      visited: (0..<Int.random(in: 0...5, using: &self)).map { _ in number(UInt64.self) },
      trail: trail
    )
  }

  mutating func column() -> ResultColumn {
    ResultColumn(
      seq: number(UInt64.self),
      bodyBytes: number(UInt64.self),
      totalMicroseconds: number(UInt32.self),
      lineLength: number(UInt32.self),
      status: number(UInt16.self),
      failure: failure(),
      attempts: number(UInt8.self)
    )
  }

  mutating func deferral() -> Deferral {
    let causes: [Deferral.Cause] = [.failure, .status, .redirect, .localTrouble, .notStarted]
    let cause = causes.randomElement(using: &self) ?? .failure
    return Deferral(
      seq: number(UInt64.self),
      cause: cause,
      failure: failure(),
      status: number(UInt16.self),
      attempts: number(UInt16.self),
      retryAfterMilliseconds: number(UInt64.self),
      redirect: cause == .redirect ? redirect() : nil
    )
  }
}

/// A row as it goes into a frame.
struct SentRow {
  let seq: UInt64
  let origin: UInt32
  let elapsedMilliseconds: UInt32
  let attempts: UInt16
  let mustNotRepeat: Bool
  let redirect: RedirectState?
  let line: [UInt8]

  init(random: inout WireRandom) {
    seq = random.number(UInt64.self)
    origin = random.number(UInt32.self)
    elapsedMilliseconds = random.number(UInt32.self)
    attempts = random.number(UInt16.self)
    mustNotRepeat = Bool.random(using: &random)
    redirect = Bool.random(using: &random) ? random.redirect() : nil
    line = random.bytes(upTo: 100)
  }

  func append(to frame: inout [UInt8]) {
    RowFrame.append(
      seq: seq,
      origin: origin,
      elapsedMilliseconds: elapsedMilliseconds,
      attempts: attempts,
      mustNotRepeat: mustNotRepeat,
      redirect: redirect,
      line: line.span,
      to: &frame
    )
  }
}
