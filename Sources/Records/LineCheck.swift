/// The longest line that may stand in a result block, its newline included.
package let maximumLineBytes = 2 * 1024 * 1024

/// Whether untrusted bytes are one record line of the row `seq`: they begin `{"seq":N,` with the canonical
/// decimal of N, end `}` and a newline, hold no other newline, and are at most `maximumLineBytes` long.
///
/// That is all the coordinator needs in order to store the line without a parser: whatever else is inside can
/// harm neither other lines nor the numbering.
package func isWellFormedLine(_ bytes: Span<UInt8>, seq: UInt64) -> Bool {
  let opening: StaticString = #"{"seq":"#
  let digits = digitCount(of: seq)
  let afterNumber = opening.utf8CodeUnitCount + digits
  guard bytes.count >= afterNumber + 3, bytes.count <= maximumLineBytes else { return false }
  guard bytes[bytes.count - 1] == UInt8(ascii: "\n"), bytes[bytes.count - 2] == UInt8(ascii: "}") else { return false }
  for index in 0..<opening.utf8CodeUnitCount where bytes[index] != opening.utf8Start[index] { return false }
  var rest = seq
  var index = afterNumber
  repeat {
    index -= 1
    guard bytes[index] == UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10) else { return false }
    rest /= 10
  } while rest > 0
  guard bytes[afterNumber] == UInt8(ascii: ",") else { return false }
  return !holds(UInt8(ascii: "\n"), in: bytes, before: bytes.count - 1)
}

/// Whether `wanted` is among the first `end` bytes.
///
/// No way out of the loop on purpose: so the compiler compares many words at a time, and in what this is for the
/// byte is hardly ever there.
func holds(_ wanted: UInt8, in bytes: Span<UInt8>, before end: Int) -> Bool {
  precondition(end <= bytes.count)
  return bytes.withUnsafeBufferPointer { bytes in
    guard let base = UnsafeRawPointer(bytes.baseAddress) else { return false }
    guard end >= 8 else { return bytes[..<end].contains(wanted) }
    let ones: UInt64 = 0x0101_0101_0101_0101
    let pattern = ones &* UInt64(wanted)
    // The last word overlaps the one before it, which asks some bytes twice.
    let last = base.loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) ^ pattern
    var marks = (last &- ones) & ~last
    for index in 0..<end / 8 {
      // A byte is zero where it is the wanted one; the first such byte of a word gets its top bit marked.
      let word = base.loadUnaligned(fromByteOffset: index * 8, as: UInt64.self) ^ pattern
      marks |= (word &- ones) & ~word
    }
    return marks & 0x8080_8080_8080_8080 != 0
  }
}
