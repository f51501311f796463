import Glibc

/// Memory for a C library that takes an allocator, counted, and refused beyond a limit.
///
/// The library has a pointer to it, so it must live until the library has freed everything.
final class CountedMemory {
  /// Keeps what follows aligned as malloc(3) has it.
  private static let headerBytes = 16

  var limitBytes: Int
  private(set) var usedBytes = 0
  private(set) var peakBytes = 0

  init(limitBytes: Int) { self.limitBytes = limitBytes }

  /// What the library hands back to the functions below.
  var opaque: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  static func of(_ opaque: UnsafeMutableRawPointer) -> CountedMemory {
    Unmanaged<CountedMemory>.fromOpaque(opaque).takeUnretainedValue()
  }

  func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let (total, isOverflow) = bytes.addingReportingOverflow(Self.headerBytes)
    guard bytes >= 0, !isOverflow, total <= limitBytes - usedBytes, let start = malloc(total) else { return nil }
    start.storeBytes(of: total, as: Int.self)
    usedBytes += total
    peakBytes = max(peakBytes, usedBytes)
    return start + Self.headerBytes
  }

  func free(_ address: UnsafeMutableRawPointer) {
    let start = address - Self.headerBytes
    usedBytes -= start.load(as: Int.self)
    Glibc.free(start)
  }
}
