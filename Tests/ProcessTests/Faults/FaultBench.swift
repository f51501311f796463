import Foundation
import Glibc
import Testing

/// One job of one agent whose rows are given one at a time, each after the record of the one before.
final class FaultBench {
  let origin: Origin
  private let sandbox: Sandbox
  private let transport: Transport
  private let limits: Fault.Limits
  private let job: Program
  private var agent: pid_t = 0
  private var rows = 0
  private var read = 0
  private var pending: [UInt8] = []
  /// With one idle connection to the origin.
  private var descriptors = 0
  private var memory = 0

  init(_ transport: Transport, _ limits: Fault.Limits) throws {
    self.transport = transport
    self.limits = limits
    sandbox = try Sandbox()
    try sandbox.write("upload", Data(repeating: 0x62, count: 8 << 20))
    origin = try Origin(in: sandbox, transport == .tls12 ? ["--tls-max", "1.2"] : [])
    let common = ["--agents", "1", "--retry", "0", "--per-origin", "1", "--body", "discard", "--quiet"]
    let places = ["--resolve", "localhost:*:127.0.0.1", "--cacert", origin.authority]
    job = try sandbox.start(
      "coordinator",
      ["local", "-", "-o", "-", "--max-filesize", "\(Fault.largestBody)"] + common + places + limits.options,
      input: .pipe
    )
    // Whatever is made once is there after a few rows.
    for _ in 0..<20 { try #require(try fetch(wellBehaved, within: 20).gist == "200 7") }
    let agents = ProcessTable.children(of: job.identifier)
    try #require(agents.count == 1)
    agent = agents[0]
    descriptors = try countDescriptors()
    memory = try residentBytes("VmRSS")
  }

  /// Plays a fault, then sees whether everything is as it was before.
  func play(_ fault: Fault) throws {
    let record: Record
    try forgetPeak()
    do {
      record = try fetch(try row(fault), within: timeLimit(of: fault))
    } catch {
      throw Trouble("\(fault.name): \(error)")
    }
    let found: Comment = "\(fault.name) on \(transport): \(record.gist), \(record.error?.message ?? ""), \(record.time)"
    #expect(fault.accepts(record.gist), found)
    #expect(record.error.map { !$0.message.isEmpty } ?? true, found)
    #expect(record.attempts == 1, found)
    if let limit = fault.expectedSeconds {
      let total = record.time["total"] ?? 0
      #expect(total >= 0.8 * limit && total <= 1.2 * limit + patience, found)
    }
    if let hits = fault.hits {
      #expect(try origin.hits(fault.target) == hits, "\(fault.name) on \(transport)")
    }
    let growth = try residentBytes("VmHWM") - memory
    // A sanitizer keeps what is freed, and notes about it.
    let isBounded = growth < limits.allowedGrowth || Sanitizer.current != nil
    #expect(isBounded, "\(fault.name) on \(transport): the agent grew by \(growth) bytes")
    let isGone = fault.listener == nil && !fault.keepsConnection
    try expectDescriptors(isGone ? descriptors - 1 : descriptors, after: fault)
    let next = try fetch(wellBehaved, within: 20)
    #expect(next.gist == "200 7", "after \(fault.name) on \(transport): \(next.gist)")
    try expectDescriptors(descriptors, after: fault)
  }

  /// Ends the job; the agent has to be the one of the beginning.
  func finish() throws {
    #expect(ProcessTable.children(of: job.identifier) == [agent], "\(job.errorText)")
    job.closeInput()
    #expect(try job.wait(within: 30) == .exit(0), "\(job.errorText)")
  }

  // MARK: Rows

  /// With the job's method and body.
  private var wellBehaved: String { get throws { try url("/fixed/7", nil) } }

  private func url(_ target: String, _ listener: String?) throws -> String {
    let port = try origin.port(listener ?? (transport == .plain ? "http" : "faults"))
    return "\(transport == .plain ? "http" : "https")://localhost:\(port)\(target)"
  }

  private func row(_ fault: Fault) throws -> String {
    var members = [#""url":"\#(try url(fault.target, fault.listener))""#]
    if fault.asksToClose { members.append(#""headers":{"Connection":"close"}"#) }
    if let method = fault.method { members.append(#""method":"\#(method)""#) }
    if let words = fault.handshake { members.append(#""sni":"\#(words.joined(separator: ".")).fault.test""#) }
    if let timeout = fault.timeout { members.append(#""timeout":\#(timeout)"#) }
    return "{\(members.joined(separator: ","))}"
  }

  private func timeLimit(of fault: Fault) -> Double { fault.expectedSeconds.map { 1.2 * $0 + 3 } ?? 15 }

  private func fetch(_ row: String, within seconds: Double) throws -> Record {
    try job.send(row + "\n")
    let seq = rows
    rows += 1
    var line: [UInt8] = []
    try waitUntil("the record of row \(seq)", within: seconds) {
      if let ending = job.poll() { throw Trouble("the coordinator ended with \(ending): \(job.errorText)") }
      guard let found = try nextLine() else { return false }
      line = found
      return true
    }
    let record = try Records.lines(Data(line))[0]
    try #require(record.seq == seq)
    return record
  }

  /// The next whole line of the coordinator's output, with its end.
  private func nextLine() throws -> [UInt8]? {
    let file = open(job.outputPath, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { throw Trouble("cannot open \(job.outputPath): errno \(errno)") }
    defer { close(file) }
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = pread(file, &piece, piece.count, off_t(read))
    if count > 0 {
      read += count
      pending += piece.prefix(count)
    }
    guard let end = pending.firstIndex(of: 0x0A) else { return nil }
    defer { pending.removeFirst(end + 1) }
    return Array(pending[...end])
  }

  // MARK: The agent

  private func countDescriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(agent)/fd").count
  }

  private func expectDescriptors(_ expected: Int, after fault: Fault) throws {
    var found = 0
    do {
      try waitUntil("\(expected) descriptors", within: 5) {
        found = try countDescriptors()
        return found == expected
      }
    } catch {
      Issue.record("\(fault.name) on \(transport): \(found) descriptors are open instead of \(expected)")
    }
  }

  /// Resident memory: VmRSS is what there is, VmHWM the most since `forgetPeak`.
  private func residentBytes(_ field: String) throws -> Int {
    let text = try String(contentsOfFile: "/proc/\(agent)/status", encoding: .utf8)
    guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("\(field):") }),
      let kibibytes = line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first.flatMap({ Int($0) })
    else { throw Trouble("no \(field) of the agent") }
    return kibibytes << 10
  }

  /// clear_refs in proc_pid_clear_refs(5).
  private func forgetPeak() throws {
    let file = open("/proc/\(agent)/clear_refs", O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { throw Trouble("cannot open clear_refs of the agent: errno \(errno)") }
    defer { close(file) }
    guard write(file, "5", 1) == 1 else { throw Trouble("cannot write clear_refs of the agent: errno \(errno)") }
  }
}

extension Fault {
  fileprivate func accepts(_ gist: String) -> Bool {
    let words = gist.split(separator: " ")
    return gists.contains { expected in
      let wanted = expected.split(separator: " ")
      return wanted.count == words.count && zip(wanted, words).allSatisfy { $0 == $1 || $0 == "*" }
    }
  }

  /// When a time limit ends the row, if one has to.
  fileprivate var expectedSeconds: Double? {
    gists.contains { $0.contains("timeout") || $0.contains("too_slow") } ? timeout ?? limits.seconds : nil
  }
}
