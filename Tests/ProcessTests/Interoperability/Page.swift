/// What every one of the servers serves: names below its root, and what they hold.
enum Page: String, CaseIterable {
  case empty
  case small = "1k"
  case medium = "100k"
  case large = "5m"
  /// Where `/folder` leads.
  case index = "folder/index.html"

  var count: Int {
    switch self {
    case .empty: 0
    case .small: 1 << 10
    case .medium: 100 << 10
    case .large: 5 << 20
    case .index: 700
    }
  }

  var content: [UInt8] { Self.contents[self] ?? [] }
  var digest: String { Self.digests[self] ?? "" }

  private static let contents = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, Origin.body($0.rawValue, count: $0.count)) }
  )
  private static let digests = contents.mapValues { Digest.sha256($0) }
}
