import FetchModel
package import Scheduling
package import WireProtocol

/// What a hello says to be held, checked: it came over a network. Pure.
package enum HeldCheck {
  /// More than the credits of rows and of bytes that are not acknowledged can come to.
  package static let maximumRows = 1 << 20
  private static let maximumSeq: UInt64 = 1 << 48

  /// nil if no agent that keeps to the protocol says so.
  package static func holdings(_ hello: WireHello) -> [Holding]? {
    var numbers = Set<UInt32>()
    var keys = Set<[UInt8]>()
    var connections = 0
    var rows = 0
    var holdings: [Holding] = []
    for held in hello.held {
      connections += Int(held.connections)
      rows += held.rows.count
      let key = Array(held.key)
      guard connections <= Int(hello.connections), rows <= maximumRows,
        held.rows.allSatisfy({ $0 < maximumSeq }), numbers.insert(held.origin).inserted,
        keys.insert(key).inserted, held.origin == 0 ? key.isEmpty && held.connections == 0 : isCanonical(key)
      else { return nil }
      guard held.origin == 0 || held.connections > 0 else { return nil }
      holdings.append(Holding(origin: held.origin, key: key, connections: Int(held.connections), rows: held.rows))
    }
    return holdings
  }

  /// Spelled otherwise, one origin would be two.
  private static func isCanonical(_ key: [UInt8]) -> Bool {
    var url = HTTPURL()
    guard key.count <= 512, (try? url.parseOrigin(key.span)) != nil else { return false }
    var spelled: [UInt8] = []
    url.appendOriginKey(to: &spelled)
    return spelled == key
  }
}
