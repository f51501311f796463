// The extensions that are encoded by hand: OpenSSL's own ways to make them take text, and bad certificates hold bytes
// that no text has, or a configuration. Pure.

enum DER {
  /// GeneralNames (RFC 5280 section 4.2.1.6).
  static func generalNames(_ names: [CertificateProfile.Name]) -> [UInt8] {
    var content: [UInt8] = []
    for name in names {
      switch name {
      case .dns(let bytes): content += element(0x82, bytes)
      case .address(let bytes): content += element(0x87, bytes)
      }
    }
    return element(0x30, content)
  }

  /// CertificatePolicies (RFC 5280 section 4.2.1.4) with the one policy 2.23.140.1.1.
  static let extendedValidation = element(0x30, element(0x30, element(0x06, [0x67, 0x81, 0x0C, 0x01, 0x01])))

  private static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
    guard content.count >= 0x80 else { return [tag, UInt8(content.count)] + content }
    var length: [UInt8] = []
    var rest = content.count
    while rest > 0 {
      length.insert(UInt8(truncatingIfNeeded: rest), at: 0)
      rest >>= 8
    }
    return [tag, 0x80 | UInt8(length.count)] + length + content
  }
}
