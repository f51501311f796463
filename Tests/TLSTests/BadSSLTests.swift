import Foundation
import OriginServer
import TLS
import Testing

/// The situations of badssl.com (Cases/badssl-cases.json), each with a real handshake against a server that is as bad
/// as its row says.
@Suite struct `A situation of badssl dot com` {
  struct Row: Decodable {
    var `case`: String
    var expected: String
    var why: String
  }

  static let rows: [Row] = {
    struct File: Decodable { var cases: [Row] }
    guard let url = Bundle.module.url(forResource: "badssl-cases", withExtension: "json", subdirectory: "Cases"),
      let data = try? Data(contentsOf: url), let file = try? JSONDecoder().decode(File.self, from: data)
    else { return [] }
    return file.cases
  }()

  @Test func `each row of the list has its situation here, and the other way round`() {
    #expect(Self.rows.count == 55)
    #expect(Set(Self.rows.map(\.case)) == Set(Situation.all.map(\.row)))
    #expect(Set(Situation.all.map(\.row)).count == Situation.all.count)
  }

  @Test(arguments: Situation.all)
  func `ends as its row says`(_ situation: Situation) throws {
    let row = try #require(Self.rows.first { $0.case == situation.row })
    for server in situation.servers {
      let gist = try server.gist()
      #expect(gist == situation.outcome, "\(server)")
      switch row.expected {
      case "accept": #expect(gist == "complete")
      case "reject": #expect(gist != "complete")
      // Left to us, and so decided in the table.
      default: #expect(row.expected == "policy" || situation.row == "client-cert-missing")
      }
    }
  }
}

/// A row of the list, what the server does, and how it ends.
struct Situation: CustomTestStringConvertible, Sendable {
  enum Server: Sendable {
    case certificate(String)
    case policy(ServerPolicy, CertificateProfile.Key)
    /// Answers the ClientHello with these bytes: what OpenSSL's own server cannot be made to do.
    case bytes([UInt8])
    /// Nothing that a TLS connection shows.
    case outsideTLS
  }

  var row: String
  var servers: [Server]
  var outcome: String

  init(_ row: String, _ servers: Server..., outcome: String) {
    self.row = row
    self.servers = servers
    self.outcome = outcome
  }

  var testDescription: String { row }
}

extension Situation.Server {
  /// How the client's handshake ends.
  func gist() throws -> String {
    switch self {
    case .certificate(let name):
      let wanted = try #require(CertificateCase.named(name))
      return try gist(of: Certificates.server(showing: wanted), host: "\(name).cases.test")
    case .policy(let policy, let key):
      var leaf = CertificateProfile.leaf
      leaf.key = key
      // Where the key itself is what the secret is sealed with.
      leaf.keyUsage = "critical,digitalSignature,keyEncipherment"
      if key == .p256 { leaf.keyUsage = "critical,digitalSignature" }
      return try gist(of: ServerContext(Certificates.authority().issue(leaf), policy), host: "origin.test")
    case .bytes(let bytes): return try Forged.gist(answer: bytes)
    case .outsideTLS: return "complete"
    }
  }

  private func gist(of server: ServerContext, host: String) throws -> String {
    try Conversation(Certificates.client(), server, .name(host)).handshake().client.gist
  }
}
