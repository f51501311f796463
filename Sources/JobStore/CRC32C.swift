/// CRC-32C (Castagnoli; RFC 3720 appendix B.4), eight bytes a step. Finds every burst of up to 32 damaged bits.
package struct CRC32C: Sendable {
  private var state: UInt32 = ~0

  package init() {}

  package init(of bytes: Span<UInt8>) { update(bytes) }

  package var value: UInt32 { ~state }

  package mutating func update(_ bytes: Span<UInt8>) {
    var crc = state
    Self.tables.withUnsafeBufferPointer { tables in
      bytes.withUnsafeBytes { bytes in
        var index = 0
        while bytes.count - index >= 8 {
          let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self)) ^ UInt64(crc)
          crc = 0
          for byte in 0..<8 {
            crc ^= tables[(7 - byte) << 8 | Int(truncatingIfNeeded: word >> UInt64(byte * 8) & 0xFF)]
          }
          index += 8
        }
        while index < bytes.count {
          crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[index])) & 0xFF)]
          index += 1
        }
      }
    }
    state = crc
  }

  /// Eight tables in one: the k-th says what a byte does to the sum when k more bytes follow it.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0x82F6_3B78 }
      tables[byte] = crc
    }
    for index in 256..<tables.count {
      let before = tables[index - 256]
      tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
    }
    return tables
  }()
}
