import PosixIO

/// The list of name servers that --dns-servers takes: numeric addresses, divided by commas, with a port or without.
enum ServerList {
  /// What is wrong with it, with what would be right; nil if it is fine.
  static func problem(of text: String) -> String? {
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      if part.isEmpty {
        return "“\(text)” has an empty entry; name servers are written like 192.0.2.1,[2001:db8::1]:53"
      }
      guard let (address, port) = split(part), SocketAddress(numeric: String(address), port: 0) != nil else {
        return "“\(part)” is no name server; it must be a numeric address like 192.0.2.1 or [2001:db8::1]:53"
      }
      if let port, (UInt16(port) ?? 0) == 0 || !port.allSatisfy(\.isNumber) {
        return "“\(part)” has no valid port; it must be 1 to 65535"
      }
    }
    return nil
  }

  /// The address and the port; nil if brackets do not match.
  private static func split(_ part: Substring) -> (address: Substring, port: Substring?)? {
    if part.hasPrefix("[") {
      guard let end = part.firstIndex(of: "]") else { return nil }
      let address = part[part.index(after: part.startIndex)..<end]
      let rest = part[part.index(after: end)...]
      if rest.isEmpty { return (address, nil) }
      return rest.hasPrefix(":") ? (address, rest.dropFirst()) : nil
    }
    guard let colon = part.firstIndex(of: ":"), part.lastIndex(of: ":") == colon else { return (part, nil) }
    return (part[..<colon], part[part.index(after: colon)...])
  }
}
