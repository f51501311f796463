import ArgumentParser
import Keys

struct Keygen: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Makes the keys by which a coordinator and its agents know each other.",
    discussion: "Run again on the same folder, it adds agents; what is there is kept."
  )

  @Argument(help: ArgumentHelp("The folder of keys; made if it is not there.", valueName: "dir"))
  var directory: String

  @Option(help: "Agents to make keys for.")
  var agents = 1

  func validate() throws {
    guard (0...10_000).contains(agents) else { throw ValidationError("--agents takes 0 to 10000") }
    guard !directory.isEmpty else { throw ValidationError("keygen needs the name of a folder") }
  }

  func run() throws {
    let made = try KeyGeneration(in: directory, agents: agents)
    let verb = made.isNew ? "made" : "kept"
    print("\(verb)   \(directory)/coordinator.key and \(directory)/allowed-agents: they stay here")
    for name in made.agents { print("made   \(directory)/\(name): copy it to that agent's host, and nothing else") }
    let example = made.agents.first ?? "agent-1"
    print("start  coordinator run INPUT -o OUT --listen tcp://HOST:5557 --keys \(directory)")
    print("       agent --coordinator tcp://HOST:5557 --keys \(example)")
  }
}
