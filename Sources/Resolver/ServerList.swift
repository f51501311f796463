import PosixIO

/// The list of name servers that --dns-servers takes: numeric addresses, divided by commas, with a port or without;
/// those of IPv6 may and, with a port, must stand in brackets.
enum ServerList {
  /// A question remembers in the bits of a word which of them it was sent to.
  static let longest = 64

  struct Problem: Error { let text: String }

  /// What is wrong with it, with what would be right; nil if it is fine.
  static func problem(of text: String) -> String? {
    do throws(Problem) {
      _ = try servers(in: text)
      return nil
    } catch {
      return error.text
    }
  }

  /// The servers with their ports. c-ares does not take each of the spellings, and one that it does not makes it refuse
  /// the whole list.
  static func servers(in text: String) throws(Problem) -> [SocketAddress] {
    var servers: [SocketAddress] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      if part.isEmpty {
        throw Problem(
          text: "“\(text)” has an empty entry; name servers are written like 192.0.2.1,[2001:db8::1]:53"
        )
      }
      let server = try server(part)
      if !servers.contains(server) { servers.append(server) }
    }
    if servers.count > longest {
      throw Problem(text: "there are \(servers.count) name servers; there may be \(longest)")
    }
    return servers
  }

  private static func server(_ part: Substring) throws(Problem) -> SocketAddress {
    guard let (address, portText) = split(part), var server = SocketAddress(numeric: String(address), port: 53) else {
      throw Problem(
        text: "“\(part)” is no name server; it must be a numeric address like 192.0.2.1 or [2001:db8::1]:53"
      )
    }
    if server.family == .ipv4, part.hasPrefix("[") {
      let right = address + (portText.map { ":" + $0 } ?? "")
      throw Problem(text: "“\(part)” has brackets around an IPv4 address; it must be \(right)")
    }
    if let portText {
      guard let port = UInt16(portText), port > 0, portText.allSatisfy(\.isNumber) else {
        throw Problem(text: "“\(part)” has no valid port; it must be 1 to 65535")
      }
      server.port = port
    }
    return server
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
