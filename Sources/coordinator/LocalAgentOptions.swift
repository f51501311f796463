import ArgumentParser
import CoordinatorRuntime
import FetchModel
import PosixIO
import Resolver

/// What agents that the coordinator starts itself are told, as on their own command line.
struct LocalAgentOptions: ParsableArguments {
  @Option(help: "Worker threads of each agent (default: processors divided by agents).")
  var threads: Int?

  @Flag(help: "Agents connect to no origin whose address is not global: loopback, private, link-local and so on.")
  var denyPrivate = false

  @Option(help: ArgumentHelp("Agents connect to no other ports, such as 80,443,8000-8099.", valueName: "ports"))
  var allowPorts: String?

  @Option(
    help: ArgumentHelp(
      "Addresses or devices of this host that agents' connections leave from in turn, separated by commas.",
      valueName: "list"
    )
  )
  var interface: String?

  @Option(
    help: ArgumentHelp(
      "Name servers for agents instead of the system's, such as 192.0.2.53,[2001:db8::53]:5353.",
      valueName: "list"
    )
  )
  var dnsServers: String?

  func validate() throws {
    if let threads, !(1...256).contains(threads) { throw ValidationError("--threads takes 1 to 256") }
    if let interface {
      do throws(SocketSource.Problem) { _ = try SocketSource.list(interface) } catch {
        throw ValidationError("\(error)")
      }
    }
    if let dnsServers, let problem = ResolverSettings.problem(ofServers: dnsServers) {
      throw ValidationError("--dns-servers: \(problem)")
    }
    if let allowPorts, PortRanges(allowPorts) == nil { throw ValidationError("--allow-ports \(PortRanges.form)") }
  }

  var areDefaults: Bool {
    threads == nil && !denyPrivate && allowPorts == nil && interface == nil && dnsServers == nil
  }

  func plan(count: Int) -> LocalAgentPlan {
    let processors = PosixIO.Process.processorCount
    var plan = LocalAgentPlan(count: count, threads: threads ?? max(1, processors / count))
    plan.deniesPrivate = denyPrivate
    plan.allowedPorts = allowPorts
    plan.interface = interface
    plan.nameServers = dnsServers
    return plan
  }
}
