/// A scenario as a text file: commands, then `----`, then what they brought; blocks are parted by empty lines.
///
/// A block whose commands bring nothing has no `----`. Comments begin with `#`, on lines of their own or after a
/// command.
struct Transcript {
  private static let rule = "----"

  private struct Block {
    var input: [Substring] = []
    var output: [Substring] = []
  }

  private let blocks: [Block]

  init(_ text: String) throws(TranscriptError) {
    var blocks: [Block] = []
    var block = Block()
    var isOutput = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty {
        if !block.input.isEmpty { blocks.append(block) }
        block = Block()
        isOutput = false
      } else if line == Self.rule {
        guard !isOutput, !block.input.isEmpty else { throw TranscriptError("\(Self.rule) without a command before it") }
        isOutput = true
      } else if isOutput {
        block.output.append(line)
      } else {
        block.input.append(line)
      }
    }
    if !block.input.isEmpty { blocks.append(block) }
    guard blocks.contains(where: { $0.input.contains { !$0.hasPrefix("#") } }) else {
      throw TranscriptError("a transcript without a command")
    }
    self.blocks = blocks
  }

  /// The text with the output that a fresh machine gives.
  func replayed() throws(TranscriptError) -> String {
    var machine: (any TranscriptMachine)?
    var texts: [String] = []
    for block in blocks {
      var output: [String] = []
      for line in block.input {
        guard var command = try TranscriptCommand(String(line)) else { continue }
        if machine == nil { machine = try Self.machine(for: &command) }
        output += try machine?.run(&command) ?? []
        try command.checkUsed()
      }
      var lines = block.input.map(String.init)
      if !output.isEmpty { lines += [Self.rule] + output }
      texts.append(lines.joined(separator: "\n"))
    }
    return texts.joined(separator: "\n\n") + "\n"
  }

  /// The first command says what the transcript is about.
  private static func machine(for command: inout TranscriptCommand) throws(TranscriptError) -> any TranscriptMachine {
    switch command.verb {
    case "agent": AgentSessionTranscript()
    case "scheduler": try SchedulerTranscript(&command)
    default: throw command.error("a transcript begins with `agent` or `scheduler`")
    }
  }
}

/// What a transcript is about.
protocol TranscriptMachine {
  /// Carries a command out; returns what came of it, in lines.
  mutating func run(_ command: inout TranscriptCommand) throws(TranscriptError) -> [String]
}

/// A transcript that cannot be read.
struct TranscriptError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}
