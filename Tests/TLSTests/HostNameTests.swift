import Foundation
import OriginServer
import TLS
import Testing

/// Hosts against the names in certificates (Cases/hostname-wildcards.json), the host as an agent takes it from a URL.
@Suite struct `A host and a name in a certificate` {
  struct Row: Decodable, CustomTestStringConvertible {
    var host: String
    var sanPattern: String
    var match: Bool
    var usableAsTlsCase: Bool

    var testDescription: String { "\(host) and \(sanPattern)" }

    /// Where we differ from the list: a host that no URL has, because a label is longer than 63 bytes (RFC 1035
    /// section 2.3.4); names in certificates that end with a dot, which RFC 5280 section 4.2.1.6 does not allow them.
    var isOurs: Bool {
      host.split(separator: ".").contains { $0.utf8.count > 63 } || (sanPattern.hasSuffix(".") && match)
    }
  }

  static let rows: [Row] = {
    struct File: Decodable { var cases: [Row] }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let url = Bundle.module.url(forResource: "hostname-wildcards", withExtension: "json", subdirectory: "Cases"),
      let data = try? Data(contentsOf: url), let file = try? decoder.decode(File.self, from: data)
    else { return [] }
    return file.cases
  }()

  @Test func `the list is whole`() {
    #expect(Self.rows.count == 46)
    #expect(Self.rows.count { $0.usableAsTlsCase } == 37)
    #expect(Self.rows.count { $0.usableAsTlsCase && $0.isOurs } == 3)
  }

  @Test(arguments: rows.filter(\.usableAsTlsCase))
  func `match as the list says, but where we are stricter`(_ row: Row) throws {
    let gist = try gist(host: row.host, name: Self.name(row.sanPattern))
    let isAddress = TLSConnection.Identity.isAddress(row.host)
    switch gist {
    case "complete": #expect(row.match && !row.isOurs)
    case "invalid URL": #expect(!row.match || row.isOurs)
    default:
      #expect(!row.match || row.isOurs)
      #expect(gist == "certificate \(isAddress ? 64 : 62) at depth 0")
    }
    if isAddress {
      // The same text as a name of the DNS names no address (RFC 9110 section 4.3.5).
      #expect(try self.gist(host: row.host, name: .dns(row.sanPattern)) == "certificate 64 at depth 0")
    }
  }

  private func gist(host: String, name: CertificateProfile.Name) throws -> String {
    guard let identity = TLSConnection.Identity.host(host) else { return "invalid URL" }
    let server = try Certificates.server(showing: .server([name]))
    return try Conversation(Certificates.client(), server, identity).handshake().client.gist
  }

  /// An address in a certificate is an iPAddress; everything else is a dNSName.
  private static func name(_ pattern: String) -> CertificateProfile.Name {
    var bytes = [UInt8](repeating: 0, count: 16)
    if inet_pton(AF_INET, pattern, &bytes) == 1 { return .address(Array(bytes[..<4])) }
    if inet_pton(AF_INET6, pattern, &bytes) == 1 { return .address(bytes) }
    return .dns(pattern)
  }
}

extension TLSConnection.Identity {
  static func isAddress(_ host: String) -> Bool {
    guard case .address = TLSConnection.Identity.host(host) else { return false }
    return true
  }
}
