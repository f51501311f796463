/// What one layer has made and the next has not read yet.
final class LayerBuffer {
  private let bytes: UnsafeMutableRawBufferPointer
  private var start = 0
  private var end = 0

  init(bytes count: Int) { bytes = .allocate(byteCount: count, alignment: 16) }

  deinit { bytes.deallocate() }

  var isEmpty: Bool { start == end }

  var unread: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: bytes[start..<end]) }

  /// All of it, once it is empty.
  var room: UnsafeMutableRawBufferPointer { bytes }

  func fill(_ count: Int) {
    precondition(isEmpty && count <= bytes.count, "a buffer is filled that is in use")
    (start, end) = (0, count)
  }

  func consume(_ count: Int) {
    start += count
    precondition(start <= end, "more is read than there is")
  }

  func clear() { (start, end) = (0, 0) }
}
