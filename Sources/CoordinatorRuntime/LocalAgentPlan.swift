/// The agents that are to be started on this host, and what their command lines say.
package struct LocalAgentPlan: Equatable, Sendable {
  package var count: Int
  /// Worker threads of each.
  package var threads: Int
  /// As the agent's `--deny-private` and `--allow-ports`.
  package var deniesPrivate = false
  package var allowedPorts: String?

  package init(count: Int, threads: Int) {
    self.count = count
    self.threads = threads
  }

  /// All but where the coordinator is.
  var arguments: [String] {
    ["--threads", "\(threads)", "--once"] + (deniesPrivate ? ["--deny-private"] : [])
      + (allowedPorts.map { ["--allow-ports", $0] } ?? [])
  }
}
