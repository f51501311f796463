import FetchModel
import Glibc
import PosixIO

/// By what a list is known again: a job goes on only with the list it began with.
struct InputIdentity: Codable, Equatable {
  private static let sampleBytes = 1024 * 1024

  var size: UInt64
  /// Seconds since 1970, and nanoseconds.
  var modified: [Int]
  /// Of the first and of the last MiB, in hexadecimal digits: not every reader of JSON keeps 64 bits of a number.
  var firstHash: String
  var lastHash: String

  /// Of an open regular file; its position stays.
  init(of descriptor: Int32) throws(SystemError) {
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw SystemError("fstat") }
    size = UInt64(information.st_size)
    modified = [information.st_mtim.tv_sec, information.st_mtim.tv_nsec]
    firstHash = try Self.hash(descriptor, from: 0)
    lastHash = try Self.hash(descriptor, from: size > UInt64(Self.sampleBytes) ? size - UInt64(Self.sampleBytes) : 0)
  }

  private static func hash(_ descriptor: Int32, from offset: UInt64) throws(SystemError) -> String {
    var hash = StreamHash()
    hash.add(try readFully(descriptor, at: offset, sampleBytes))
    return String(hash.value, radix: 16)
  }

  /// How the list differs from what it was; nil if it does not, as far as this shows. Its time is another question: a
  /// list that was copied or touched is the same one.
  func difference(from earlier: InputIdentity) -> String? {
    if size != earlier.size { return "it has \(size) bytes and had \(earlier.size)" }
    if firstHash != earlier.firstHash { return "its beginning is another" }
    if lastHash != earlier.lastHash { return "its end is another" }
    return nil
  }

  /// The time as touch(1) takes it.
  var modifiedText: String {
    let digits = String(modified.last ?? 0)
    return "@\(modified.first ?? 0).\(String(repeating: "0", count: max(0, 9 - digits.count)))\(digits)"
  }
}
