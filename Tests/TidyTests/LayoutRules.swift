// Rules about the shape of the package: who imports what, and what lies where. Pure: text in, violations out.

enum LayoutRules {
  /// The modules without I/O, clock, C and Foundation, and what they may import; which of these each one does is in
  /// Package.swift.
  static let pureImports: [String: Set<String>] = {
    let base: Set = [
      "FetchModel", "HTTP1", "Scheduling", "Records", "InternationalNames", "DequeModule", "HeapModule",
    ]
    return [
      "FetchModel": base,
      "HTTP1": base,
      "Scheduling": base,
      "Records": base,
      "Proxies": base,
      // What the generated code needs comes on top.
      "WireProtocol": base.union(["SwiftProtobuf", "Foundation", "FoundationEssentials"]),
    ]
  }()

  /// One door to each C library. The origin server, no part of the product, has none of the product's doors.
  static let doors: [String: Set<String>] = [
    "CZeroMQ": ["ZeroMQ"],
    "COpenSSL": ["TLS", "OriginServer"],
    "CIDN2": ["InternationalNames"],
    "CAres": ["Resolver"],
    "CZlib": ["ContentCodings"],
    "CBrotli": ["ContentCodings"],
    "CZstd": ["ContentCodings"],
    "CLinux": ["PosixIO", "OriginServer"],
    "COriginShims": ["OriginServer"],
  ]

  static let topLevel: Set = [
    "Package.swift", "Package.resolved", "Sources", "Tests", "Benchmarks", "deploy", "protos", "docs", "README.md",
    "LICENSE", ".swift-format", ".gitignore", ".ci",
    // Never checked in, seen only where git cannot be asked.
    ".git", ".build",
  ]

  static func pureModules(_ file: SourceText) -> [Violation] {
    guard let allowed = pureImports[file.module] else { return [] }
    return imports(of: file).filter { !allowed.contains($0.module) }.map {
      Violation(file, line: $0.line, "\(file.module) is pure and must not import \($0.module)")
    }
  }

  static func doors(_ file: SourceText) -> [Violation] {
    imports(of: file).compactMap { found in
      guard let modules = doors[found.module], !modules.contains(file.module) else { return nil }
      let door = modules.sorted().joined(separator: ", ")
      return Violation(file, line: found.line, "\(found.module) is for \(door) only; go through that module")
    }
  }

  /// Every module with a module map, that is every C library, has its door named above.
  static func undeclaredDoors(moduleMaps: [SourceText]) -> [Violation] {
    moduleMaps.filter { doors[$0.module] == nil }.map {
      Violation("\($0.path): LayoutRules.doors does not say which module may import \($0.module)")
    }
  }

  /// Every folder of Sources is a target.
  static func unlistedFolders(_ folders: [String], manifest: SourceText) -> [Violation] {
    folders.filter { folder in !manifest.lines.contains { Line($0).code.contains("\"\(folder)\"") } }.map {
      Violation("Sources/\($0): not a target in Package.swift, so nothing compiles it")
    }
  }

  static func strayNames(_ names: [String]) -> [Violation] {
    names.filter { !topLevel.contains($0) }.map {
      Violation("\($0): does not belong into the root; find its folder, or add it to LayoutRules.topLevel")
    }
  }

  /// Tests see `package` declarations. `@testable` would make the release tests compile the programs anew, differently
  /// from how they are shipped.
  static func testableImport(_ file: SourceText) -> [Violation] {
    file.lines.indices.filter { Line(file.lines[$0]).code.contains("@testable ") }.map {
      Violation(file, line: $0, "@testable does not work with the release build; make what is tested `package`")
    }
  }

  /// The modules a file imports, whatever stands before and after the word `import`.
  static func imports(of file: SourceText) -> [(line: Int, module: String)] {
    file.lines.indices.compactMap { index in
      var words = Line(file.lines[index]).code.split { $0.isWhitespace || $0 == ";" }[...]
      let modifiers: Set<Substring> = ["public", "package", "internal", "fileprivate", "private"]
      while let word = words.first, word.hasPrefix("@") || modifiers.contains(word) { words.removeFirst() }
      guard words.popFirst() == "import" else { return nil }
      let kinds: Set<Substring> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
      if let word = words.first, kinds.contains(word) { words.removeFirst() }
      guard let module = words.first?.prefix(while: { $0 != "." }) else { return nil }
      return (index, String(module))
    }
  }
}
