import ArgumentParser
import FetchModel
import Foundation
import Proxies

/// The options about proxies, with curl's names and meaning; but the environment is read only if that is asked for.
struct ProxyOptions: ParsableArguments {
  @Option(
    name: [.customShort("x", allowingJoined: true), .customLong("proxy")],
    help: ArgumentHelp(
      "Connect through a proxy: [http://|socks5://|socks5h://][user:password@]host[:port]; '' for none.",
      valueName: "url"
    )
  )
  var proxy: String?

  @Option(
    name: [.customShort("U", allowingJoined: true), .long],
    help: ArgumentHelp(
      "Credentials for the proxy, percent-encoded, or @FILE with them in the first line.",
      valueName: "user:password"
    )
  )
  var proxyUser: String?

  @Option(
    name: .customLong("noproxy"),
    help: ArgumentHelp(
      "Reached without a proxy: names with all below them, addresses, networks; or *.",
      valueName: "list"
    )
  )
  var bypass: String?

  @Flag(
    help: "Without --proxy and --noproxy, do what http_proxy, https_proxy, all_proxy and no_proxy say."
  )
  var proxyFromEnv = false
}

extension JobOptions {
  func proxyPolicy() throws -> ProxyPolicy {
    guard proxies.proxyUser == nil || proxies.proxy != nil || proxies.proxyFromEnv else {
      throw ValidationError("--proxy-user belongs to --proxy or --proxy-from-env, and neither is given")
    }
    let environment = proxies.proxyFromEnv ? ProxyEnvironment { ProcessInfo.processInfo.environment[$0] } : nil
    var policy = ProxyPolicy()
    if let proxy = proxies.proxy {
      // As with curl an empty one is none, whatever the environment says.
      let server = proxy.isEmpty ? nil : try server(proxy, namedBy: "--proxy")
      policy.http = server
      policy.https = server
    } else if let environment {
      policy.http = try environment.http.map { try server($0.value, namedBy: $0.name) }
      policy.https = try environment.https.map { try server($0.value, namedBy: $0.name) }
    }
    policy.bypass = try bypassedHosts(environment?.bypass)
    return policy
  }

  /// The header field would reach origins, too, or, as it is with a proxy, nobody.
  func checkNoAccount(in headers: [HeaderField], for proxies: ProxyPolicy) throws {
    guard proxies.http != nil || proxies.https != nil else { return }
    guard !headers.contains(where: { $0.isNamed("proxy-authorization") }) else {
      throw ValidationError(
        "--header: Proxy-Authorization is not sent along with a proxy; give its credentials with --proxy-user"
      )
    }
  }

  private func server(_ text: String, namedBy name: String) throws -> ProxyServer {
    var server: ProxyServer
    do throws(ProxyURLProblem) { server = try ProxyURL(Array(text.utf8)).server } catch {
      throw ValidationError("\(name): \(error)")
    }
    // As with curl those of the URL win.
    if let user = proxies.proxyUser, server.credentials == nil {
      let escaped = try argumentOrFile(user, option: "--proxy-user").prefix { $0 != 0x0A && $0 != 0x0D }
      do throws(ProxyURLProblem) {
        server.credentials = try ProxyServer.Credentials(escaped: escaped, for: server.kind)
      } catch {
        throw ValidationError("--proxy-user: \(error)")
      }
    }
    return server
  }

  /// A useless entry of the option is a mistake of whoever wrote it for this job. The variable was written for other
  /// programs, too, so there it is passed over, as by curl.
  private func bypassedHosts(_ variable: ProxyEnvironment.Variable?) throws -> [String] {
    guard let list = proxies.bypass else {
      let entries = variable.map { ProxyBypass.entries(of: $0.value) } ?? []
      return entries.filter { ProxyBypass.problem(of: $0, among: entries.count) == nil }
    }
    let entries = ProxyBypass.entries(of: list)
    for entry in entries {
      if let problem = ProxyBypass.problem(of: entry, among: entries.count) {
        throw ValidationError("--noproxy: \(entry): \(problem)")
      }
    }
    return entries
  }
}
