/// SplitMix64: the same numbers on every machine.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Bodies to encode.
enum Content {
  /// Like a page: words of a small vocabulary between tags.
  static func page(_ count: Int) -> [UInt8] {
    var generator = SeededGenerator(state: 7)
    let letters = Array("etaoinshrdlucmfw".utf8)
    let words = (0..<800).map { _ in
      (0..<Int.random(in: 2...9, using: &generator)).map { _ in letters[Int(generator.next() % 16)] }
    }
    var page: [UInt8] = []
    while page.count < count {
      page += Array("<p class=\"c\(generator.next() % 40)\">".utf8)
      for _ in 0..<12 { page += words[Int(generator.next() % 800)] + [0x20] }
    }
    return Array(page.prefix(count))
  }

  /// Nothing that an encoder could make shorter.
  static func noise(_ count: Int) -> [UInt8] {
    var generator = SeededGenerator(state: 11)
    return (0..<count).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
  }
}
