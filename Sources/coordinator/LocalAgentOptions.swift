import ArgumentParser
import CoordinatorRuntime
import FetchModel
import PosixIO

/// What agents that the coordinator starts itself are told, as on their own command line.
struct LocalAgentOptions: ParsableArguments {
  @Option(help: "Worker threads of each agent (default: processors divided by agents).")
  var threads: Int?

  @Flag(help: "Agents connect to no address that is not global: loopback, private, link-local and so on.")
  var denyPrivate = false

  @Option(help: ArgumentHelp("Agents connect to no other ports, such as 80,443,8000-8099.", valueName: "ports"))
  var allowPorts: String?

  func validate() throws {
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads takes 1 to 256") }
    if let allowPorts, PortRanges(allowPorts) == nil { throw ValidationError("--allow-ports \(PortRanges.form)") }
  }

  var areDefaults: Bool { threads == nil && !denyPrivate && allowPorts == nil }

  func plan(count: Int) -> LocalAgentPlan {
    let processors = PosixIO.Process.processorCount
    var plan = LocalAgentPlan(count: count, threads: threads ?? max(1, processors / count))
    plan.deniesPrivate = denyPrivate
    plan.allowedPorts = allowPorts
    return plan
  }
}
