import Foundation
import Testing

/// The transcripts, replayed with the production scheduler and agent session. `TRANSCRIPTS_UPDATE=1` writes into the
/// files what comes out; read the difference before you keep it.
@Suite struct TranscriptTests {
  private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Transcripts")

  private static var names: [String] {
    let urls: [URL] =
      Bundle.module.urls(forResourcesWithExtension: "txt", subdirectory: "Transcripts")?.map { $0 as URL } ?? []
    return urls.map { $0.deletingPathExtension().lastPathComponent }.sorted()
  }

  private static func text(_ name: String) throws -> String {
    let url = try #require(Bundle.module.url(forResource: name, withExtension: "txt", subdirectory: "Transcripts"))
    return try String(contentsOf: url, encoding: .utf8)
  }

  @Test func `all transcripts are there`() {
    #expect(Self.names.count == 31)
  }

  @Test(arguments: Self.names)
  func `a transcript comes out as it stands`(_ name: String) throws {
    let text = try Self.text(name)
    let replayed = try Transcript(text).replayed()
    if ProcessInfo.processInfo.environment["TRANSCRIPTS_UPDATE"] == "1" {
      try replayed.write(to: Self.folder.appending(path: "\(name).txt"), atomically: true, encoding: .utf8)
      return
    }
    guard replayed != text else { return }
    let expected = text.split(separator: "\n", omittingEmptySubsequences: false)
    let lines = replayed.split(separator: "\n", omittingEmptySubsequences: false)
    let line = zip(expected, lines).prefix { $0.0 == $0.1 }.count
    let before = line < expected.count ? String(expected[line]) : "the end"
    let after = line < lines.count ? String(lines[line]) : "the end"
    Issue.record("\(name).txt:\(line + 1): expected: \(before); came out: \(after)")
  }

  @Test(
    arguments: [
      "", "# only a comment\n", "----\n", "tick\n", "scheduler limit=x\n", "scheduler colour=red\n", "scheduler\nfly\n",
      "scheduler\nbeat one\n", "scheduler\nadd\n", "scheduler\nadd a at 5\n", "scheduler\nstep at 5 ms\nstep at 4 ms\n",
      "scheduler\nhello one\naccept one x\n", "scheduler\nhello one\ndefer one 0\n", "scheduler\nrun\n",
      "scheduler\nhello one\naccept one 0 failure=bored\n", "agent\nechoed\n", "agent\nadd a\n",
    ]
  )
  func `what cannot be read is an error`(_ text: String) {
    #expect(throws: TranscriptError.self) { try Transcript(text).replayed() }
  }

  @Test func `output that differs is seen`() throws {
    let text = "scheduler limit=1\nadd a\nhello one\n----\none begins session 2\n"
    #expect(try Transcript(text).replayed() == text.replacing("session 2", with: "session 1"))
  }
}
