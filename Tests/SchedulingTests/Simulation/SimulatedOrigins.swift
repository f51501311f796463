import FetchModel

/// The origins of a story: how long they take, what they answer, and when they do not.
struct SimulatedOrigins {
  private enum Mood {
    case well
    case slow
    /// Answers 429 or 503 and says how long.
    case throttling(status: UInt16, seconds: Int)
    case down
  }

  private struct Spell {
    let mood: Mood
    let begin: Instant
    let end: Instant
  }

  /// What a request comes to.
  struct Answer {
    let duration: UInt64
    let status: UInt16
    let failure: FailureCode?
    var retryAfterMilliseconds: UInt64 = 0
    /// Number of the origin to go on at.
    var redirect: Int?
  }

  let count: Int
  private let numbers: [[UInt8]: Int]
  private let failurePercent: UInt64
  private let redirectPercent: UInt64
  private let longest: Int
  private var spells: [[Spell]] = []

  /// Spells begin before `end`; those of a few origins never end.
  init(count: Int, hasFaults: Bool, from begin: Instant, until end: Instant, random: inout SimulationRandom) {
    self.count = count
    numbers = Dictionary(uniqueKeysWithValues: (0..<count).map { (Self.key(of: $0), $0) })
    failurePercent = UInt64(random.number(0...10))
    redirectPercent = random.chance(50) ? 6 : 0
    longest = random.chance(20) ? 2000 : 150
    let span = Int(end.nanoseconds(since: begin) / 1_000_000)
    for _ in 0..<count {
      guard hasFaults, span > 0, random.chance(35) else {
        spells.append([])
        continue
      }
      let from = begin.adding(nanoseconds: random.milliseconds(0...span))
      var until = from.adding(nanoseconds: random.milliseconds(200...20_000))
      let mood: Mood
      switch random.number(0...5) {
      case 0: mood = .slow
      case 1, 2: mood = .throttling(status: random.chance(50) ? 429 : 503, seconds: random.number(1...8))
      default:
        mood = .down
        if random.chance(25) { until = .distantFuture }
      }
      spells.append([Spell(mood: mood, begin: from, end: until)])
    }
  }

  static func url(of origin: Int) -> [UInt8] { Array("http://o\(origin).test/".utf8) }

  static func key(of origin: Int) -> [UInt8] { key(of: url(of: origin)) }

  static func key(of text: [UInt8]) -> [UInt8] {
    var url = HTTPURL()
    guard (try? url.parseOrigin(text.span)) != nil else { return [] }
    var key: [UInt8] = []
    url.appendOriginKey(to: &key)
    return key
  }

  func number(of key: [UInt8]) -> Int {
    guard let number = numbers[key] else { preconditionFailure("no origin of the story has the key \(key)") }
    return number
  }

  private func mood(of origin: Int, _ now: Instant) -> Mood {
    spells[origin].first { $0.begin <= now && now < $0.end }?.mood ?? .well
  }

  /// Whether the origin was down at some time since then.
  func wasDown(_ origin: Int, since: Instant, now: Instant) -> Bool {
    spells[origin].contains { spell in
      guard case .down = spell.mood else { return false }
      return spell.begin <= now && spell.end > since
    }
  }

  /// A request that begins now.
  func answer(_ origin: Int, _ row: SimulatedRow, _ now: Instant, _ random: inout SimulationRandom) -> Answer {
    let usual = random.milliseconds(1...longest)
    switch mood(of: origin, now) {
    case .down:
      return random.chance(70)
        ? Answer(duration: random.milliseconds(1...20), status: 0, failure: .connectRefused)
        : Answer(duration: 2_000_000_000, status: 0, failure: .connectTimeout)
    case .throttling(let status, let seconds):
      return Answer(
        duration: usual,
        status: status,
        failure: nil,
        retryAfterMilliseconds: UInt64(seconds) * 1000
      )
    case .slow: return finish(row, usual + random.milliseconds(500...4000), &random)
    case .well: return finish(row, usual, &random)
    }
  }

  private func finish(_ row: SimulatedRow, _ duration: UInt64, _ random: inout SimulationRandom) -> Answer {
    if random.chance(failurePercent) { return Answer(duration: duration, status: 0, failure: .reset) }
    var answer = Answer(duration: duration, status: 200, failure: nil)
    if random.chance(redirectPercent), !row.mustNotRepeat, row.redirect?.hops ?? 0 < 3 {
      answer.redirect = random.number(0...count - 1)
    }
    return answer
  }
}
