/// What the beginning of a zstd frame says (RFC 8878 section 3.1.1.1 and 3.1.2). Pure.
enum ZstdFrameHeader: Equatable {
  /// Not known yet.
  case incomplete
  /// Something else than a frame.
  case foreign
  case skippable(contentBytes: Int)
  case frame(windowBytes: UInt64, hasDictionary: Bool)

  /// The longest header: magic number, descriptor, dictionary id and content size, or window instead of one of these.
  static let mostBytes = 18

  private static let magic: [UInt8] = [0x28, 0xB5, 0x2F, 0xFD]
  /// After a first byte of 0x50 to 0x5F.
  private static let skippableMagic: [UInt8] = [0x2A, 0x4D, 0x18]

  /// Reads the first bytes of a frame; with more of them an answer other than `incomplete` stays.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    guard let first = bytes.first else {
      self = .incomplete
      return
    }
    let isSkippable = first & 0xF0 == 0x50
    let matches = zip(bytes, Self.magic).allSatisfy(==)
    guard matches || (isSkippable && zip(bytes.dropFirst(), Self.skippableMagic).allSatisfy(==)) else {
      self = .foreign
      return
    }
    self = isSkippable ? Self.readSkippable(bytes) : Self.readFrame(bytes)
  }

  private static func readSkippable(_ bytes: UnsafeBufferPointer<UInt8>) -> ZstdFrameHeader {
    guard bytes.count >= 8 else { return .incomplete }
    return .skippable(contentBytes: Int(number(bytes, at: 4, count: 4)))
  }

  private static func readFrame(_ bytes: UnsafeBufferPointer<UInt8>) -> ZstdFrameHeader {
    guard bytes.count >= 5 else { return .incomplete }
    let descriptor = bytes[4]
    let isSingleSegment = descriptor & 0x20 != 0
    let windowCount = isSingleSegment ? 0 : 1
    let dictionaryCount = [0, 1, 2, 4][Int(descriptor & 3)]
    // Without a flag the content size is there only where it stands for the window.
    let sizeCount = [isSingleSegment ? 1 : 0, 2, 4, 8][Int(descriptor >> 6)]
    guard bytes.count >= 5 + windowCount + dictionaryCount + sizeCount else { return .incomplete }
    let dictionary = number(bytes, at: 5 + windowCount, count: dictionaryCount)
    let window: UInt64
    if isSingleSegment {
      let size = number(bytes, at: 5 + dictionaryCount, count: sizeCount)
      window = sizeCount == 2 ? size + 256 : size
    } else {
      let base: UInt64 = 1 << (10 + UInt64(bytes[5] >> 3))
      window = base + base / 8 * UInt64(bytes[5] & 7)
    }
    return .frame(windowBytes: window, hasDictionary: dictionary != 0)
  }

  private static func number(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int, count: Int) -> UInt64 {
    (0..<count).reversed().reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) }
  }
}
