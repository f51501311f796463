/// Ports that may be connected to.
package struct PortRanges: Equatable, Sendable {
  package let ranges: [ClosedRange<UInt16>]

  /// What `init` takes, for the user.
  package static let form = "takes ports and ranges from 1 to 65535, such as 80,443,8000-8099"

  /// From a text such as "80,443,8000-8099"; nil if it is none.
  package init?(_ text: String) {
    var ranges: [ClosedRange<UInt16>] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first > 0, first <= last
      else { return nil }
      ranges.append(first...last)
    }
    self.ranges = ranges
  }

  package func contains(_ port: UInt16) -> Bool { ranges.contains { $0.contains(port) } }
}
