import TLS
import Testing

/// Messages of a server that OpenSSL's own could not be made to send.
enum Forged {
  /// A ServerHello (RFC 5246 section 7.4.1.3) without extensions. `suite`: one that is offered, unless said otherwise.
  static func serverHello(
    version: UInt16 = 0x0303,
    suite: UInt16 = 0xC02B,
    compression: UInt8 = 0,
    randomEnd: [UInt8] = []
  ) -> [UInt8] {
    let version = [UInt8(version >> 8), UInt8(version & 0xFF)]
    let random = [UInt8](repeating: 7, count: 32 - randomEnd.count) + randomEnd
    let body = version + random + [0, UInt8(suite >> 8), UInt8(suite & 0xFF), compression]
    let message = [2, 0, 0, UInt8(body.count)] + body
    return [22] + version + [0, UInt8(message.count)] + message
  }

  /// What the end of `random` says before a byte for the version.
  static let downgrade = Array("DOWNGRD".utf8)

  /// SERVER-HELLO of SSL 2.0: a length with its highest bit set, type 4, then nothing anybody reads.
  static let serverHelloOfSSL2: [UInt8] = [0x80, 0x0B, 4, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0]

  /// Records of the handshake with nothing in them.
  static func emptyRecords(_ count: Int) -> [UInt8] { Array(repeatElement([22, 3, 3, 0, 0], count: count).joined()) }

  /// A fatal alert in a record of its own.
  static func alert(_ number: UInt8) -> [UInt8] { [21, 3, 3, 0, 2, 2, number] }

  /// How the client's handshake ends if the server's first bytes are these.
  static func gist(answer bytes: [UInt8]) throws -> String {
    let sockets = try SocketPair()
    let made = TLSConnection(try Certificates.client(), socket: sockets.client, identity: .origin, resuming: nil)
    let client = try #require(made)
    try #require(client.handshake() == .wantsRead)
    try sockets.sendByServer(bytes)
    return client.handshake().gist
  }
}
