import Foundation

/// What the programs and these tests were built with, if anything; `deploy/test.sh --sanitize` says so.
enum Sanitizer: String {
  case thread, address

  static let current = ProcessInfo.processInfo.environment["TRAWL_SANITIZER"].flatMap(Sanitizer.init(rawValue:))
}

/// How many times longer than an ordinary program the tested ones may take. Every time limit that is there for the
/// tests' sake is multiplied with it.
let patience: Double = Sanitizer.current == nil ? 1 : 5
