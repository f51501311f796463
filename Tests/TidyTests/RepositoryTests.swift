// The house rules, applied to this repository's own files.

import Testing

@Suite struct `The repository` {
  private let sources: [SourceText]
  private let written: [SourceText]

  init() throws {
    sources = try Repository.files(in: "Sources", endings: ["swift", "h", "c"])
    written = sources.filter { !$0.isGenerated }
    // A wrong root would make every rule below pass.
    try #require(sources.contains { $0.module == "coordinator" })
  }

  @Test func `has no file over 500 lines`() {
    expectNone(written.flatMap(TextRules.length))
  }

  @Test func `has no line over 120 columns`() throws {
    let tests = try Repository.files(in: "Tests", endings: ["swift"])
    let swift = (written + tests).filter { $0.path.hasSuffix(".swift") } + [try Repository.file("Package.swift")]
    expectNone(swift.flatMap(TextRules.width))
  }

  @Test func `forces no try`() {
    expectNone(written.flatMap(TextRules.forcedTry))
  }

  @Test func `leaves nothing unfinished`() {
    expectNone(written.flatMap(TextRules.unfinished))
  }

  @Test func `explains every unsafe claim`() {
    expectNone(written.flatMap(TextRules.unexplainedUnsafe))
  }

  @Test func `names no path of one machine`() throws {
    let pages = try Repository.files(in: "docs", endings: ["md", "txt", "json"])
    let readme = Repository.exists("README.md") ? [try Repository.file("README.md")] : []
    expectNone((sources + pages + readme).flatMap(TextRules.developmentPath))
  }

  @Test func `keeps the pure modules pure`() {
    expectNone(sources.flatMap(LayoutRules.pureModules))
  }

  @Test func `has one door to each C library`() throws {
    expectNone(sources.flatMap(LayoutRules.doors))
    expectNone(LayoutRules.undeclaredDoors(moduleMaps: try Repository.files(in: "Sources", endings: ["modulemap"])))
  }

  @Test func `lists every folder of Sources in the manifest`() throws {
    let manifest = try Repository.file("Package.swift")
    expectNone(LayoutRules.unlistedFolders(try Repository.names(in: "Sources"), manifest: manifest))
  }

  @Test func `has only what belongs into its root`() throws {
    expectNone(LayoutRules.strayNames(try Repository.topLevelNames()))
  }

  @Test func `has every test that the table of rules names`() throws {
    let page = try Repository.file("docs/conformance.md")
    let tests = try Repository.files(in: "Tests", endings: ["swift"])
    expectNone(CoverageRules.unfounded(page, tests: Dictionary(uniqueKeysWithValues: tests.map { ($0.path, $0) })))
    let rules = CoverageRules.rules(in: page)
    #expect(rules.count > 80 && Set(rules).count == rules.count)
  }

  @Test func `tests without testable imports`() throws {
    let tests = try Repository.files(in: "Tests", endings: ["swift"])
    expectNone(tests.filter { $0.module != "TidyTests" }.flatMap(LayoutRules.testableImport))
  }

  private func expectNone(_ violations: [Violation], sourceLocation: SourceLocation = #_sourceLocation) {
    for violation in violations { Issue.record("\(violation)", sourceLocation: sourceLocation) }
  }
}
