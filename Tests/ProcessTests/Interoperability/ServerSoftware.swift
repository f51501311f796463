import Testing

/// Servers that were written elsewhere, as Debian and Ubuntu package them, and what of HTTP each of them can do.
enum ServerSoftware: String, CaseIterable, CustomTestStringConvertible {
  case nginx
  case apache = "Apache"
  /// In front of an nginx, with the TLS on its own side.
  case haproxy = "HAProxy"
  /// Has Go's TLS and Go's HTTP.
  case caddy = "Caddy"
  case lighttpd
  case lighttpdGnuTLS = "lighttpd with GnuTLS"
  /// http.server with the module ssl.
  case python = "Python"

  var testDescription: String { rawValue }

  /// The package and its program.
  var program: (package: String, name: String) {
    switch self {
    case .nginx: ("nginx", "nginx")
    case .apache: ("apache2-bin", "apache2")
    case .haproxy: ("haproxy", "haproxy")
    case .caddy: ("caddy", "caddy")
    case .lighttpd: ("lighttpd lighttpd-mod-openssl", "lighttpd")
    case .lighttpdGnuTLS: ("lighttpd lighttpd-mod-gnutls", "lighttpd")
    case .python: ("python3", "python3")
    }
  }

  var knowsEntityTags: Bool { self != .python }
  var knowsRanges: Bool { self != .python }

  /// Whether `/chunked` comes in chunks. Caddy does so with what it makes itself, such as its echo.
  var hasChunkedPage: Bool { self != .caddy }

  /// Whether `/until-close` comes without a length and in no chunks. HAProxy makes chunks of what it is given so.
  var hasPageUntilClose: Bool {
    switch self {
    case .nginx, .apache, .haproxy, .python: true
    case .caddy, .lighttpd, .lighttpdGnuTLS: false
    }
  }

  /// Whether it ends the connection of a request for what is not there.
  var endsConnectionWithError: Bool { self == .python }

  /// How many sessions of TLS 1.3 come of a full handshake when each is resumed once; nil if every resumption brings
  /// another one.
  var sessionsOfFullHandshake: Int? { self == .lighttpd ? 2 : nil }

  enum Upload {
    /// `POST /echo` is answered with its own body.
    case echo
    /// `PUT /put/NAME` makes the file NAME in the folder `put`.
    case file
  }

  var upload: Upload {
    switch self {
    case .nginx, .haproxy: .file
    case .apache, .caddy, .lighttpd, .lighttpdGnuTLS, .python: .echo
    }
  }

  /// After how many requests the brief listener ends a connection.
  var requestsOfBriefConnections: Int {
    switch self {
    case .nginx, .apache, .lighttpd, .lighttpdGnuTLS: 10
    // These have no such limit; they end each.
    case .haproxy, .caddy, .python: 1
    }
  }
}
