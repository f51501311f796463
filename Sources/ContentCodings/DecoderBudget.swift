import Synchronization

/// The memory that all decoders of an agent may have together. Threads share it: one atomic, no lock.
package final class DecoderBudget: Sendable {
  /// What one response may need, so that each of them can be decoded once nothing else is.
  package static let leastBytes = CodingList.mostLayers * (BrotliStream.largestBytes + ContentDecoder.bufferBytes)

  package let limitBytes: Int
  private let reserved = Atomic<Int>(0)

  /// At least `leastBytes`, or a response could wait forever.
  package init(bytes: Int = 256 << 20) {
    precondition(bytes >= Self.leastBytes, "a decoder may need \(Self.leastBytes) bytes, the budget has \(bytes)")
    limitBytes = bytes
  }

  package var reservedBytes: Int { reserved.load(ordering: .relaxed) }

  /// Whether there is room; then it is taken.
  package func reserve(_ bytes: Int) -> Bool {
    precondition(bytes >= 0, "a reservation of \(bytes) bytes")
    var current = reserved.load(ordering: .relaxed)
    while bytes <= limitBytes - current {
      let (isExchanged, original) = reserved.weakCompareExchange(
        expected: current,
        desired: current + bytes,
        ordering: .relaxed
      )
      if isExchanged { return true }
      current = original
    }
    return false
  }

  package func release(_ bytes: Int) {
    // Only a number: what it counts belongs to one thread, so nothing has to be ordered with it.
    let rest = reserved.wrappingSubtract(bytes, ordering: .relaxed).newValue
    precondition(bytes >= 0 && rest >= 0, "more is released than was reserved")
  }
}
