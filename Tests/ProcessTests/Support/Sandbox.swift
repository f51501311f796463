import Foundation
import Glibc

/// A folder of its own for one test, with everything the test starts in it. When the test is over, however it ends,
/// all of it is killed and removed.
final class Sandbox {
  let path: String
  private var programs: [Program] = []
  private var labels: [String: Int] = [:]

  init() throws {
    // A program that is gone must not take the tests with it.
    signal(SIGPIPE, SIG_IGN)
    var template = Array((FileManager.default.temporaryDirectory.path + "/trawl-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw Trouble("mkdtemp: errno \(errno)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try FileManager.default.createDirectory(atPath: "\(path)/run", withIntermediateDirectories: false)
  }

  deinit {
    for program in programs.reversed() { program.destroy() }
    try? FileManager.default.removeItem(atPath: path)
  }

  // MARK: Files

  /// Writes a file and returns its path.
  @discardableResult
  func write(_ name: String, _ text: String) throws -> String { try write(name, Data(text.utf8)) }

  @discardableResult
  func write(_ name: String, _ data: Data) throws -> String {
    let file = "\(path)/\(name)"
    guard FileManager.default.createFile(atPath: file, contents: data) else { throw Trouble("cannot write \(file)") }
    return file
  }

  func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(path)/\(name)") }

  func names(in folder: String = "") -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)")) ?? []).sorted()
  }

  func size(of name: String) -> Int {
    var information = stat()
    return stat("\(path)/\(name)", &information) == 0 ? Int(information.st_size) : 0
  }

  // MARK: Programs

  /// Starts one of the project's programs.
  func start(_ name: String, _ arguments: [String], input: Program.Input = .nothing) throws -> Program {
    try start(name, at: Self.builtProgram(name), arguments, input: input)
  }

  func start(_ name: String, at file: String, _ arguments: [String], input: Program.Input = .nothing) throws
    -> Program
  {
    labels[name, default: 0] += 1
    var environment = ProcessInfo.processInfo.environment
    // Where the coordinator puts its local socket's folder; goes with the sandbox.
    environment["XDG_RUNTIME_DIR"] = "\(path)/run"
    environment["NO_PROXY"] = "*"
    let program = try Program(
      file,
      arguments,
      in: path,
      label: "\(name)-\(labels[name, default: 0])",
      environment: environment,
      input: input
    )
    programs.append(program)
    return program
  }

  /// Runs one of the project's programs to its end.
  func run(_ name: String, _ arguments: [String], input: Program.Input = .nothing, within seconds: Double = 60) throws
    -> (ending: Ending, program: Program)
  {
    let program = try start(name, arguments, input: input)
    return (try program.wait(within: seconds), program)
  }

  /// Where a program of the project is.
  static func builtProgram(_ name: String) throws -> String {
    guard let folder = ProcessInfo.processInfo.environment["TRAWL_BIN"], !folder.isEmpty else {
      throw Trouble(
        "TRAWL_BIN is not set, so there are no programs to test: run deploy/test.sh, "
          + "or set it to the folder of the built programs (swift build -c release --show-bin-path)"
      )
    }
    let file = URL(fileURLWithPath: folder).appendingPathComponent(name).path
    guard FileManager.default.isExecutableFile(atPath: file) else {
      throw Trouble("\(file) is missing: build it with swift build -c release, or correct TRAWL_BIN")
    }
    return file
  }

  /// A program that a distribution's package brings.
  static func installedProgram(_ name: String, package: String) throws -> String {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    // Debian puts servers where only root's PATH leads.
    for folder in folders + ["/usr/local/sbin", "/usr/sbin", "/sbin"] {
      let file = "\(folder)/\(name)"
      if FileManager.default.isExecutableFile(atPath: file) { return file }
    }
    throw Trouble("\(name) is not installed: apt-get install \(package), or run deploy/test.sh, which does")
  }
}
