import Foundation
import Glibc
import Testing

extension Sandbox {
  /// Starts `coordinator resume` on a job.
  func startResume(_ job: RunningJob, _ options: [String] = []) throws -> RunningJob {
    let program = try start("coordinator", ["resume", job.name] + options)
    return RunningJob(program: program, name: job.name, directory: job.directory)
  }

  /// Runs `coordinator resume` to its end.
  func resume(
    _ job: RunningJob,
    _ options: [String] = [],
    expecting ending: Ending = .exit(0),
    within seconds: Double = 60,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> Job {
    let found = try startResume(job, options).wait(within: seconds)
    #expect(found.ending == ending, "\(found.program.errorText.suffix(2_000))", sourceLocation: sourceLocation)
    return found
  }

  /// Runs `verify`, `status` or `records` on a job and returns what it wrote.
  func ask(
    _ command: String,
    of job: RunningJob,
    _ options: [String] = [],
    expecting ending: Ending = .exit(0),
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws -> String {
    let (found, program) = try run("coordinator", [command, job.name] + options)
    let said = program.outputText + program.errorText
    #expect(found == ending, "\(command): \(said.suffix(2_000))", sourceLocation: sourceLocation)
    return said
  }

  /// kill -9, and its end.
  func kill(_ job: RunningJob, sourceLocation: SourceLocation = #_sourceLocation) throws {
    job.program.signal(SIGKILL)
    #expect(try job.program.wait() == .signal(SIGKILL), sourceLocation: sourceLocation)
  }

  /// SIGINT, and what is under way is finished.
  func interrupt(_ job: RunningJob, sourceLocation: SourceLocation = #_sourceLocation) throws {
    job.program.signal(SIGINT)
    let ending = try job.program.wait(within: 15)
    #expect(ending == .exit(130), "\(job.program.errorText.suffix(2_000))", sourceLocation: sourceLocation)
  }

  func contents(_ job: RunningJob, _ name: String = "results.jsonl") -> Data {
    FileManager.default.contents(atPath: "\(job.directory)/\(name)") ?? Data()
  }

  /// Everything in the folder of a job.
  func files(of job: RunningJob) -> [String: Data] {
    Dictionary(uniqueKeysWithValues: names(in: job.name).map { ($0, contents(job, $0)) })
  }
}

extension Origin {
  /// How often each target was asked for with `X-Count` or `?count=1`.
  func hits() throws -> [String: Int] {
    let log = try get("/hit-log", port: port("http"))
    return log.split(separator: "\n").reduce(into: [:]) { hits, line in
      hits[String(line.drop { $0 != " " }.dropFirst()), default: 0] += 1
    }
  }
}

/// Different targets of short rows and, at the end, some that take seconds: a job of them does not end while a test
/// looks at what is recorded and decides what to do.
func slowToEnd(_ count: Int, _ path: String = "/latency/20") -> [String] {
  (0..<count).map { "\($0 < count - 4 ? path : "/latency/3000")?count=1&row=\($0)" }
}

/// Rows of which every tenth is a POST, all for the same origin; see `slowToEnd`.
struct MixedRows {
  let targets: [String]
  let lines: [String]

  init(_ count: Int, at origin: Origin, _ path: String) throws {
    targets = slowToEnd(count, path)
    lines = try targets.enumerated().map { seq, target in
      let url = try origin.url(target)
      return Self.isPost(seq) ? "{\"url\":\"\(url)\",\"method\":\"POST\",\"body\":\"x\"}" : url
    }
  }

  private static func isPost(_ seq: Int) -> Bool { seq % 10 == 0 }

  /// Each row was fetched, or is a POST that was lost; none was asked for more often than it may be.
  func expectFates(
    _ records: Records,
    hits: [String: Int],
    kills: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    for record in records.all {
      let count = hits[targets[record.seq], default: 0]
      let isLost = record.error?.code == "agent_lost"
      #expect(isLost || record.gist == "200 1024", "\(record)", sourceLocation: sourceLocation)
      #expect(Self.isPost(record.seq) || !isLost, "row \(record.seq) may be sent again", sourceLocation: sourceLocation)
      let most = Self.isPost(record.seq) ? 1 : 1 + kills
      let fewest = isLost ? 0 : 1
      #expect(
        (fewest...most).contains(count),
        "row \(record.seq) was asked for \(count) times: \(record.gist)",
        sourceLocation: sourceLocation
      )
    }
  }
}
