/// An nginx with a different body for each row.
final class Nginx {
  private let server: ForeignServer

  /// `certificates`: whose leaf.pem and leaf.key it shows. `location`: what it serves beside the rows.
  init(in sandbox: Sandbox, certificates: Origin, location: String = "") throws {
    let rows = #"location /row/ { return 200 "this is the body of $uri\n"; }"#
    server = try ForeignServer(.nginx, in: sandbox, certificates: certificates, serving: "\(rows)\n\(location)")
  }

  /// TLS 1.3.
  var port: Int { server[.tls13] }

  func url(_ number: Int) -> String { server.url("/row/\(number)", .tls13) }
  static func body(_ number: Int) -> String { "this is the body of /row/\(number)\n" }
}
