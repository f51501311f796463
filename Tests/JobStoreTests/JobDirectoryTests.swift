import Foundation
import Glibc
import JobStore
import PosixIO
import Testing

/// A fresh folder that goes away with the last reference.
private final class Scratch {
  let path = NSTemporaryDirectory() + "/trawl-\(UUID().uuidString)"

  init() { mkdir(path, 0o700) }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  func path(_ name: String) -> String { "\(path)/\(name)" }

  func write(_ name: String, _ text: String) throws {
    try text.write(toFile: path(name), atomically: false, encoding: .utf8)
  }
}

@Suite struct `A job's folder` {
  private let scratch = Scratch()

  /// A job that was begun, opened again.
  private func opened() throws -> JobDirectory {
    let directory = try JobDirectory(creating: scratch.path("job"))
    try directory.replace("job.json", with: Array("{}".utf8))
    return try JobDirectory(opening: scratch.path("job"))
  }

  private func message(_ body: () throws -> Void) -> String {
    do {
      try body()
      return "no error"
    } catch {
      return "\(error)"
    }
  }

  @Test func `holds the files of a pass that are the user's alone`() throws {
    let directory = try opened()
    var writer = try PassWriter(creating: .main, identifier: passName, in: directory.files)
    let rows = Rows(0..<50)
    try writer.append(lines: rows.lines, columns: rows.columns)
    try writer.commit()
    try writer.replaceStatus([1])
    var information = stat()
    #expect(stat(directory.path, &information) == 0 && information.st_mode & 0o777 == 0o700)
    for name in ["results.jsonl", "results.idx", "journal", "status.json", "job.json"] {
      #expect(stat("\(directory.path)/\(name)", &information) == 0 && information.st_mode & 0o777 == 0o600)
    }
    let recovered = try recover(.main, in: directory.files)
    #expect(recovered.counters == rows.counters)
    #expect(try verify(directory.path).verdict == .notFinished)
    #expect(try directory.passes() == [.main])
    _ = try PassWriter(creating: .retry(1), identifier: passName, in: directory.files)
    _ = try PassWriter(creating: .retry(2), identifier: passName, in: directory.files)
    #expect(try directory.passes() == [.main, .retry(1), .retry(2)])
  }

  @Test func `is noticed to be gone`() throws {
    let directory = try opened()
    var writer = try PassWriter(creating: .main, identifier: passName, in: directory.files)
    try FileManager.default.removeItem(atPath: directory.path)
    let error = #expect(throws: JobStoreError.self) { try writer.commit() }
    #expect(error?.description.contains("results.jsonl was removed while the job runs") == true)
  }

  @Test func `is opened only where a job is`() throws {
    #expect(message { _ = try JobDirectory(opening: scratch.path("none")) }.hasSuffix("No such file or directory"))
    #expect(message { _ = try JobDirectory(opening: scratch.path) }.contains("holds no job"))
    try scratch.write("file", "")
    #expect(message { _ = try JobDirectory(opening: scratch.path("file")) }.hasSuffix("Not a directory"))
    try scratch.write("job.json", "{}")
    _ = try JobDirectory(opening: scratch.path)
    chmod(scratch.path, 0o720)
    #expect(message { _ = try JobDirectory(opening: scratch.path) }.contains("others may write to the folder"))
    chmod(scratch.path, 0o755)
    _ = try JobDirectory(opening: scratch.path)
    #expect(message { _ = try JobDirectory(creating: scratch.path) }.contains("already holds a job (job.json)"))
  }

  @Test func `is reached through no link`() throws {
    let directory = try opened()
    try scratch.write("victim", "untouched")
    for name in ["results.jsonl", "results.idx", "journal", "input", "lock"] {
      symlink(scratch.path("victim"), "\(directory.path)/\(name)")
    }
    #expect(message { _ = try directory.read("input", limit: 10) }.contains("a symbolic link stands in the way"))
    #expect(message { _ = try recover(.main, in: directory.files) }.contains("a symbolic link stands in the way"))
    #expect(message { _ = try directory.lock() }.contains("a symbolic link stands in the way"))
    #expect(message { _ = try InputSpool(creatingIn: directory.files) }.contains("File exists"))
    symlink(scratch.path("victim"), "\(directory.path)/.status.json.new")
    unlink("\(directory.path)/results.jsonl")
    unlink("\(directory.path)/results.idx")
    unlink("\(directory.path)/journal")
    var writer = try PassWriter(creating: .main, identifier: passName, in: directory.files)
    try writer.replaceStatus([1])
    #expect(try String(contentsOfFile: scratch.path("victim"), encoding: .utf8) == "untouched")
  }

  @Test func `holds plain files only`() throws {
    let directory = try opened()
    mkfifo("\(directory.path)/results.jsonl", 0o600)
    #expect(message { _ = try recover(.main, in: directory.files) }.contains("no plain file"))
  }

  @Test func `is read up to a limit`() throws {
    let directory = try opened()
    #expect(try directory.read("job.json", limit: 2) == Array("{}".utf8))
    #expect(try directory.read("summary.json", limit: 2) == nil)
    #expect(message { _ = try directory.read("job.json", limit: 1) }.contains("longer than the 1 bytes"))
  }

  @Test func `shows secrets to nobody else`() throws {
    let directory = try opened()
    try directory.refuseOpenToOthers("secrets")
    try directory.replace("secrets", with: [1])
    try directory.refuseOpenToOthers("secrets")
    let path = "\(directory.path)/secrets"
    for mode in [0o640, 0o602] as [mode_t] {
      chmod(path, mode)
      let refusal = message { try directory.refuseOpenToOthers("secrets") }
      #expect(refusal == "\(path) is open to others (mode 0\(String(mode, radix: 8))); close it: chmod 600 \(path)")
    }
  }

  @Test func `can be named again when nothing was recorded`() throws {
    let directory = try opened()
    _ = try PassWriter(creating: .main, identifier: passName, in: directory.files)
    directory.removeUnusedJob()
    _ = try JobDirectory(creating: scratch.path("job"))
  }

  @Test(
    arguments: [
      "results.idx", "journal", "secrets", "status.json", "input", "lock", "coordinator.lock", "results.retry-3.idx",
      "summary.retry-1.json", "journal.retry-1", ".status.json.new", ".summary.json.new",
    ]
  )
  func `is not made where a file of the user's is in its way`(name: String) throws {
    try scratch.write(name, "mine")
    let refusal = message { _ = try JobDirectory(creating: scratch.path) }
    #expect(refusal.contains("already holds \(name), and a job has a file of that name"), "\(refusal)")
    #expect(try String(contentsOfFile: scratch.path(name), encoding: .utf8) == "mine")
  }

  @Test func `is made beside other files and leaves them`() throws {
    for name in ["list.txt", "lock.txt", ".new", "journal.txt", "summary.retry"] { try scratch.write(name, "mine") }
    // Empty, and nothing says whose it is.
    try scratch.write("lock", "")
    let before = try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted()
    let directory = try JobDirectory(creating: scratch.path)
    guard case .taken = try directory.lock() else {
      Issue.record("the lock was not free")
      return
    }
    try directory.replace("secrets", with: [1])
    try directory.replace("job.json", with: [1])
    var writer = try PassWriter(creating: .main, identifier: passName, in: directory.files)
    try writer.replaceStatus([1])
    directory.removeUnusedJob()
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).sorted() == before)
  }

  @Test func `can be named again after a start was killed before there was a job`() throws {
    let path = scratch.path("job")
    func leave(_ names: [String]) throws {
      let directory = try JobDirectory(creating: path)
      guard case .taken = try directory.lock() else {
        Issue.record("the lock was not free")
        return
      }
      for name in names { try directory.replace(name, with: [1]) }
    }
    try leave([])
    try leave(["secrets"])
    let folder = try JobDirectory(creating: path)
    #expect(rename("\(path)/secrets", "\(path)/.job.json.new") == 0)
    try leave(["secrets"])
    try leave(["secrets", "job.json"])
    #expect(message { try leave([]) }.contains("already holds a job (job.json)"))
    folder.removeUnusedJob()
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
    // Readable by others: not as this program makes it.
    try leave([])
    try scratch.write("job/secrets", "mine")
    chmod("\(path)/secrets", 0o644)
    #expect(message { try leave([]) }.contains("already holds secrets"))
  }

  @Test func `is locked until the last copy of the descriptor is closed`() throws {
    let directory = try opened()
    guard case .taken(let lock, let own) = try directory.lock() else {
      Issue.record("the lock was not free")
      return
    }
    let inherited = Descriptor(owning: dup(lock.rawValue))
    // As when this process ends. Its own record lock it cannot see.
    _ = consume lock
    _ = consume own
    #expect(try lockState(directory) == "agents")
    _ = consume inherited
    #expect(try lockState(directory) == "free")
    #expect(try directory.runningCoordinator() == nil)
  }

  private func lockState(_ directory: JobDirectory) throws -> String {
    switch try directory.lock() {
    case .taken: return "free"
    case .agentsLinger: return "agents"
    case .coordinatorRuns: return "coordinator"
    }
  }

  @Test func `spools standard input and cuts what did not count`() throws {
    let directory = try opened()
    var spool = try InputSpool(creatingIn: directory.files)
    try spool.append(Array("one\ntwo\nthr".utf8))
    try spool.synchronize()
    #expect(spool.length == 11)
    var again = try InputSpool(recoveringIn: directory.files, endedBytes: 11)
    #expect(again.length == 11)
    again = try InputSpool(recoveringIn: directory.files, endedBytes: nil)
    #expect(again.length == 8)
    var bytes: [UInt8] = []
    #expect(try again.read(at: 4, 10, into: &bytes) == 4)
    #expect(bytes == Array("two\n".utf8))
    #expect(message { _ = try InputSpool(recoveringIn: directory.files, endedBytes: 9) }.contains("but 9 were read"))
  }

  @Test func `spools nothing behind an error`() throws {
    let files = MemoryFiles()
    var spool = try InputSpool(creatingIn: files)
    try spool.append(Array("one\n".utf8))
    files.fail("append", ENOSPC, taking: 2)
    #expect(throws: JobStoreError.self) { try spool.append(Array("two\n".utf8)) }
    #expect(files.bytes("input") == Array("one\n".utf8))
    #expect(throws: JobStoreError.self) { try spool.synchronize() }
  }

  @Test func `spools no line at all`() throws {
    let files = MemoryFiles(["input": [UInt8](repeating: 0x41, count: 200_000)])
    #expect(try InputSpool(recoveringIn: files, endedBytes: nil).length == 0)
    let long = MemoryFiles(["input": Array("a\n".utf8) + [UInt8](repeating: 0x41, count: 200_000)])
    #expect(try InputSpool(recoveringIn: long, endedBytes: nil).length == 2)
  }
}
