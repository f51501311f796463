/// Takes an input apart, front to back: numbers, and runs of bytes with their length in front.
package struct Feed {
  private var rest: ArraySlice<UInt8>

  package init(_ bytes: [UInt8]) { rest = bytes[...] }

  package var isEmpty: Bool { rest.isEmpty }

  package mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

  /// As many bytes as the two in front of them say, or as there are.
  package mutating func run() -> [UInt8] {
    let count = Int(byte()) | Int(byte()) << 8
    defer { rest = rest.dropFirst(count) }
    return Array(rest.prefix(count))
  }

  /// Runs, as many as the byte in front says, at most eight.
  package mutating func runs() -> [[UInt8]] { (0..<Int(byte() % 9)).map { _ in run() } }

  package mutating func remainder() -> [UInt8] {
    defer { rest = [] }
    return Array(rest)
  }
}

/// Writes what `Feed` reads.
package struct FeedWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func append(_ byte: UInt8) { bytes.append(byte) }

  package mutating func append(run: [UInt8]) {
    bytes.append(UInt8(truncatingIfNeeded: run.count))
    bytes.append(UInt8(truncatingIfNeeded: run.count >> 8))
    bytes += run
  }

  package mutating func append(runs: [[UInt8]]) {
    bytes.append(UInt8(runs.count))
    for run in runs { append(run: run) }
  }
}
