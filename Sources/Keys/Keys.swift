package import ZeroMQ

// Theory of operation
//
// A coordinator and its agents know each other by CURVE keys in files. `coordinator keygen` makes a folder: the
// coordinator's pair, the list of the agents that are let in, and for each agent a folder of its own, which is copied
// to the agent's host and holds all that it needs: its secret key and the coordinator's public one. An agent talks to
// the owner of that key and to nobody else.
//
// A secret file is used only if nobody but its owner can read or change it; what is public must at least not be
// changeable by others, or they would choose whom to trust. `AdmissionList` decides, `AllowedAgents` reads it again
// when it changes, `KeyFolder` is the only one that touches files.

/// Names of the files.
enum KeyFile {
  static let coordinatorSecret = "coordinator.key"
  static let coordinatorPublic = "coordinator.pub"
  static let allowedAgents = "allowed-agents"
  static let agentSecret = "agent.key"

  static func agentFolder(_ number: Int) -> String { "agent-\(number)" }
}

/// What a coordinator needs to know its agents.
package struct CoordinatorKeys: Sendable {
  package let secret: CurveSecretKey
  package let allowedAgents: AllowedAgents
  /// The folder that they were read from.
  package let path: String

  package init(reading path: String) throws(KeyError) {
    try checkEncryption()
    let folder = try KeyFolder(opening: path)
    if !folder.exists(KeyFile.coordinatorSecret) {
      throw KeyError("\(path) holds no \(KeyFile.coordinatorSecret); make one: coordinator keygen \(path)")
    }
    secret = try folder.secretKey(KeyFile.coordinatorSecret)
    allowedAgents = try AllowedAgents(reading: path)
    self.path = path
  }
}

/// What an agent needs to know its coordinator and to be known by it.
package struct AgentKeys: Sendable {
  package let secret: CurveSecretKey
  package let coordinator: CurvePublicKey

  package init(reading path: String) throws(KeyError) {
    try checkEncryption()
    let folder = try KeyFolder(opening: path)
    if !folder.exists(KeyFile.agentSecret), folder.exists(KeyFile.coordinatorSecret) {
      throw KeyError("\(path) is the coordinator's; give the agent a folder of its own: \(Self.folders(in: folder))")
    }
    secret = try folder.secretKey(KeyFile.agentSecret)
    coordinator = try folder.publicKey(KeyFile.coordinatorPublic)
  }

  /// Those that may be meant.
  private static func folders(in folder: borrowing KeyFolder) -> String {
    let text = (try? folder.read(KeyFile.allowedAgents, .integrity).bytes) ?? []
    let names = ((try? AdmissionList(parsing: text))?.entries ?? []).map(\.name)
    var found: [String] = []
    for name in names where found.count < 3 && folder.exists(name) { found.append("--keys \(folder.path(of: name))") }
    return found.isEmpty ? "--keys \(folder.path(of: KeyFile.agentFolder(1)))" : found.joined(separator: ", or ")
  }
}

extension KeyFolder {
  func secretKey(_ name: String) throws(KeyError) -> CurveSecretKey {
    guard let key = CurveSecretKey(keyLine(try read(name, .secret).bytes)) else {
      throw KeyError("\(path(of: name)) holds no key; copy it again, or make another with: coordinator keygen")
    }
    return key
  }

  func publicKey(_ name: String) throws(KeyError) -> CurvePublicKey {
    guard let key = CurvePublicKey(keyLine(try read(name, .integrity).bytes)) else {
      throw KeyError("\(path(of: name)) holds no key; copy it again, or make another with: coordinator keygen")
    }
    return key
  }
}

func checkEncryption() throws(KeyError) {
  guard Security.isAvailable else {
    throw KeyError("this libzmq was built without CURVE, so nothing can be encrypted; install one with libsodium")
  }
}

/// Without the line's end.
private func keyLine(_ bytes: [UInt8]) -> ArraySlice<UInt8> {
  let end = bytes.lastIndex { $0 != 0x0A && $0 != 0x0D }
  return bytes[..<(end.map { $0 + 1 } ?? 0)]
}
