/// A frame that does not have the layout of protos/FRAMES.md.
package struct FrameError: Error, Equatable, Sendable, CustomStringConvertible {
  package let frame: StaticString
  package let problem: StaticString

  package static func == (left: FrameError, right: FrameError) -> Bool { left.description == right.description }

  package var description: String { "\(frame) frame: \(problem)" }
}

extension [UInt8] {
  /// Appends an integer, least significant byte first.
  mutating func appendInteger(_ value: some FixedWidthInteger & UnsignedInteger & BitwiseCopyable) {
    Swift.withUnsafeBytes(of: value.littleEndian) { append(contentsOf: $0) }
  }
}

/// Reads integers and byte runs from a frame, in order; every read checks what is left.
struct ByteCursor {
  private let bytes: [UInt8]
  private let frame: StaticString
  private(set) var position = 0

  init(_ bytes: [UInt8], frame: StaticString) {
    self.bytes = bytes
    self.frame = frame
  }

  var isAtEnd: Bool { position == bytes.count }

  func failure(_ problem: StaticString) -> FrameError { FrameError(frame: frame, problem: problem) }

  mutating func integer<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(_: Value.Type)
    throws(FrameError) -> Value
  {
    let width = MemoryLayout<Value>.size
    guard bytes.count - position >= width else { throw failure("is cut short") }
    let value = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: position, as: Value.self) }
    position += width
    return Value(littleEndian: value)
  }

  mutating func range(_ count: Int) throws(FrameError) -> Range<Int> {
    guard count >= 0, bytes.count - position >= count else { throw failure("is cut short") }
    defer { position += count }
    return position..<position + count
  }

  mutating func run(_ count: Int) throws(FrameError) -> [UInt8] { Array(bytes[try range(count)]) }
}
