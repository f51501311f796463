// What a client's first message says, as far as anybody here asks.

import COpenSSL

/// A ClientHello (RFC 8446 section 4.1.2).
package struct ClientHello: Equatable, Sendable {
  package let cipherSuites: [UInt16]
  package let compressionMethods: [UInt8]
  private let extensions: [UInt16: [UInt8]]

  /// Extension types (IANA, TLS ExtensionType Values).
  package enum Extension: UInt16, CaseIterable, Sendable {
    case serverName = 0
    case applicationProtocols = 16
    case sessionTicket = 35
    case preSharedKey = 41
    case earlyData = 42
    case supportedVersions = 43
    case postHandshakeAuthentication = 49
  }

  /// Only inside the client hello callback.
  init(of connection: OpaquePointer) {
    var bytes: UnsafePointer<UInt8>?
    func array(_ count: Int) -> [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: count)) }
    cipherSuites = Self.numbers(array(SSL_client_hello_get0_ciphers(connection, &bytes)))
    compressionMethods = array(SSL_client_hello_get0_compression_methods(connection, &bytes))
    var extensions: [UInt16: [UInt8]] = [:]
    for type in Extension.allCases {
      var count = 0
      guard SSL_client_hello_get0_ext(connection, UInt32(type.rawValue), &bytes, &count) == 1 else { continue }
      extensions[type.rawValue] = array(count)
    }
    self.extensions = extensions
  }

  package subscript(type: Extension) -> [UInt8]? { extensions[type.rawValue] }

  /// The host_name of RFC 6066 section 3: length of the list, type, length, name.
  package var serverName: String? {
    guard let list = self[.serverName], list.count > 5, list[2] == 0 else { return nil }
    return String(decoding: list[5...], as: UTF8.self)
  }

  /// Versions offered by extension: a length, then two bytes each.
  package var versions: [UInt16] { Self.numbers(Array((self[.supportedVersions] ?? []).dropFirst())) }

  /// What the client would resume with: the first pre-shared key's identity of TLS 1.3, or the ticket of TLS 1.2.
  package var resumptionOffer: [UInt8]? {
    if let keys = self[.preSharedKey], keys.count > 4 {
      let length = Int(keys[2]) << 8 | Int(keys[3])
      return Array(keys.dropFirst(4).prefix(length))
    }
    return self[.sessionTicket].flatMap { $0.isEmpty ? nil : $0 }
  }

  private static func numbers(_ bytes: [UInt8]) -> [UInt16] {
    stride(from: 0, to: bytes.count - 1, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
  }
}
