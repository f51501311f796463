// Which addresses belong to the open internet, by the registries of special-purpose addresses (RFC 6890, as IANA keeps
// them). Pure.

/// Whether an address of 4 or 16 bytes in network order can be reached by anybody, which loopback, private, link-local,
/// shared, documentation, multicast and reserved ones cannot. What the registries leave open counts as not global, and
/// so does anything else than 4 or 16 bytes.
package func isGlobalAddress(_ octets: [UInt8]) -> Bool {
  switch octets.count {
  case 4: isGlobalIPv4(octets[0], octets[1], octets[2])
  case 16: isGlobalIPv6(octets)
  default: false
  }
}

private func isGlobalIPv4(_ first: UInt8, _ second: UInt8, _ third: UInt8) -> Bool {
  switch (first, second, third) {
  case (0, _, _), (10, _, _), (127, _, _): false
  // Shared by customers of a carrier (RFC 6598).
  case (100, 64...127, _): false
  // Link-local, cloud metadata among it.
  case (169, 254, _): false
  case (172, 16...31, _), (192, 168, _): false
  // Protocol assignments; documentation; the relays of 6to4, which are no more (RFC 7526).
  case (192, 0, 0), (192, 0, 2), (192, 88, 99): false
  // Benchmarks (RFC 2544); documentation (RFC 5737).
  case (198, 18...19, _), (198, 51, 100), (203, 0, 113): false
  // Multicast, reserved, broadcast.
  case (224..., _, _): false
  default: true
  }
}

private func isGlobalIPv6(_ octets: [UInt8]) -> Bool {
  // An IPv4 address in another form leads where that one does: mapped (RFC 4291 section 2.5.5.2), behind the well-known
  // prefix of NAT64 (RFC 6052 section 2.1), 6to4 (RFC 3056 section 2).
  if octets[..<10].allSatisfy({ $0 == 0 }), octets[10] == 0xFF, octets[11] == 0xFF {
    return isGlobalIPv4(octets[12], octets[13], octets[14])
  }
  if octets[..<4] == [0, 0x64, 0xFF, 0x9B], octets[4..<12].allSatisfy({ $0 == 0 }) {
    return isGlobalIPv4(octets[12], octets[13], octets[14])
  }
  if octets[..<2] == [0x20, 0x02] { return isGlobalIPv4(octets[2], octets[3], octets[4]) }
  // Nothing else has been allocated for global unicast (RFC 4291 section 2.4).
  guard octets[0] & 0xE0 == 0x20 else { return false }
  // 2001::/23 is for protocols, Teredo among them; 2001:db8::/32 and 3fff::/20 for documentation (RFC 3849, RFC 9637).
  if octets[..<2] == [0x20, 0x01] {
    return octets[2] > 1 && !(octets[2] == 0x0D && octets[3] == 0xB8)
  }
  return !(octets[..<2] == [0x3F, 0xFF] && octets[2] & 0xF0 == 0)
}
