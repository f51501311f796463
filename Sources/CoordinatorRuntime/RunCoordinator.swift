import FetchModel
import JobStore
package import Logging
package import PosixIO

/// Runs a new job on the calling thread.
package func runCoordinator(_ configuration: CoordinatorConfiguration, signals: TerminationSignals, log: Logger) throws
  -> CoordinatorExit
{
  let input = try InputFile(configuration.input)
  let files: JobFiles
  switch configuration.output {
  case .standardOutput: files = JobFiles()
  case .directory(let path): files = try JobFiles(creating: path, configuration, input)
  }
  // Its descriptor is the input thread's to use.
  return try withExtendedLifetime(input) { try run(configuration, files, input, signals: signals, log: log) }
}

private func run(
  _ configuration: CoordinatorConfiguration,
  _ files: JobFiles,
  _ input: borrowing InputFile,
  signals: TerminationSignals,
  log: Logger
) throws -> CoordinatorExit {
  do {
    var plan = JobPlan(
      configuration: configuration,
      files: files,
      input: input.place(spooledIn: files.directory?.files),
      inputName: input.name
    )
    if let directory = files.directory {
      do throws(JobStoreError) {
        let writer = try PassWriter(creating: .main, identifier: files.identifier, in: directory.files)
        plan.writer = PassHandover(writer)
      } catch {
        throw JobNeverBegan.failed(error)
      }
    }
    return try runPlan(plan, signals: signals, log: log)
  } catch let error as JobNeverBegan {
    files.discard()
    guard case .failed(let reason) = error else { return .interrupted }
    throw reason
  }
}

/// Nobody was told of the job, so nothing of it need be kept.
enum JobNeverBegan: Error {
  case failed(any Error)
  case interrupted
}

/// Carries a plan out on the calling thread. The plan's descriptors have to outlive it.
func runPlan(_ plan: JobPlan, signals: TerminationSignals, log: Logger) throws -> CoordinatorExit {
  let mailboxes = Coordinator.Mailboxes(events: try Mailbox(), input: try Mailbox(), committer: try Mailbox())
  var threads = ThreadGroup()
  // A thread may be in a call that a stalled disk or a reader who has stopped reading does not let end.
  var mayJoin = true
  defer {
    mailboxes.input.send(.stop)
    mailboxes.committer.send(.stop)
    if mayJoin { threads.join() } else { threads.detach() }
  }
  let job = plan.configuration.job
  try threads.spawn(name: "input") {
    var reader = InputReader(
      InputSource(plan.input, name: plan.inputName),
      request: job.request,
      repeatsUnsafe: job.retry.includesUnsafe,
      settled: plan.settled,
      inbox: mailboxes.input
    ) { mailboxes.events.send(.input($0)) }
    reader.run()
  }
  let coordinator: Coordinator
  do {
    // The first rows come before anybody is told of the job: a list that cannot be read or is empty is none.
    mailboxes.input.send(.more)
    guard let first = try firstEvents(from: mailboxes.events, unless: signals, plan) else {
      throw JobNeverBegan.interrupted
    }
    let socket = try CoordinatorSocket(plan.configuration.agents, keys: plan.configuration.keys) {
      mailboxes.events.send(.gate)
    }
    coordinator = try Coordinator(plan, socket: socket, mailboxes: mailboxes, signals: signals, log: log)
    for event in first { try coordinator.handle(.input(event)) }
  } catch let error as JobNeverBegan {
    throw error
  } catch {
    throw JobNeverBegan.failed(error)
  }
  try threads.spawn(name: "writer") {
    let sink: RecordSink = plan.writer.map { .pass($0.take()) } ?? .standardOutput
    var committer = Committer(sink, inbox: mailboxes.committer) { mailboxes.events.send(.committer($0)) }
    committer.run()
  }
  do {
    return try coordinator.run()
  } catch let error as WritingFailed {
    mayJoin = false
    guard let message = error.message else { return .notDone }
    throw CoordinatorError(message)
  }
}

/// nil if a signal came first: a pipe may stay open and empty.
private func firstEvents(
  from events: Mailbox<CoordinatorEvent>,
  unless signals: TerminationSignals,
  _ plan: JobPlan
) throws -> [InputEvent]? {
  while true {
    events.signal.wait(orFor: signals.descriptor)
    if signals.take() > 0 { return nil }
    var found: [InputEvent] = []
    for event in events.drain() {
      if case .input(let event) = event { found.append(event) }
    }
    switch found.first {
    case .chunk: return found
    case .ended(let bytes, let isCut, _):
      if isCut {
        throw CoordinatorError(
          "\(plan.inputName) had brought no whole line when the earlier run ended; start the job again"
        )
      }
      guard bytes > 0, plan.recovered != nil else { throw CoordinatorError("\(plan.inputName) holds no request") }
      return found
    case .failed(let message): throw CoordinatorError(message)
    case nil: break
    }
  }
}
