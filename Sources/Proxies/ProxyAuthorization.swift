package import FetchModel

extension ProxyServer {
  /// The field line with the credentials for a request that goes to this HTTP proxy (RFC 7617 section 2), with its line
  /// end; empty if there are none.
  package var authorizationLine: [UInt8] {
    guard kind == .http, let credentials else { return [] }
    var line = Array("Proxy-Authorization: Basic ".utf8)
    appendBase64(credentials.user + [UInt8(ascii: ":")] + credentials.password, to: &line)
    return line + Array("\r\n".utf8)
  }

  /// "host:port" for people.
  package var endpointText: String {
    let text = String(decoding: host, as: UTF8.self)
    return host.contains(UInt8(ascii: ":")) ? "[\(text)]:\(port)" : "\(text):\(port)"
  }
}

extension HTTPURL {
  /// What stands before a request target in origin form to make it one in absolute form (RFC 9112 section 3.2.2):
  /// the scheme and the host as in Host.
  package var absoluteFormPrefix: [UInt8] {
    var text: [UInt8] = []
    scheme.name.withUTF8Buffer { text += $0 }
    text += Array("://".utf8)
    appendHostField(to: &text)
    return text
  }
}

/// RFC 4648 section 4, with padding.
private func appendBase64(_ bytes: [UInt8], to text: inout [UInt8]) {
  let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
  for start in stride(from: 0, to: bytes.count, by: 3) {
    let group = bytes[start..<min(start + 3, bytes.count)]
    let word = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
    for position in 0..<4 {
      text.append(position <= group.count ? alphabet[word >> (18 - 6 * position) & 63] : UInt8(ascii: "="))
    }
  }
}
