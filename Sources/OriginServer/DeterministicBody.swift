// The bytes of every generated body. A pure function of a text and an index, so that a test can compute the
// SHA-256 of any answer without fetching it, and a missing, doubled or foreign block changes the sum.

/// A body of endless length whose byte at any index follows from a text, normally the request's path.
///
/// With `seed` = 64-bit FNV-1a of the text's UTF-8 bytes and `mix` = the finalizer of SplitMix64, in wrapping 64-bit
/// arithmetic, byte `i` is `0x30 + ((mix(seed + (i / 8) * 0x9E3779B97F4A7C15) >> (8 * (i % 8))) & 0x3F)`.
/// All bytes are printable ASCII, `0` to `o`.
package struct DeterministicBody: Equatable, Sendable {
  package let seed: UInt64

  package init(seed: UInt64) {
    self.seed = seed
  }

  package init(text: some StringProtocol) {
    var hash = FNV1a()
    hash.update(text.utf8)
    seed = hash.value
  }

  /// The byte at `index`, which is not negative.
  package subscript(index: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: word(UInt64(index / 8)) >> UInt64(8 * (index % 8)))
  }

  /// Appends the bytes of `range` to `output`.
  package func append(_ range: Range<Int>, to output: inout [UInt8]) {
    var index = range.lowerBound
    while index < range.upperBound, index % 8 != 0 {
      output.append(self[index])
      index += 1
    }
    while range.upperBound - index >= 8 {
      withUnsafeBytes(of: word(UInt64(index / 8)).littleEndian) { output.append(contentsOf: $0) }
      index += 8
    }
    while index < range.upperBound {
      output.append(self[index])
      index += 1
    }
  }

  /// Eight bytes of body, the lowest first.
  private func word(_ index: UInt64) -> UInt64 {
    var word = seed &+ index &* 0x9E37_79B9_7F4A_7C15
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    word ^= word >> 31
    return (word & 0x3F3F_3F3F_3F3F_3F3F) &+ 0x3030_3030_3030_3030
  }
}

/// 64-bit FNV-1a.
package struct FNV1a: Equatable, Sendable {
  package private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  package init() {}

  package mutating func update(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
    }
  }
}
