/// The agents that are to be started on this host, and what their command lines say.
package struct LocalAgentPlan: Equatable, Sendable {
  package var count: Int
  /// Worker threads of each.
  package var threads: Int
  /// As the agent's `--deny-private` and `--allow-ports`, `--interface` and `--dns-servers`.
  package var deniesPrivate = false
  package var allowedPorts: String?
  package var interface: String?
  package var nameServers: String?

  package init(count: Int, threads: Int) {
    self.count = count
    self.threads = threads
  }

  /// All but where the coordinator is.
  var arguments: [String] {
    ["--threads", "\(threads)", "--once"] + (deniesPrivate ? ["--deny-private"] : [])
      + option("--allow-ports", allowedPorts) + option("--interface", interface) + option("--dns-servers", nameServers)
  }

  private func option(_ name: String, _ value: String?) -> [String] { value.map { [name, $0] } ?? [] }

  /// Addresses that connections leave from, as far as the command line names them.
  var sources: Int {
    interface?.split(separator: ",").count ?? 0
  }
}
