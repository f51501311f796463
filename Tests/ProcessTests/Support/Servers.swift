import Foundation
import Glibc

/// The project's own origin server, running.
final class Origin {
  let program: Program
  /// Where its files are: ca.pem, leaf.pem, leaf.key.
  let directory: String
  private let ports: [String: Int]

  init(in sandbox: Sandbox, _ arguments: [String] = []) throws {
    let name = "origin-\(sandbox.names().count)"
    directory = "\(sandbox.path)/\(name)"
    program = try sandbox.start(
      "origin",
      ["--directory", directory, "--until-stdin-closes", "--lifetime", "\(Int(300 * patience))"] + arguments,
      input: .pipe
    )
    let program = program
    try waitUntil("ports.json of the origin") {
      if let ending = program.poll() { throw Trouble("the origin ended with \(ending): \(program.errorText)") }
      return sandbox.exists("\(name)/ports.json")
    }
    let data = FileManager.default.contents(atPath: "\(directory)/ports.json") ?? Data()
    ports = try JSONDecoder().decode([String: Int].self, from: data)
  }

  /// Its authority's certificate.
  var authority: String { "\(directory)/ca.pem" }

  func port(_ listener: String = "https") throws -> Int {
    guard let port = ports[listener] else { throw Trouble("the origin has no listener \(listener)") }
    return port
  }

  /// A URL at a listener: `http` only for the one of that name.
  func url(_ target: String, _ listener: String = "https", host: String = "localhost") throws -> String {
    "\(listener == "http" ? "http" : "https")://\(host):\(try port(listener))\(target)"
  }

  struct Counts: Decodable {
    struct Listener: Decodable {
      var accepted, open, openMax, openSustainedMax: Int
    }

    var requests, requestsInProgressMax, connections, closesNotified: Int
    var listeners: [String: Listener]
  }

  func counts() throws -> Counts {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(Counts.self, from: Data(try get("/counts", port: port("http")).utf8))
  }

  /// How often a target was asked for with `X-Count` or `?count=1`.
  func hits(_ target: String) throws -> Int {
    struct Hits: Decodable { var hits: Int }
    let encoded = target.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? target
    return try JSONDecoder().decode(Hits.self, from: Data(try get("/hits?target=\(encoded)", port: port("http")).utf8))
      .hits
  }

  /// The first bytes of a generated body, as the origin's DeterministicBody defines them.
  static func body(_ text: String, count: Int) -> [UInt8] {
    var seed: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in text.utf8 { seed = (seed ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    return (0..<count).map { index in
      var word = seed &+ UInt64(index / 8) &* 0x9E37_79B9_7F4A_7C15
      word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
      word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
      word ^= word >> 31
      return 0x30 + UInt8(truncatingIfNeeded: word >> UInt64(8 * (index % 8))) & 0x3F
    }
  }
}

/// An nginx of our own: TLS 1.3, keep-alive, a different body for each path.
final class Nginx {
  let port: Int

  /// `certificates`: whose leaf.pem and leaf.key it shows. `location`: what it serves beside the rows.
  init(in sandbox: Sandbox, certificates: Origin, location: String = "") throws {
    let file = try Sandbox.installedProgram("nginx", package: "nginx")
    try FileManager.default.createDirectory(atPath: "\(sandbox.path)/nginx", withIntermediateDirectories: false)
    for _ in 0..<5 {
      let port = try HeldPort.free()
      let configuration = try sandbox.write(
        "nginx/nginx.conf",
        Self.configuration(
          folder: "\(sandbox.path)/nginx",
          certificates: certificates.directory,
          port: port,
          location: location
        )
      )
      let program = try sandbox.start("nginx", at: file, ["-p", "\(sandbox.path)/nginx", "-c", configuration])
      var isUp = false
      try waitUntil("nginx answers on port \(port)") {
        isUp = (try? Client(port: port)) != nil
        return isUp || program.poll() != nil
      }
      if isUp, program.poll() == nil {
        self.port = port
        return
      }
      guard program.errorText.contains("in use") else { throw Trouble("nginx: \(program.errorText)") }
    }
    throw Trouble("nginx found no free port")
  }

  func url(_ number: Int) -> String { "https://localhost:\(port)/row/\(number)" }
  static func body(_ number: Int) -> String { "this is the body of /row/\(number)\n" }

  private static func configuration(folder: String, certificates: String, port: Int, location: String) -> String {
    """
    daemon off;
    master_process off;
    error_log \(folder)/error.log warn;
    pid \(folder)/pid;
    events { worker_connections 1024; }
    http {
      access_log off;
      client_body_temp_path \(folder)/client;
      proxy_temp_path \(folder)/proxy;
      fastcgi_temp_path \(folder)/fastcgi;
      uwsgi_temp_path \(folder)/uwsgi;
      scgi_temp_path \(folder)/scgi;
      keepalive_requests 100000000;
      keepalive_timeout 300s;
      server {
        listen 127.0.0.1:\(port) ssl;
        server_name localhost;
        ssl_certificate \(certificates)/leaf.pem;
        ssl_certificate_key \(certificates)/leaf.key;
        ssl_protocols TLSv1.3;
        default_type text/plain;
        \(location)
        location / { return 200 "this is the body of $uri\\n"; }
      }
    }
    """
  }
}
