import Foundation
import Glibc

/// What /proc says of the memory of a coordinator's only agent.
enum AgentMemory {
  /// The most that was resident so far (proc(5), VmHWM).
  static func peakMebibytes(of coordinator: Program) throws -> Int {
    let agents = ProcessTable.children(of: coordinator.identifier)
    guard agents.count == 1, let agent = agents.first else { throw Trouble("\(agents.count) agents instead of one") }
    let text = String(decoding: FileManager.default.contents(atPath: "/proc/\(agent)/status") ?? Data(), as: UTF8.self)
    let line = text.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    guard let line,
      let kibibytes = line.split(whereSeparator: { " \t".contains($0) }).dropFirst().first.flatMap({ Int($0) })
    else { throw Trouble("no peak of memory for agent \(agent)") }
    return kibibytes / 1024
  }
}

extension Sandbox {
  /// Waits until so many rows are recorded.
  func waitForRecords(_ job: RunningJob, records: Int, within seconds: Double = 60) throws {
    try waitUntil("\(records) records", within: seconds) {
      if let ending = job.program.poll() {
        throw Trouble("the coordinator ended too early with \(ending): \(job.program.errorText)")
      }
      return contents(job).count { $0 == 0x0A } >= records
    }
  }
}
