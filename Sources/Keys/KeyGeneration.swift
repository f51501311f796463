import Glibc
import PosixIO
import ZeroMQ

/// Makes the keys of a cluster, or further agents' keys. What is there is kept.
package struct KeyGeneration: Equatable, Sendable {
  /// Whether the coordinator's key was made now.
  package let isNew: Bool
  /// Names of the agents that were added, which are their folders' names, too.
  package let agents: [String]

  private static let heading = """
    # Agents that may connect, one a line: public key, space, name.
    # A coordinator that runs notices changes within a second; without its line an agent is out.

    """

  /// `path` is made if it is not there.
  package init(in path: String, agents count: Int) throws(KeyError) {
    try checkEncryption()
    if mkdir(path, 0o700) != 0, errno != EEXIST { throw KeyError("make the key folder", path, SystemError("mkdir")) }
    let folder = try KeyFolder(opening: path)
    try folder.lock()
    isNew = !folder.exists(KeyFile.coordinatorSecret)
    let coordinator = try Self.coordinatorKey(in: folder)
    var list = Array(Self.heading.utf8)
    if folder.exists(KeyFile.allowedAgents) { list = try folder.read(KeyFile.allowedAgents, .integrity).bytes }
    var names: Set<String>
    do throws(AdmissionListError) {
      names = Set(try AdmissionList(parsing: list).entries.map(\.name))
    } catch {
      throw KeyError("\(folder.path(of: KeyFile.allowedAgents)): \(error)")
    }
    if let last = list.last, last != 0x0A { list.append(0x0A) }
    var added: [String] = []
    var number = 1
    while added.count < count {
      let name = KeyFile.agentFolder(number)
      number += 1
      // The folder may have been moved to the agent's host, or the agent taken from the list.
      guard !names.contains(name), !folder.exists(name) else { continue }
      let key = try Self.makeAgent(name, in: folder, coordinator: coordinator)
      list += key.characters + Array(" \(name)\n".utf8)
      names.insert(name)
      added.append(name)
    }
    // Last: nobody is let in whose key is not there.
    try folder.write(KeyFile.allowedAgents, list, mode: 0o600)
    agents = added
  }

  /// The public half of the key that is there, or of one that is made.
  private static func coordinatorKey(in folder: borrowing KeyFolder) throws(KeyError) -> CurvePublicKey {
    let secret: CurveSecretKey
    if folder.exists(KeyFile.coordinatorSecret) {
      secret = try folder.secretKey(KeyFile.coordinatorSecret)
    } else {
      secret = try generate().secret
      try folder.write(KeyFile.coordinatorSecret, secret.characters + [0x0A], mode: 0o600)
    }
    let key = try publicHalf(of: secret)
    if !folder.exists(KeyFile.coordinatorPublic) {
      try folder.write(KeyFile.coordinatorPublic, key.characters + [0x0A], mode: 0o644)
    }
    guard try folder.publicKey(KeyFile.coordinatorPublic) == key else {
      let path = folder.path(of: KeyFile.coordinatorPublic)
      throw KeyError("\(path) does not belong to \(KeyFile.coordinatorSecret); remove it to have it made again")
    }
    return key
  }

  private static func makeAgent(
    _ name: String,
    in folder: borrowing KeyFolder,
    coordinator: CurvePublicKey
  ) throws(KeyError) -> CurvePublicKey {
    let (secret, key) = try generate()
    try folder.makeFolder(name)
    let own = try KeyFolder(opening: folder.path(of: name))
    try own.write(KeyFile.agentSecret, secret.characters + [0x0A], mode: 0o600)
    try own.write(KeyFile.coordinatorPublic, coordinator.characters + [0x0A], mode: 0o644)
    return key
  }

  private static func generate() throws(KeyError) -> (secret: CurveSecretKey, key: CurvePublicKey) {
    while true {
      do throws(ZeroMQError) {
        let secret = try CurveSecretKey.generate()
        let key = try secret.publicKey()
        // In the list it would be a comment.
        if key.characters.first != UInt8(ascii: "#") { return (secret, key) }
      } catch {
        throw KeyError("cannot make a key: \(error)")
      }
    }
  }

  private static func publicHalf(of secret: CurveSecretKey) throws(KeyError) -> CurvePublicKey {
    do throws(ZeroMQError) {
      return try secret.publicKey()
    } catch {
      throw KeyError("cannot tell the coordinator's public key: \(error)")
    }
  }
}
