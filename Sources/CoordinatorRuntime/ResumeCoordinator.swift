import FetchModel
import Glibc
import JobStore
import Keys
package import Logging
package import PosixIO

/// Goes on with a job, or over rows of it again, on the calling thread.
package func resumeCoordinator(_ request: ResumeRequest, signals: TerminationSignals, log: Logger) throws
  -> CoordinatorExit
{
  let directory = try JobDirectory(opening: request.path)
  guard let lock = try takeLock(of: directory, unless: signals) else { return .interrupted }
  let resumption = Resumption(
    request: request,
    directory: directory,
    description: try JobDescription(from: directory),
    // Held to the end of the process.
    lock: lock.release()
  )
  var passes = try directory.passes()
  var recovered = try recover(passes[passes.count - 1], in: directory.files)
  // A crash came while the files of a later pass were made: it never began.
  while !recovered.hasBegun, passes.count > 1 {
    passes.removeLast()
    recovered = try recover(passes[passes.count - 1], in: directory.files)
  }
  // Once all rows are recorded, none of them is sent by this pass any more.
  guard !recovered.journalWasLost || recovered.endedRows != nil || request.repeatsUnsafe else {
    throw CoordinatorError(
      "\(request.path)/\(recovered.pass.journalName) was damaged, so it is not known which requests that must not be "
        + "sent twice have left; if that does no harm: coordinator resume \(request.path) --retry-unsafe"
    )
  }
  let main = passes.count == 1 ? recovered : try recover(.main, in: directory.files)
  switch (request.selection, recovered.endedRows) {
  case (nil, nil):
    return try resumption.goOn(recovered, main: main, passes: passes, signals: signals, log: log)
  case (nil, .some): return try resumption.tellEnd(of: recovered)
  case (.some(let selection), .some):
    return try resumption.goOver(selection, main: main, passes: passes, signals: signals, log: log)
  case (.some, nil):
    throw CoordinatorError(
      "the job in \(request.path) has not ended, so which rows fail is not known yet; first: "
        + "coordinator resume \(request.path)"
    )
  }
}

/// Waits for agents that an earlier coordinator has started and that may still send requests; nil if a signal came.
private func takeLock(of directory: JobDirectory, unless signals: TerminationSignals) throws -> Descriptor? {
  let begin = Clock.now()
  let deadline = begin.adding(nanoseconds: 30_000_000_000)
  var isSaid = false
  while true {
    switch try directory.lock() {
    case .taken(let lock, let own):
      // Held to the end of the process.
      _ = own.release()
      return lock
    case .coordinatorRuns(let process): throw JobStoreError.coordinatorRuns(process, directory.path)
    case .agentsLinger:
      guard Clock.now() < deadline else {
        throw CoordinatorError(
          "agents of an earlier run still hold \(directory.path)/lock; end them (fuser -v \(directory.path)/lock)"
        )
      }
      if !isSaid, Clock.now() >= begin.adding(nanoseconds: 1_000_000_000) {
        isSaid = true
        StandardError.write("waiting for agents of an earlier run to end\n")
      }
      if try waitUntilReadable([signals.descriptor], orFor: 50).contains(true), signals.take() > 0 { return nil }
    }
  }
}

/// A job that was begun before.
private struct Resumption {
  let request: ResumeRequest
  let directory: JobDirectory
  let description: JobDescription
  let lock: Int32

  // MARK: Going on

  /// What is not recorded of a pass that has not ended.
  func goOn(
    _ recovered: RecoveredPass,
    main: RecoveredPass,
    passes: [Pass],
    signals: TerminationSignals,
    log: Logger
  ) throws -> CoordinatorExit {
    var plan: JobPlan
    switch recovered.pass {
    case .main:
      plan = try self.plan(.main, identifier: description.identifier, main: main)
      plan.settled.settled = recovered.recorded
    case .retry:
      guard let selection = RowSelection(decoding: recovered.selection) else {
        throw CoordinatorError(
          "\(request.path)/\(recovered.pass.journalName) does not say which rows were to be fetched again; remove the "
            + "files of \(recovered.pass.resultsName) and begin that pass anew"
        )
      }
      let choice = try choice(selection, by: passes.filter { $0 != recovered.pass })
      plan = try self.plan(recovered.pass, identifier: recovered.identifier, main: main)
      plan.choose(choice, selection)
      plan.settled.settled.formUnion(recovered.recorded)
    }
    if recovered.hasBegun {
      plan.recovered = recovered
      // Asked for: they are sent again. Those that leave now are known to a later run, which may not be told so.
      if plan.configuration.job.retry.includesUnsafe {
        plan.recovered?.forgetUnsafeRows()
        plan.logsRepeatedRows = !description.specification.retry.includesUnsafe
      }
      plan.writer = PassHandover(try PassWriter(continuing: recovered, in: directory.files))
    } else {
      plan.writer = PassHandover(
        try PassWriter(creating: .main, identifier: plan.files.identifier, in: directory.files)
      )
    }
    return try run(plan, signals: signals, log: log)
  }

  /// A further pass over some rows of a job that has ended.
  func goOver(
    _ selection: RowSelection,
    main: RecoveredPass,
    passes: [Pass],
    signals: TerminationSignals,
    log: Logger
  ) throws -> CoordinatorExit {
    let choice = try choice(selection, by: passes)
    guard choice.chosen.count > 0 else {
      say("none of the \(choice.rows) rows is one to fetch again")
      return .complete
    }
    let identifier = PosixIO.Process.randomBytes(16)
    var plan = try self.plan(passes[passes.count - 1].next, identifier: identifier, main: main)
    plan.choose(choice, selection)
    plan.writer = PassHandover(
      try PassWriter(
        creating: plan.files.pass,
        identifier: identifier,
        selection: try selection.encoded,
        in: directory.files
      )
    )
    say("fetching \(choice.chosen.count) of \(choice.rows) rows again, into \(plan.files.pass.resultsName)")
    return try run(plan, signals: signals, log: log)
  }

  private func run(_ plan: JobPlan, signals: TerminationSignals, log: Logger) throws -> CoordinatorExit {
    do {
      return try runPlan(plan, signals: signals, log: log)
    } catch let error as JobNeverBegan {
      guard case .failed(let reason) = error else { return .interrupted }
      throw reason
    }
  }

  private func choice(_ selection: RowSelection, by passes: [Pass]) throws -> RowChoice {
    let follows = description.specification.redirects.follow
    return try RowChoice(selection, in: directory, passes: passes, followsRedirects: follows)
  }

  private func plan(_ pass: Pass, identifier: [UInt8], main: RecoveredPass) throws -> JobPlan {
    let (place, name) = try input(main)
    return JobPlan(
      configuration: try configuration,
      files: JobFiles(directory, pass: pass, identifier: identifier, lock: lock, isNew: false),
      input: place,
      inputName: name
    )
  }

  private var configuration: CoordinatorConfiguration {
    get throws {
      var job = description.specification
      if request.repeatsUnsafe { job.retry.includesUnsafe = true }
      let terms = description.terms
      var configuration = CoordinatorConfiguration(
        input: terms.input.path == "-" ? .standardInput : .file(terms.input.path),
        output: .directory(request.path),
        agents: try request.agents.map(terms.agents.narrowing) ?? terms.agents.configured,
        job: job
      )
      configuration.keys = request.keys
      if request.keys == nil, request.agents == nil {
        configuration.keys = try terms.agents.keys.map { try CoordinatorKeys(reading: $0) }
      }
      if configuration.keys != nil, !configuration.agents.areElsewhere {
        throw CoordinatorError("agents of this job run on this host and have no keys; leave --keys out")
      }
      guard !request.isInTheClear || !job.holdsCredentials else {
        throw CoordinatorError(
          "this job has keys, credentials or cookies, which are not sent over unencrypted TCP; add --keys DIR"
        )
      }
      configuration.agentWait = request.agentWait
      configuration.failsOnErrors = request.failsOnErrors || terms.failsOnErrors
      configuration.progress = request.progress
      return configuration
    }
  }

  /// Where the list is read again. A file stays open to the end of the process.
  private func input(_ main: RecoveredPass) throws -> (InputPlace, String) {
    let terms = description.terms.input
    guard let earlier = terms.identity else {
      return (.spool(directory.files, endedBytes: main.inputBytes), "the spooled input \(directory.path)/input")
    }
    let file = try InputFile(.file(terms.path))
    if let difference = file.identity.map({ $0.difference(from: earlier) }) ?? "it is no file any more" {
      throw CoordinatorError(
        "\(terms.path) is not the list that this job began with: \(difference); put the old list back, "
          + "or start a new job for the new one"
      )
    }
    // Blocks that were read before are compared as they are read again; of others nothing but the time says anything.
    if file.identity?.modified != earlier.modified, !InputSource.isWhole(earlier.size, blocks: main.inputHashes.count) {
      throw CoordinatorError(
        "\(terms.path) was written to since this job began with it, and not all of it is known from then; if it holds "
          + "what it held, give it its time back: touch -d \(earlier.modifiedText) \(terms.path)"
      )
    }
    return (.file(file.release(), expected: main.inputHashes), terms.path)
  }

  // MARK: Nothing to do

  /// The pass has ended; a crash may have come before its summary.
  func tellEnd(of recovered: RecoveredPass) throws -> CoordinatorExit {
    let report = JobReport(ofEnded: recovered)
    let isMissing = try directory.read(recovered.pass.summaryName, limit: 1 << 24) == nil
    if isMissing { try directory.replace(recovered.pass.summaryName, with: try report.encoded()) }
    say("the job in \(request.path) is complete: \(recovered.counters.rows) rows in \(recovered.pass.resultsName)")
    if recovered.inputWasCut {
      say("standard input was cut off when an earlier run ended: the rows after these are lost")
      return .notDone
    }
    return try configuration.failsOnErrors && report.hasFailures ? .rowsFailed : .complete
  }

  private func say(_ text: String) { if request.progress != .none { StandardError.write("\(text)\n") } }
}
