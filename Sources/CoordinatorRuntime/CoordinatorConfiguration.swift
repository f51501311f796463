package import FetchModel
package import Keys

/// What the coordinator was told on its command line, validated; immutable.
package struct CoordinatorConfiguration: Sendable {
  package enum Input: Equatable, Sendable {
    case standardInput
    case file(String)
  }

  package enum Output: Equatable, Sendable {
    /// Records go to standard output; no job directory.
    case standardOutput
    case directory(String)
  }

  package enum Agents: Equatable, Sendable {
    /// Agents dial in at this ZeroMQ endpoint.
    case remote(endpoint: String)
    /// They are started on this host.
    case local(LocalAgentPlan)

    /// They may dial in from other hosts.
    var areElsewhere: Bool {
      switch self {
      case .remote(let endpoint): !endpoint.hasPrefix("ipc:")
      case .local: false
      }
    }
  }

  package enum Progress: Sendable { case none, lines, live }

  package var input: Input
  package var output: Output
  package var agents: Agents
  package var job: JobSpecification
  /// Of agents that dial in; nil if nothing is encrypted.
  package var keys: CoordinatorKeys?
  /// How long the first agent is waited for.
  package var agentWait: Duration = .seconds(30)
  /// Whether failed rows make the exit status 1.
  package var failsOnErrors = false
  package var progress = Progress.lines
  /// How long rows under way may take after the first signal.
  package var grace: Duration = .seconds(5)

  package init(input: Input, output: Output, agents: Agents, job: JobSpecification) {
    self.input = input
    self.output = output
    self.agents = agents
    self.job = job
  }
}

/// How a run of the coordinator ended; the raw value is the exit status.
package enum CoordinatorExit: Int32, Sendable {
  case complete = 0
  case rowsFailed = 1
  case notDone = 2
  case interrupted = 130
}

/// The job cannot be done; the text is one line for the user.
package struct CoordinatorError: Error, Sendable, CustomStringConvertible {
  package let description: String

  package init(_ description: String) { self.description = description }
}
