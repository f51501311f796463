import CZeroMQ

/// The public half of a CURVE key pair: 32 bytes as 40 characters of Z85 (rfc.zeromq.org/spec/32).
package struct CurvePublicKey: Hashable, Sendable, CustomStringConvertible {
  /// Characters of a key, secret or public.
  package static let length = 40
  /// Bytes of a key, secret or public.
  package static let byteCount = 32

  /// As it stands in files, and as the user id of whoever has shown to own it.
  package let characters: [UInt8]

  /// nil if the text is no key.
  package init?(_ text: some Collection<UInt8>) {
    guard let characters = validKey(text) else { return nil }
    self.characters = characters
  }

  /// nil if there are not 32 bytes.
  package init?(bytes: [UInt8]) {
    guard bytes.count == Self.byteCount else { return nil }
    characters = keyText { zmq_z85_encode($0, bytes, bytes.count) != nil } ?? []
    if characters.isEmpty { return nil }
  }

  package var description: String { String(decoding: characters, as: UTF8.self) }
}

/// The secret half. It is never described: a log would keep it.
package struct CurveSecretKey: Sendable, CustomStringConvertible {
  /// As it stands in its file.
  package let characters: [UInt8]

  /// nil if the text is no key.
  package init?(_ text: some Collection<UInt8>) {
    guard let characters = validKey(text) else { return nil }
    self.characters = characters
  }

  /// A new one.
  package static func generate() throws(ZeroMQError) -> CurveSecretKey {
    var publicKey = [CChar](repeating: 0, count: CurvePublicKey.length + 1)
    guard let text = keyText({ zmq_curve_keypair(&publicKey, $0) == 0 }), let key = CurveSecretKey(text) else {
      throw ZeroMQError("zmq_curve_keypair")
    }
    return key
  }

  /// The half that others may know.
  package func publicKey() throws(ZeroMQError) -> CurvePublicKey {
    let secret = characters.map { CChar(bitPattern: $0) } + [0]
    guard let text = keyText({ zmq_curve_public($0, secret) == 0 }), let key = CurvePublicKey(text) else {
      throw ZeroMQError("zmq_curve_public")
    }
    return key
  }

  package var description: String { "secret key" }
}

/// What a socket asks of its peers, and shows to them.
package enum Security: Sendable {
  /// Nothing is encrypted or checked.
  case plaintext
  /// Peers know this key's public half, and each of them is asked about (`AuthenticationSocket`): without an answer
  /// nobody gets in.
  case server(CurveSecretKey)
  /// Talks to the owner of `server` only.
  case client(CurveSecretKey, server: CurvePublicKey)

  /// Whether this libzmq can encrypt at all: it may have been built without (zmq_has(3)).
  package static var isAvailable: Bool { zmq_has("curve") == 1 }

  /// Named in every question about a peer; that it is not empty makes the question compulsory.
  static let domain = Array("trawl".utf8)
}

/// The characters, if they are a key; libzmq would take some texts that are none for an empty key.
private func validKey(_ text: some Collection<UInt8>) -> [UInt8]? {
  guard text.count == CurvePublicKey.length, text.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
  let characters = Array(text)
  var bytes = [UInt8](repeating: 0, count: CurvePublicKey.byteCount)
  let terminated = characters.map { CChar(bitPattern: $0) } + [0]
  guard zmq_z85_decode(&bytes, terminated) != nil else { return nil }
  // Not every five characters are four bytes, nor are all characters of the alphabet.
  guard keyText({ zmq_z85_encode($0, bytes, bytes.count) != nil }) == characters else { return nil }
  return characters
}

/// What a call writes that makes a key's text; nil if it fails.
private func keyText(_ body: (UnsafeMutablePointer<CChar>) -> Bool) -> [UInt8]? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: CurvePublicKey.length + 1) { buffer -> [UInt8]? in
    buffer.initialize(repeating: 0)
    guard let base = buffer.baseAddress, body(base) else { return nil }
    return buffer.prefix(CurvePublicKey.length).map { UInt8(bitPattern: $0) }
  }
}
