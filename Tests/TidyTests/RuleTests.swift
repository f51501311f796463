// Each rule finds what it is there for, and leaves alone what only looks like it.

import Testing

@Suite struct `Rules catch` {
  @Test func `files that are too long`() {
    let allowed = String(repeating: "x\n", count: TextRules.longestFile)
    #expect(TextRules.length(SourceText("Sources/A/A.swift", allowed)).isEmpty)
    #expect(TextRules.length(SourceText("Sources/A/A.swift", allowed + "x\n")).count == 1)
    #expect(TextRules.length(SourceText("Sources/A/A.swift", allowed + "x")).count == 1)
  }

  @Test func `lines that are too wide`() {
    let allowed = "// " + String(repeating: "é", count: TextRules.widestLine - 3)
    #expect(count(TextRules.width, "\(allowed)\n\(allowed)") == 0)
    #expect(count(TextRules.width, "\(allowed)\n\(allowed)x") == 1)
  }

  @Test func `forced tries`() {
    #expect(count(TextRules.forcedTry, "let a = try! open()") == 1)
    #expect(count(TextRules.forcedTry, "let a = try open() // never try!") == 0)
    #expect(count(TextRules.forcedTry, "let a = try? open()") == 0)
  }

  @Test(arguments: ["// TODO: later", "fatalError(\"TODO\")", "let a = 1 // FIXME", "/// FIXME(me) that"])
  func `unfinished work`(line: String) {
    #expect(count(TextRules.unfinished, line) == 1)
  }

  @Test(arguments: ["case TODOS", "let methodTODO_ = 1", "// to do"])
  func `unfinished work only as a word`(line: String) {
    #expect(count(TextRules.unfinished, line) == 0)
  }

  @Test(arguments: ["final class A: @unchecked Sendable {}", "private nonisolated(unsafe) let a: OpaquePointer"])
  func `unsafe claims without a reason`(line: String) {
    let rule = TextRules.unexplainedUnsafe
    #expect(count(rule, line) == 1)
    #expect(count(rule, "let before = 1\n\(line)") == 1)
    #expect(count(rule, "// far away\n\n\n\n\n\(line)") == 1)
    #expect(count(rule, "// near\n\n\n\n\(line)") == 0)
    #expect(count(rule, "/// near\n\(line)") == 0)
    #expect(count(rule, "\(line)  // here") == 0)
    #expect(count(rule, "let url = \"https://a\"\n\(line)") == 1)
  }

  @Test(arguments: [
    ("| R1 | a | [T](../Tests/T.swift) one · two |", 0),
    ("| R1 | a | [T](../Tests/T.swift) one<br>[T](../Tests/T.swift) two |", 0),
    ("| R1 | a | [T](../Tests/T.swift) one · three |", 1), ("| R1 | a | [U](../Tests/U.swift) one |", 1),
    ("| R1 | a | one |", 1), ("| R1 | a | |", 1), ("| rule | a | b |", 0), ("R1 | a", 0),
  ])
  func `rules without a test`(line: String, expected: Int) {
    let tests = ["Tests/T.swift": SourceText("Tests/T.swift", "  @Test func `one`() {\n  func `two`(_ a: Int) {")]
    #expect(CoverageRules.unfounded(SourceText("docs/a.md", line), tests: tests).count == expected)
  }

  @Test func `comments that only speak of unsafe claims are none`() {
    #expect(count(TextRules.unexplainedUnsafe, "\n\n\n\n\n// is not @unchecked Sendable") == 0)
  }

  @Test(arguments: ["let a = \"/work/main\"", "see /root/x", "/tmp/a", "`/tmp/a`", "--dir=/tmp/a"])
  func `paths of one machine`(line: String) {
    #expect(count(TextRules.developmentPath, line) == 1)
  }

  @Test(arguments: ["https://example.org/tmp/a", "$HOME/work/a", "${TMPDIR}/root/a", "a/work/b", "var/tmp/", "/tmpfs/"])
  func `no paths that only look like it`(line: String) {
    #expect(count(TextRules.developmentPath, line) == 0)
  }

  @Test(
    arguments: [
      "import Foundation", "package import Glibc", "@preconcurrency import CLinux", "import struct Foundation.Data",
      "internal import COpenSSL", "  import PosixIO", "@_exported public import TLS",
    ]
  )
  func `impure imports`(line: String) {
    for module in ["FetchModel", "HTTP1", "Scheduling", "Records"] {
      #expect(count(LayoutRules.pureModules, line, path: "Sources/\(module)/Deep/A.swift") == 1)
    }
    #expect(count(LayoutRules.pureModules, line, path: "Sources/FetchClient/A.swift") == 0)
  }

  @Test(arguments: ["import FetchModel", "package import HeapModule", "// import Foundation", "importFoundation()"])
  func `no pure imports`(line: String) {
    #expect(count(LayoutRules.pureModules, line, path: "Sources/Scheduling/A.swift") == 0)
  }

  @Test func `imports of the wire protocol beyond its library`() {
    let path = "Sources/WireProtocol/A.swift"
    #expect(count(LayoutRules.pureModules, "import SwiftProtobuf\npackage import Foundation", path: path) == 0)
    #expect(count(LayoutRules.pureModules, "import Glibc\nimport ZeroMQ", path: path) == 2)
  }

  @Test func `C modules imported past their door`() {
    for (module, doors) in LayoutRules.doors {
      #expect(count(LayoutRules.doors, "import \(module)", path: "Sources/AgentRuntime/A.swift") == 1)
      for door in doors {
        #expect(count(LayoutRules.doors, "package import \(module)", path: "Sources/\(door)/A.swift") == 0)
      }
    }
  }

  @Test func `C modules without a door`() {
    let known = SourceText("Sources/CLinux/module.modulemap", "")
    let unknown = SourceText("Sources/CUnknown/module.modulemap", "")
    #expect(LayoutRules.undeclaredDoors(moduleMaps: [known, unknown]).count == 1)
  }

  @Test func `folders that are no target`() {
    let manifest = SourceText("Package.swift", "module(\"TLS\"),\n// module(\"Old\"),\nmodule(\"ZeroMQ\")")
    #expect(LayoutRules.unlistedFolders(["TLS", "ZeroMQ"], manifest: manifest).isEmpty)
    #expect(LayoutRules.unlistedFolders(["TLS", "Old", "Zero"], manifest: manifest).count == 2)
  }

  @Test func `stray names in the root`() {
    #expect(LayoutRules.strayNames(["Package.swift", "Sources", ".ci"]).isEmpty)
    #expect(LayoutRules.strayNames(["Sources", "notes.txt", "NOTES", "trawl-demo-1"]).count == 3)
  }

  @Test func `testable imports`() {
    #expect(count(LayoutRules.testableImport, "@testable import OriginServer") == 1)
    #expect(count(LayoutRules.testableImport, "import OriginServer  // not @testable ") == 0)
  }

  @Test func `where they are`() {
    let found = TextRules.forcedTry(SourceText("Sources/A/B.swift", "\n\ntry! a()\n"))
    #expect(found.first?.description.hasPrefix("Sources/A/B.swift:3: ") == true)
  }

  private func count(
    _ rule: (SourceText) -> [Violation],
    _ text: String,
    path: String = "Sources/A/B.swift"
  ) -> Int {
    rule(SourceText(path, text)).count
  }
}
