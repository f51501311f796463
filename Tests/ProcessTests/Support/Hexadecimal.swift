// Bytes as the scripts of the origin spell them.

extension Sequence<UInt8> {
  var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}

extension String {
  /// Of one octet a scalar.
  var hexadecimal: String { unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }.hexadecimal }
}
