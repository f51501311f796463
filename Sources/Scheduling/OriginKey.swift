/// The canonical text of an origin as a dictionary's key: hashed as one run of bytes, not byte by byte.
struct OriginKey: Hashable {
  let bytes: [UInt8]

  func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }
}
