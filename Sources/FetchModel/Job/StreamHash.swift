/// A running hash of a stream, by which it is noticed that a file has changed: 64 bits, fast, not cryptographic.
///
/// Depends on the bytes and on where each call's begin: feed the same blocks to get the same value.
package struct StreamHash: Equatable, Sendable {
  package private(set) var value: UInt64 = 0x9E37_79B9_7F4A_7C15

  package init() {}

  package mutating func add(_ bytes: [UInt8]) {
    var state = value ^ UInt64(bytes.count)
    bytes.withUnsafeBytes { bytes in
      var offset = 0
      while offset + 8 <= bytes.count {
        state = Self.mix(state, UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
        offset += 8
      }
      var rest: UInt64 = 0
      while offset < bytes.count {
        rest = rest << 8 | UInt64(bytes[offset])
        offset += 1
      }
      state = Self.mix(state, rest)
    }
    value = state
  }

  /// A full product folded in half, so that every bit of the word reaches the upper and the lower ones.
  private static func mix(_ state: UInt64, _ word: UInt64) -> UInt64 {
    let product = (state ^ word).multipliedFullWidth(by: 0xD6E8_FEB8_6659_FD93)
    // The sum keeps a state of 0 from swallowing what comes.
    return product.high ^ product.low &+ 0x9E37_79B9_7F4A_7C15
  }
}
