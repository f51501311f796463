import TLS

extension TLSConnection.Handshake {
  /// As one text: `complete`, `certificate 10 at depth 0`, `alert 40`, `error: wrong version number`.
  var gist: String {
    switch self {
    case .complete: "complete"
    case .wantsRead: "waits for the server"
    case .wantsWrite: "waits to write"
    case .failed(let failure): failure.gist
    }
  }
}

extension TLSFailure {
  var gist: String {
    switch self {
    case .certificate(let code, let depth, _): "certificate \(code) at depth \(depth)"
    case .pinMismatch(let found): "key \(found)"
    case .alert(let description): "alert " + (description.split(separator: "(").last?.prefix { $0 != ")" } ?? "")
    case .protocolError(let text): "error: \(text)"
    case .system(let number): "errno \(number)"
    case .unexpectedEnd: "end without notice"
    }
  }
}
