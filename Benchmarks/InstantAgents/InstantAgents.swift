import ArgumentParser
import Keys
import PosixIO
import ZeroMQ

// Theory of operation
//
// What the coordinator costs by itself is seen when its agents cost nothing. This program is many agents, each a thread
// with a socket of its own, that speak the true protocol and answer every row the moment it comes, with the record that
// a real agent would write of a small response. Nothing is fetched. All run on another processor than the coordinator.
//
// `InstantAgent` is the agent's loop; its session is the real one, `AgentSession`. `Answers` writes the records.

@main
struct InstantAgents: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Agents of one job that answer every row at once without fetching anything; end with the job."
  )

  @Option(help: ArgumentHelp("Where the coordinator listens: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
  var coordinator: String

  @Option(help: "How many agents to be.")
  var agents = 1

  @Option(help: ArgumentHelp("The folder that coordinator keygen has made, with a key for each.", valueName: "dir"))
  var keys: String?

  /// A context takes no more than 64.
  private static let socketsOfContext = 50

  func validate() throws {
    guard (1...1000).contains(agents) else { throw ValidationError("--agents takes 1 to 1000") }
  }

  func run() throws {
    // A socket takes several.
    _ = PosixIO.Process.raiseDescriptorLimit()
    var contexts: [Context] = []
    let endpoint = coordinator
    var threads = ThreadGroup()
    for number in 1...agents {
      if number % Self.socketsOfContext == 1 { contexts.append(try Context(ioThreads: 1)) }
      let context = contexts[contexts.count - 1]
      let security = try security(of: number)
      try threads.spawn(name: "agent-\(number)") {
        do {
          var agent = try InstantAgent("instant-\(number)", endpoint, in: context, security)
          try agent.run()
        } catch {
          StandardError.write("InstantAgents: agent \(number): \(error)\n")
          PosixIO.Process.exitNow(2)
        }
      }
    }
    threads.join()
  }

  private func security(of agent: Int) throws -> Security {
    guard let keys else { return .plaintext }
    let own = try AgentKeys(reading: "\(keys)/agent-\(agent)")
    return .client(own.secret, server: own.coordinator)
  }
}
