/// Where a row stands in a chain of redirects, so that another agent can go on with it.
package struct RedirectState: Equatable, Sendable {
  /// Next URL, absolute.
  package var url: [UInt8]
  package var method: RequestMethod
  /// Authorization, Cookie and Proxy-Authorization stay away for good once an origin was left.
  package var dropsCredentials: Bool
  /// Body and Content-* fields stay away once the method has changed.
  package var dropsContent: Bool
  /// Whether an answer so far came from a global address: then the next one has to, too, unless the job says otherwise.
  package var hasGlobalHop: Bool
  /// Redirects followed so far.
  package var hops: Int
  /// Used up of the attempt's total time.
  package var spentMicroseconds: UInt64
  /// Hashes of method and URL of each hop so far, to see loops.
  package var visited: [UInt64]

  package init(
    url: [UInt8],
    method: RequestMethod,
    dropsCredentials: Bool,
    dropsContent: Bool,
    hasGlobalHop: Bool = false,
    hops: Int,
    spentMicroseconds: UInt64,
    visited: [UInt64]
  ) {
    self.url = url
    self.method = method
    self.dropsCredentials = dropsCredentials
    self.dropsContent = dropsContent
    self.hasGlobalHop = hasGlobalHop
    self.hops = hops
    self.spentMicroseconds = spentMicroseconds
    self.visited = visited
  }
}

/// FNV-1a over bytes: stable over machines and runs, unlike Swift's own hashing; not for hostile keys.
package struct StableHash: Sendable {
  package private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  package init() {}

  package mutating func add(_ bytes: [UInt8]) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }

  package mutating func add(_ number: UInt64) {
    for shift in stride(from: 0, to: 64, by: 8) {
      value = (value ^ ((number >> UInt64(shift)) & 0xFF)) &* 0x0000_0100_0000_01b3
    }
  }
}
