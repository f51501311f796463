/// What one call of a decoder may read and write; both ends move on as it does.
struct Passage {
  private(set) var input: UnsafePointer<UInt8>
  private(set) var inputCount: Int
  private(set) var output: UnsafeMutablePointer<UInt8>
  private(set) var outputCount: Int

  /// `output` has room.
  init(from source: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer) {
    guard let output = target.baseAddress, !target.isEmpty else { preconditionFailure("no room to decode into") }
    self.output = output.assumingMemoryBound(to: UInt8.self)
    outputCount = target.count
    // A buffer of nothing may have no address, and is never read.
    input = UnsafePointer((source.baseAddress ?? UnsafeRawPointer(output)).assumingMemoryBound(to: UInt8.self))
    inputCount = source.count
  }

  var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: input, count: inputCount) }

  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: output, count: outputCount) }

  /// Takes bytes of the input.
  mutating func consume(_ count: Int) {
    precondition(count >= 0 && count <= inputCount, "more is read than there is")
    input += count
    inputCount -= count
  }

  /// Counts bytes as written.
  mutating func produce(_ count: Int) {
    precondition(count >= 0 && count <= outputCount, "more is written than there is room")
    output += count
    outputCount -= count
  }
}

/// Why a stream has stopped.
enum StreamStop: Equatable {
  /// The input is used up, or the output full.
  case passed
  /// So many bytes have to be granted in all; what the stream has allocated is not needed meanwhile.
  case needs(bytes: Int)
}
