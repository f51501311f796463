import ArgumentParser
import CoordinatorRuntime

struct Resume: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Goes on with a job that was interrupted, or fetches failed rows of one that has ended again.",
    discussion: "Everything that the job began with is in its folder; agents may come from elsewhere than before."
  )

  @Argument(help: ArgumentHelp("The job's folder.", valueName: "dir"))
  var directory: String

  @Option(help: ArgumentHelp("Where agents dial in: tcp://HOST:PORT or ipc://PATH.", valueName: "endpoint"))
  var listen: String?

  @Option(help: ArgumentHelp("The folder of keys that coordinator keygen has made.", valueName: "dir"))
  var keys: String?

  @Flag(help: "Listen off loopback although nothing between agents and coordinator is encrypted or checked.")
  var insecurePlaintext = false

  @Option(help: "Agents to start on this host.")
  var agents: Int?

  @OptionGroup var limits: LocalAgentOptions

  @Flag(help: "Fetch rows of a job that has ended again if they failed; into results.retry-N.jsonl.")
  var retryFailed = false

  @Option(
    help: ArgumentHelp("The same for rows with such a status: 429,503 or 5xx or 500-599.", valueName: "statuses")
  )
  var onlyStatus: String?

  @Flag(help: "Send POST and PATCH again, too, although they may have been carried out.")
  var retryUnsafe = false

  @OptionGroup var running: RunningOptions

  func validate() throws {
    if let agents, !(1...256).contains(agents) { throw ValidationError("--agents takes 1 to 256") }
    guard listen == nil || agents == nil else { throw ValidationError("--listen and --agents exclude each other") }
    guard listen != nil || !insecurePlaintext else { throw ValidationError("--insecure-plaintext is for --listen") }
    guard limits.areDefaults || agents != nil else {
      throw ValidationError("--threads, --deny-private and --allow-ports are for agents of --agents")
    }
    if let listen { try ListenEndpoint(listen).check(keys: keys, isPlaintextAccepted: insecurePlaintext) }
    guard keys == nil || agents == nil else { throw ValidationError("agents on this host need no --keys") }
    _ = try statuses()
  }

  func run() throws {
    var request = ResumeRequest(path: directory)
    if let listen {
      let endpoint = try ListenEndpoint(listen)
      request.agents = .remote(endpoint: endpoint.text)
      request.isInTheClear = keys == nil && !endpoint.isPrivate
    }
    request.keys = try ListenEndpoint.readKeys(keys)
    if let agents { request.agents = .local(limits.plan(count: agents)) }
    if retryFailed || onlyStatus != nil {
      request.selection = RowSelection(failed: retryFailed, statuses: try statuses(), includesUnclear: retryUnsafe)
    }
    request.repeatsUnsafe = retryUnsafe
    request.agentWait = running.agentWaitDuration
    request.failsOnErrors = running.fail
    request.progress = running.progress
    try running.run { signals, log in try resumeCoordinator(request, signals: signals, log: log) }
  }

  /// `429`, `5xx` and `500-599`, separated by commas.
  private func statuses() throws -> [ClosedRange<UInt16>] {
    try (onlyStatus ?? "").split(separator: ",").map { part in
      let bounds = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
      let range: ClosedRange<UInt16>?
      switch bounds.count {
      case 1 where part.count == 3 && part.dropFirst().lowercased() == "xx":
        range = UInt16(part.prefix(1)).map { $0 * 100...$0 * 100 + 99 }
      case 1: range = bounds[0].map { $0...$0 }
      case 2:
        if let first = bounds[0], let last = bounds[1], first <= last { range = first...last } else { range = nil }
      default: range = nil
      }
      guard let range, (100...999).contains(range.lowerBound), (100...999).contains(range.upperBound) else {
        throw ValidationError("--only-status takes statuses such as 429,503 or 5xx or 500-599, not \(part)")
      }
      return range
    }
  }
}
