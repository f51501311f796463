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
