package import ZeroMQ

/// Why an `allowed-agents` is not one.
package struct AdmissionListError: Error, Equatable, Sendable, CustomStringConvertible {
  package let line: Int

  package var description: String {
    "line \(line) is not a public key (\(CurvePublicKey.length) characters), a space and a name"
  }
}

/// Whose keys are let in: what `allowed-agents` says, as a value. Pure.
package struct AdmissionList: Equatable, Sendable {
  package struct Entry: Equatable, Sendable {
    package let key: CurvePublicKey
    package let name: String
  }

  package enum Verdict: Equatable, Sendable {
    /// The key is the peer's user id from now on.
    case allowed(user: [UInt8])
    case denied(Denial)
  }

  package enum Denial: Equatable, Sendable {
    /// It has shown no key.
    case noKey
    case unknownKey
  }

  package let entries: [Entry]
  private let users: Set<[UInt8]>

  package init(_ entries: [Entry] = []) {
    self.entries = entries
    users = Set(entries.map(\.key.characters))
  }

  /// One agent a line: its public key, a space, its name. Blank lines and those that begin with # say nothing.
  package init(parsing text: [UInt8]) throws(AdmissionListError) {
    var entries: [Entry] = []
    for (index, whole) in text.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
      let line = whole.last == 0x0D ? whole.dropLast() : whole
      guard let first = line.first(where: { !Self.isSpace($0) }), first != UInt8(ascii: "#") else { continue }
      let parts = line.split(maxSplits: 1, whereSeparator: Self.isSpace)
      guard let text = parts.first, let key = CurvePublicKey(text) else {
        throw AdmissionListError(line: index + 1)
      }
      let name = parts.count > 1 ? String(decoding: parts[1], as: UTF8.self) : ""
      entries.append(Entry(key: key, name: name))
    }
    self.init(entries)
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// Whether the owner of that key, as text, is let in.
  package func admits(_ user: [UInt8]) -> Bool { users.contains(user) }

  package func verdict(on request: AuthenticationRequest) -> Verdict {
    guard let key = request.key else { return .denied(.noKey) }
    return admits(key.characters) ? .allowed(user: key.characters) : .denied(.unknownKey)
  }
}
