import Keys
import Testing
import ZeroMQ

@Suite struct `The list of agents` {
  private static let first = String(repeating: "0", count: 40)
  private static let second = "HelloWorld" + String(repeating: "0", count: 30)

  private static func key(_ text: String) throws -> CurvePublicKey { try #require(CurvePublicKey(Array(text.utf8))) }

  @Test func `has one agent a line, and comments`() throws {
    let text = "# agents\n\n  # more\n\(Self.first) agent-1\r\n\(Self.second)\tthe second one\n\(Self.second)"
    let list = try AdmissionList(parsing: Array(text.utf8))
    #expect(list.entries.map(\.name) == ["agent-1", "the second one", ""])
    #expect(try list.entries[0].key == Self.key(Self.first))
  }

  @Test func `may be empty, and lets nobody in then`() throws {
    #expect(try AdmissionList(parsing: []) == AdmissionList())
    #expect(!AdmissionList().admits([]))
  }

  @Test(arguments: [
    ("x", 1), ("# a\n\(first)0 agent-1", 2), ("\n\n\(first)\nagent-1 \(first)", 4), ("\u{FF}\u{0}", 1),
  ])
  func `names the line that is none`(text: String, line: Int) throws {
    let error = try #require(throws: AdmissionListError.self) { try AdmissionList(parsing: Array(text.utf8)) }
    #expect(error.line == line)
  }

  @Test func `decides by the key alone`() throws {
    let list = try AdmissionList(parsing: Array("\(Self.first) agent-1\n".utf8))
    let known = AuthenticationRequest(address: "192.0.2.1", key: try Self.key(Self.first))
    let unknown = AuthenticationRequest(address: "192.0.2.1", key: try Self.key(Self.second))
    #expect(list.verdict(on: known) == .allowed(user: Array(Self.first.utf8)))
    #expect(list.verdict(on: unknown) == .denied(.unknownKey))
    #expect(list.verdict(on: AuthenticationRequest(address: "", key: nil)) == .denied(.noKey))
    #expect(list.admits(Array(Self.first.utf8)) && !list.admits(Array(Self.second.utf8)))
  }
}
