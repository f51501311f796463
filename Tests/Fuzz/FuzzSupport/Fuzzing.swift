import CFuzzer
import Foundation

// Theory of operation
//
// A target is a program: with `--write-seeds FOLDER` it writes the inputs that fuzzing begins with, which are made
// from messages and files as the product itself makes them; otherwise libFuzzer runs it (llvm.org/docs/LibFuzzer.html)
// and calls it with one input after the other. What must hold is checked with traps, which libFuzzer reports together
// with the input.

/// Runs a target and ends the process.
package func runTarget(
  seeds: @autoclosure () throws -> [[UInt8]],
  _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) throws -> Never {
  let words = CommandLine.arguments
  if words.count == 3, words[1] == "--write-seeds" {
    try FileManager.default.createDirectory(atPath: words[2], withIntermediateDirectories: true)
    for (number, seed) in try seeds().enumerated() {
      try Data(seed).write(to: URL(filePath: words[2]).appending(path: "seed-\(number)"))
    }
    exit(0)
  }
  var count = CommandLine.argc
  var arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>? = CommandLine.unsafeArgv
  exit(LLVMFuzzerRunDriver(&count, &arguments, target))
}

/// What libFuzzer calls a target with.
package func input(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> [UInt8] {
  Array(UnsafeBufferPointer(start: bytes, count: count))
}

/// Stops with a text if something does not hold; unlike `assert` in release as well.
package func require(_ condition: Bool, _ text: @autoclosure () -> String) {
  if !condition { fatalError(text()) }
}
