import Foundation
import Keys
import Testing
import ZeroMQ

/// A folder of keys that goes with the test.
final class Folder {
  let root: String
  var path: String { "\(root)/keys" }

  init() throws {
    root = FileManager.default.temporaryDirectory.path + "/trawl-keys-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: false)
  }

  deinit { try? FileManager.default.removeItem(atPath: root) }

  func bytes(_ name: String) -> [UInt8] { Array(FileManager.default.contents(atPath: "\(path)/\(name)") ?? Data()) }
  func text(_ name: String) -> String { String(decoding: bytes(name), as: UTF8.self) }

  /// In place, as an editor may do.
  func write(_ name: String, _ text: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
  }

  func mode(_ name: String) throws -> Int {
    let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
    return try #require(attributes[.posixPermissions] as? Int)
  }

  func setMode(_ name: String, _ mode: Int) throws {
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: "\(path)/\(name)")
  }
}

@Suite struct `Key files` {
  private let folder: Folder

  init() throws { folder = try Folder() }

  @Test func `are made for a coordinator and its agents`() throws {
    let made = try KeyGeneration(in: folder.path, agents: 2)
    #expect(made.isNew && made.agents == ["agent-1", "agent-2"])
    #expect(try folder.mode("") == 0o700 && folder.mode("agent-1") == 0o700)
    #expect(try folder.mode("coordinator.key") == 0o600 && folder.mode("agent-2/agent.key") == 0o600)
    let keys = try CoordinatorKeys(reading: folder.path)
    #expect(folder.text("coordinator.pub") == "\(try keys.secret.publicKey())\n")
    let list = keys.allowedAgents.list
    #expect(list.entries.map(\.name) == made.agents)
    for entry in list.entries {
      let agent = try AgentKeys(reading: "\(folder.path)/\(entry.name)")
      #expect(try agent.secret.publicKey() == entry.key)
      #expect(try agent.coordinator == keys.secret.publicKey())
    }
    // No trace of how they were made.
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).allSatisfy { !$0.hasPrefix(".") })
  }

  @Test func `are kept when further agents are added, whose numbers are free`() throws {
    _ = try KeyGeneration(in: folder.path, agents: 2)
    let before = ["coordinator.key", "coordinator.pub", "agent-2/agent.key"].map(folder.bytes)
    // Moved to its host; the other one was taken from the list.
    try FileManager.default.removeItem(atPath: "\(folder.path)/agent-1")
    let lines = folder.text("allowed-agents").split(separator: "\n").filter { !$0.hasSuffix(" agent-2") }
    try folder.write("allowed-agents", lines.joined(separator: "\n"))
    let made = try KeyGeneration(in: folder.path, agents: 2)
    #expect(!made.isNew && made.agents == ["agent-3", "agent-4"])
    #expect(["coordinator.key", "coordinator.pub", "agent-2/agent.key"].map(folder.bytes) == before)
    let names = try CoordinatorKeys(reading: folder.path).allowedAgents.list.entries.map(\.name)
    #expect(names == ["agent-1", "agent-3", "agent-4"])
    #expect(folder.text("allowed-agents").hasPrefix("#"))
  }

  @Test(arguments: [0o644, 0o640, 0o660, 0o604, 0o620])
  func `are refused if others can read or change a secret one`(mode: Int) throws {
    _ = try KeyGeneration(in: folder.path, agents: 1)
    for (name, read) in readers {
      try folder.setMode(name, mode)
      let error = #expect(throws: KeyError.self) { try read() }
      #expect(error?.description.contains("chmod 600 \(folder.path)/\(name)") == true)
      try folder.setMode(name, 0o400)
      try read()
    }
  }

  private var readers: [(name: String, read: () throws -> Void)] {
    let path = folder.path
    return [
      ("coordinator.key", { _ = try CoordinatorKeys(reading: path) }),
      ("agent-1/agent.key", { _ = try AgentKeys(reading: "\(path)/agent-1") }),
    ]
  }

  @Test(arguments: ["allowed-agents", "", "agent-1/coordinator.pub", "agent-1"])
  func `are refused if others could change whom to trust`(name: String) throws {
    _ = try KeyGeneration(in: folder.path, agents: 1)
    let mode = try folder.mode(name)
    try folder.setMode(name, mode | 0o020)
    let error = #expect(throws: KeyError.self) {
      _ = try CoordinatorKeys(reading: folder.path)
      _ = try AgentKeys(reading: "\(folder.path)/agent-1")
    }
    #expect(error?.description.contains("chmod go-w") == true)
  }

  @Test func `are not followed through links`() throws {
    _ = try KeyGeneration(in: folder.path, agents: 1)
    for (name, read) in readers {
      try FileManager.default.moveItem(atPath: "\(folder.path)/\(name)", toPath: "\(folder.path)/\(name).real")
      try FileManager.default.createSymbolicLink(
        atPath: "\(folder.path)/\(name)",
        withDestinationPath: "\(folder.path)/\(name).real"
      )
      let error = #expect(throws: KeyError.self) { try read() }
      #expect(error?.description.contains("symbolic link") == true)
    }
  }

  @Test func `that are missing, damaged or another's are named`() throws {
    expect("keygen") { try CoordinatorKeys(reading: folder.root) }
    expect("No such file") { try AgentKeys(reading: folder.path) }
    _ = try KeyGeneration(in: folder.path, agents: 1)
    expect("--keys \(folder.path)/agent-1") { try AgentKeys(reading: folder.path) }
    try folder.write("agent-1/coordinator.pub", "nonsense\n")
    expect("coordinator.pub holds no key") { try AgentKeys(reading: "\(folder.path)/agent-1") }
    try folder.write("allowed-agents", "nonsense\n")
    expect("line 1") { try CoordinatorKeys(reading: folder.path) }
    expect("line 1") { try KeyGeneration(in: folder.path, agents: 1) }
    #expect(folder.text("allowed-agents") == "nonsense\n")
    try folder.write("allowed-agents", "")
    try folder.write("coordinator.pub", String(repeating: "0", count: 40))
    expect("does not belong to") { try KeyGeneration(in: folder.path, agents: 1) }
  }

  private func expect(
    _ text: String,
    sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> some Any
  ) {
    let error = #expect(throws: KeyError.self, sourceLocation: sourceLocation) { _ = try body() }
    #expect(error?.description.contains(text) == true, "\(error?.description ?? "")", sourceLocation: sourceLocation)
  }

  @Test func `of a list are read again when they change, and only then`() throws {
    _ = try KeyGeneration(in: folder.path, agents: 2)
    var agents = try CoordinatorKeys(reading: folder.path).allowedAgents
    let text = folder.text("allowed-agents")
    func look() -> AllowedAgents.Look { agents.look() }
    #expect(look() == .unchanged)
    let second = try #require(agents.list.entries.last)
    try folder.write("allowed-agents", "\(second.key) \(second.name)\n")
    #expect(look() == .changed(AdmissionList([second])))
    #expect(look() == .unchanged)
    // What cannot be used leaves it as it was, and is said once.
    try folder.write("allowed-agents", "half a li")
    guard case .unusable(let why) = look() else { throw KeyError("a list that is none was taken") }
    #expect(why.contains("line 1"))
    #expect(look() == .unchanged)
    try FileManager.default.removeItem(atPath: "\(folder.path)/allowed-agents")
    guard case .unusable = look() else { throw KeyError("a list that is missing was taken") }
    #expect(look() == .unchanged)
    #expect(agents.list == AdmissionList([second]))
    try folder.write("allowed-agents", "\(second.key) \(second.name)\n")
    #expect(look() == .usableAgain)
    try folder.write("allowed-agents", text)
    #expect(agents.look() == .changed(try AdmissionList(parsing: Array(text.utf8))))
  }
}
