/// The 4 or 16 bytes, in network order, of a host that is an address in its canonical spelling; nil for a name.
package func addressOctets(ofHost host: [UInt8], _ kind: HTTPURL.HostKind) -> [UInt8]? {
  switch kind {
  case .name: return nil
  case .ipv4:
    let parts = host.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let octets = parts.compactMap { part -> UInt8? in
      guard !part.isEmpty, part.count <= 3, part.allSatisfy(ByteSet.digits.contains) else { return nil }
      return UInt8(exactly: part.reduce(0) { $0 * 10 + UInt16($1 - UInt8(ascii: "0")) })
    }
    return parts.count == 4 && octets.count == 4 ? octets : nil
  case .ipv6:
    guard let pieces = parseIPv6(host.span) else { return nil }
    return (0..<8).flatMap { [UInt8(pieces[$0] >> 8), UInt8(pieces[$0] & 0xFF)] }
  }
}

/// Appends an address of 4 or 16 bytes in network order as it stands in an authority: dotted decimal, or the spelling
/// of RFC 5952 in brackets.
package func appendAuthorityHost(ofAddress octets: [UInt8], to text: inout [UInt8]) {
  precondition(octets.count == 4 || octets.count == 16, "an address has 4 or 16 bytes")
  if octets.count == 4 {
    for (index, octet) in octets.enumerated() {
      if index > 0 { text.append(UInt8(ascii: ".")) }
      text.append(decimal: UInt32(octet))
    }
  } else {
    var pieces = SIMD8<UInt16>()
    for piece in 0..<8 { pieces[piece] = UInt16(octets[2 * piece]) << 8 | UInt16(octets[2 * piece + 1]) }
    text.append(UInt8(ascii: "["))
    appendIPv6(pieces, to: &text)
    text.append(UInt8(ascii: "]"))
  }
}
