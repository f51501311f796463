// The repository as text: where it is, which files it has, and what a rule says about one of them.

import Foundation

/// One file, by its path from the repository's root.
struct SourceText {
  let path: String
  let lines: [String]

  init(_ path: String, _ text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  /// Written by a tool and checked in; rules about style leave it alone.
  var isGenerated: Bool { path.contains("/Generated/") }

  /// `Scheduling` for `Sources/Scheduling/Queue/Heap.swift`.
  var module: String {
    let parts = path.split(separator: "/")
    return parts.count > 2 ? String(parts[1]) : ""
  }
}

/// What a rule found, readable by itself.
struct Violation: CustomStringConvertible {
  let description: String

  init(_ description: String) {
    self.description = description
  }

  init(_ file: SourceText, line index: Int, _ message: String) {
    description = "\(file.path):\(index + 1): \(message)"
  }
}

/// The repository this test was compiled in.
struct Repository {
  /// Two folders above this file's.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// The text files below `folder` with one of the endings, in order of path.
  static func files(in folder: String, endings: Set<String>) throws -> [SourceText] {
    guard exists(folder) else { return [] }
    return try FileManager.default.subpathsOfDirectory(atPath: root.appending(path: folder).path).sorted()
      .filter { endings.contains(($0 as NSString).pathExtension) }
      .map { try file("\(folder)/\($0)") }
  }

  static func file(_ path: String) throws -> SourceText {
    SourceText(path, try String(contentsOf: root.appending(path: path), encoding: .utf8))
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path)
  }

  /// The names directly in `folder`.
  static func names(in folder: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: root.appending(path: folder).path).sorted()
  }

  /// The first component of every path git keeps; outside a clone, of everything there is.
  static func topLevelNames() throws -> [String] {
    let git = Process()
    let output = Pipe()
    git.executableURL = URL(filePath: "/usr/bin/env")
    git.arguments = ["git", "-C", root.path, "ls-files", "-z"]
    git.standardOutput = output
    git.standardError = FileHandle.nullDevice
    try git.run()
    let listing = try output.fileHandleForReading.readToEnd() ?? Data()
    git.waitUntilExit()
    guard git.terminationStatus == 0, !listing.isEmpty else { return try names(in: "") }
    let paths = listing.split(separator: 0)
    return Set(paths.map { String(decoding: $0.prefix { $0 != UInt8(ascii: "/") }, as: UTF8.self) }).sorted()
  }
}
