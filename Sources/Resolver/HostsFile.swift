package import PosixIO

/// The names of a hosts file, hosts(5).
package struct HostsFile: Equatable, Sendable {
  package struct Entry: Equatable, Sendable {
    package var ipv4: [SocketAddress] = []
    package var ipv6: [SocketAddress] = []
  }

  private var entries: [String: Entry] = [:]

  /// A file without names.
  package init() {}

  /// Lines that are none are passed over, as glibc does; several lines about a name add up.
  package init(parsing bytes: [UInt8]) {
    for line in bytes.split(separator: UInt8(ascii: "\n")) {
      let text = line.prefix { $0 != UInt8(ascii: "#") }
      let words = text.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") || $0 == UInt8(ascii: "\r") }
      guard words.count > 1 else { continue }
      guard let address = SocketAddress(numeric: String(decoding: words[0], as: UTF8.self), port: 0) else { continue }
      for word in words.dropFirst() { add(address, to: Self.key(word)) }
    }
  }

  /// What the file says about a name in lower case, which may end with a dot.
  package func entry(for name: String) -> Entry? {
    if entries.isEmpty { return nil }
    return entries[name.utf8.last == UInt8(ascii: ".") ? String(name.dropLast()) : name]
  }

  private mutating func add(_ address: SocketAddress, to name: String) {
    let list: WritableKeyPath<Entry, [SocketAddress]> = address.family == .ipv4 ? \.ipv4 : \.ipv6
    if !entries[name, default: Entry()][keyPath: list].contains(address) {
      entries[name, default: Entry()][keyPath: list].append(address)
    }
  }

  private static func key(_ word: ArraySlice<UInt8>) -> String {
    let name = word.last == UInt8(ascii: ".") ? word.dropLast() : word
    return String(decoding: name.map { (0x41...0x5A).contains($0) ? $0 | 0x20 : $0 }, as: UTF8.self)
  }
}
