/// Where a name without a dot is looked for, resolv.conf(5).
///
/// The library can read that itself, but then reads LOCALDOMAIN and RES_OPTIONS of the environment, too.
package struct SearchDomains: Equatable, Sendable {
  /// In order; as many as the file says.
  package private(set) var domains: [String] = []
  /// How many dots a name must have to be tried by itself first.
  package private(set) var fewestDots: Int32 = 1

  /// The last line of its kind counts. `hostName` says the domain if the file does not.
  package init(parsing bytes: [UInt8], hostName: String) {
    var found: [String]?
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let text = line.prefix { $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: ";") }
      let words = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
        .map { String(decoding: $0, as: UTF8.self) }
      switch words.first {
      case "search": found = Array(words.dropFirst())
      case "domain": found = Array(words.dropFirst().prefix(1))
      case "options":
        for word in words.dropFirst() where word.hasPrefix("ndots:") {
          // The same bounds as of the system.
          if let count = Int32(word.dropFirst(6)), count >= 0 { fewestDots = min(count, 15) }
        }
      default: continue
      }
    }
    domains = found ?? Self.domain(of: hostName).map { [$0] } ?? []
    // The root is no domain to look in; a name is tried by itself anyhow.
    domains.removeAll { $0 == "." }
  }

  private static func domain(of hostName: String) -> String? {
    guard let dot = hostName.firstIndex(of: ".") else { return nil }
    let domain = hostName[hostName.index(after: dot)...]
    return domain.isEmpty ? nil : String(domain)
  }
}
