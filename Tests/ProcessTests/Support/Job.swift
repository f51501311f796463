import Foundation
import Testing

/// A finished job, with what it left behind.
struct Job {
  let ending: Ending
  let program: Program
  let directory: String

  var data: Data { FileManager.default.contents(atPath: "\(directory)/results.jsonl") ?? Data() }

  /// The records of a job of so many rows.
  func records(_ count: Int, sourceLocation: SourceLocation = #_sourceLocation) throws -> Records {
    do {
      return try Records(data, count: count, sourceLocation: sourceLocation)
    } catch {
      throw Trouble("\(error); the coordinator ended with \(ending) and said: \(program.errorText.suffix(2_000))")
    }
  }

  func summary() throws -> Summary {
    do {
      return try Summary(of: directory)
    } catch {
      throw Trouble("\(error); the coordinator ended with \(ending) and said: \(program.errorText.suffix(2_000))")
    }
  }
}

extension Sandbox {
  /// Writes a list and returns its path.
  func list(_ rows: [String], name: String = "list-\(UUID().uuidString.prefix(8)).txt") throws -> String {
    try write(name, rows.joined(separator: "\n") + "\n")
  }

  /// What a job needs where programs are slow: an origin that is asked for hundreds of handshakes answers late. Options
  /// of a test come after it, and win.
  private var patientOptions: [String] { patience > 1 ? ["--connect-timeout", "\(10 * patience)"] : [] }

  func fresh(_ prefix: String) -> String { "\(prefix)-\(UUID().uuidString.prefix(8))" }

  /// Runs `coordinator local` on rows to its end and expects exit status 0.
  func fetch(
    _ rows: [String],
    _ options: [String],
    agents: Int = 1,
    expecting ending: Ending = .exit(0),
    within seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Job {
    let name = fresh("job")
    let (found, program) = try run(
      "coordinator",
      ["local", try list(rows), "-o", name, "--agents", "\(agents)"] + patientOptions + options,
      within: seconds
    )
    #expect(found == ending, "\(program.errorText.suffix(2_000))", sourceLocation: sourceLocation)
    return Job(ending: found, program: program, directory: "\(path)/\(name)")
  }

  /// A job whose coordinator still runs.
  struct RunningJob {
    let program: Program
    let name: String
    let directory: String

    func wait(within seconds: Double = 60) throws -> Job {
      Job(ending: try program.wait(within: seconds), program: program, directory: directory)
    }
  }

  func startLocal(input: String, _ options: [String], agents: Int, pipe: Bool = false) throws -> RunningJob {
    let name = fresh("job")
    let program = try start(
      "coordinator",
      ["local", input, "-o", name, "--agents", "\(agents)"] + patientOptions + options,
      input: pipe ? .pipe : .nothing
    )
    return RunningJob(program: program, name: name, directory: "\(path)/\(name)")
  }

  func startRemote(input: String, port: Int, _ options: [String], pipe: Bool = false) throws -> RunningJob {
    let name = fresh("job")
    let program = try start(
      "coordinator",
      ["run", input, "-o", name, "--listen", "tcp://127.0.0.1:\(port)"] + patientOptions + options,
      input: pipe ? .pipe : .nothing
    )
    return RunningJob(program: program, name: name, directory: "\(path)/\(name)")
  }

  /// An agent that dials in at a port of this host.
  func startAgent(port: Int, _ options: [String] = []) throws -> Program {
    try start("agent", ["--coordinator", "tcp://127.0.0.1:\(port)", "--threads", "1", "--verbose"] + options)
  }

  /// Waits until so many bytes of records are there.
  func waitForRecords(_ job: RunningJob, bytes: Int, within seconds: Double = 30) throws {
    try waitUntil("\(bytes) bytes of records", within: seconds) {
      if let ending = job.program.poll() {
        throw Trouble("the coordinator ended too early with \(ending): \(job.program.errorText)")
      }
      return size(of: "\(job.name)/results.jsonl") >= bytes
    }
  }
}

extension Program {
  /// How often an agent started with --verbose was welcomed by a coordinator.
  var welcomes: Int { errorText.components(separatedBy: "welcomed").count - 1 }
}
