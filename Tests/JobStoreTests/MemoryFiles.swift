import Glibc
import JobStore
import PosixIO
import Synchronization

/// A folder in memory that stops before any call, and then shows what a killed process or a power cut leaves of it.
final class MemoryFiles: FileLayer {
  /// One file: what was written, and how much of it is certain.
  struct Node: Equatable {
    var bytes: [UInt8] = []
    var synced: [UInt8] = []
  }

  struct State {
    var nodes: [Node] = []
    /// As the process sees them, and as the disk has them.
    var names: [String: Int] = [:]
    var syncedNames: [String: Int] = [:]
    var open: [Int32: Int] = [:]
    var nextDescriptor: Int32 = 3
    /// Calls that change something, so far.
    var calls = 0
    var stopsAfter = Int.max
    /// Of the last append, which the stop may have torn.
    var lastAppend: (node: Int, length: Int)?
    /// The errno that a call on a file of this name gives, for so many calls after so many that work.
    var fault: Fault?
  }

  struct Fault {
    var call: String
    var number: Int32
    var skips = 0
    /// Bytes that an append takes before it fails.
    var takes = 0
  }

  enum Crash: CaseIterable {
    case kill, powerCut
  }

  let path = "job"
  private let state: Mutex<State>

  private init(_ state: State) { self.state = Mutex(state) }

  init(_ contents: [String: [UInt8]] = [:]) {
    var state = State()
    for (name, bytes) in contents.sorted(by: { $0.key < $1.key }) {
      state.names[name] = state.nodes.count
      state.nodes.append(Node(bytes: bytes, synced: bytes))
    }
    state.syncedNames = state.names
    self.state = Mutex(state)
  }

  // MARK: What tests do

  var contents: [String: [UInt8]] { state.withLock { state in state.names.mapValues { state.nodes[$0].bytes } } }
  var calls: Int { state.withLock { $0.calls } }

  func bytes(_ name: String) -> [UInt8] { contents[name] ?? [] }

  func stop(after calls: Int) { state.withLock { $0.stopsAfter = $0.calls + calls } }

  func fail(_ call: String, _ number: Int32, after skips: Int = 0, taking takes: Int = 0) {
    state.withLock { $0.fault = Fault(call: call, number: number, skips: skips, takes: takes) }
  }

  func put(_ name: String, _ bytes: [UInt8]) {
    state.withLock { state in
      state.names[name] = state.nodes.count
      state.nodes.append(Node(bytes: bytes, synced: bytes))
      state.syncedNames = state.names
    }
  }

  /// Takes a name away behind the process's back.
  func unlink(_ name: String) { state.withLock { _ = $0.names.removeValue(forKey: name) } }

  /// What the next process finds.
  func after(_ crash: Crash, _ random: inout SeededGenerator) -> MemoryFiles {
    var state = state.withLock { $0 }
    switch crash {
    case .kill:
      // write(2) may have been under way.
      if let last = state.lastAppend, Bool.random(using: &random) {
        state.nodes[last.node].bytes.removeLast(Int.random(in: 0...last.length, using: &random))
      }
      state.open = [:]
      state.lastAppend = nil
      state.stopsAfter = .max
      // What was not synced still is not.
      return MemoryFiles(state)
    case .powerCut:
      var contents: [String: [UInt8]] = [:]
      // A name that was not synced may be there or not; each for itself.
      let all = Set(state.names.keys).union(state.syncedNames.keys).sorted()
      for name in all {
        let choices = [state.names[name], state.syncedNames[name]]
        guard let node = choices[Int.random(in: 0...1, using: &random)] else { continue }
        contents[name] = Self.survivor(of: state.nodes[node], &random)
      }
      return MemoryFiles(contents)
    }
  }

  /// What was synced is certain. Of the rest any prefix, possibly zeros after it.
  private static func survivor(of node: Node, _ random: inout SeededGenerator) -> [UInt8] {
    guard node.bytes.starts(with: node.synced) else {
      // Cut since the last sync: either state may be on the disk.
      return Bool.random(using: &random) ? node.bytes : node.synced
    }
    let written = Int.random(in: node.synced.count...node.bytes.count, using: &random)
    let zeros = Int.random(in: 0...(node.bytes.count - written), using: &random)
    return node.bytes[..<written] + [UInt8](repeating: 0, count: Bool.random(using: &random) ? zeros : 0)
  }

  // MARK: FileLayer

  func open(_ name: String, _ opening: FileOpening) throws(SystemError) -> Int32 {
    try change("open", changes: opening.makesFile) { state throws(SystemError) in
      var node = state.names[name]
      switch opening {
      case .reading: break
      case .creating where node != nil: throw SystemError("openat", number: EEXIST)
      case .appending, .creating:
        if node == nil {
          node = state.nodes.count
          state.names[name] = node
          state.nodes.append(Node())
        }
      }
      guard let node else { throw SystemError("openat", number: ENOENT) }
      state.nextDescriptor += 1
      state.open[state.nextDescriptor] = node
      return state.nextDescriptor
    }
  }

  func close(_ file: Int32) { state.withLock { _ = $0.open.removeValue(forKey: file) } }

  func facts(_ file: Int32) throws(SystemError) -> FileFacts {
    try change("facts", changes: false) { state throws(SystemError) in
      let node = try state.node(file)
      let links = state.names.values.contains(node) ? 1 : 0
      return FileFacts(size: UInt64(state.nodes[node].bytes.count), links: UInt64(links))
    }
  }

  func read(_ file: Int32, at offset: UInt64, _ count: Int, into buffer: inout [UInt8]) throws(SystemError) -> Int {
    let bytes = try change("read", changes: false) { state throws(SystemError) in
      let bytes = state.nodes[try state.node(file)].bytes
      return Array(bytes[min(bytes.count, Int(offset))...].prefix(count))
    }
    buffer += bytes
    return bytes.count
  }

  func append(_ file: Int32, _ bytes: Span<UInt8>) throws(SystemError) -> Int {
    var copy: [UInt8] = []
    for index in 0..<bytes.count { copy.append(bytes[index]) }
    return try change("append", changes: true) { [copy] state throws(SystemError) in
      let node = try state.node(file)
      var taken = copy.count
      if let fault = state.fault, fault.call == "append", fault.skips == 0, fault.takes > 0 {
        taken = min(taken, fault.takes)
        state.fault?.takes = 0
      }
      state.nodes[node].bytes += copy[..<taken]
      state.lastAppend = (node, taken)
      return taken
    }
  }

  func truncate(_ file: Int32, to size: UInt64) throws(SystemError) {
    try change("truncate", changes: true) { state throws(SystemError) in
      let node = try state.node(file)
      precondition(Int(size) <= state.nodes[node].bytes.count, "a file is only ever made shorter")
      state.nodes[node].bytes.removeLast(state.nodes[node].bytes.count - Int(size))
    }
  }

  func synchronize(_ file: Int32) throws(SystemError) {
    try change("synchronize", changes: true) { state throws(SystemError) in
      let node = try state.node(file)
      state.nodes[node].synced = state.nodes[node].bytes
    }
  }

  func rename(_ name: String, to newName: String) throws(SystemError) {
    try change("rename", changes: true) { state throws(SystemError) in
      guard let node = state.names.removeValue(forKey: name) else { throw SystemError("renameat", number: ENOENT) }
      state.names[newName] = node
    }
  }

  func remove(_ name: String) throws(SystemError) {
    try change("remove", changes: true) { state throws(SystemError) in
      guard state.names.removeValue(forKey: name) != nil else { throw SystemError("unlinkat", number: ENOENT) }
    }
  }

  func synchronizeNames() throws(SystemError) {
    try change("names", changes: true) { state throws(SystemError) in state.syncedNames = state.names }
  }

  private func change<Result>(
    _ call: String,
    changes: Bool,
    _ body: (inout State) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    var outcome: Swift.Result<Result, SystemError>?
    state.withLock { state in
      do throws(SystemError) {
        guard state.calls < state.stopsAfter else { throw SystemError("stopped", number: EIO) }
        if changes {
          state.calls += 1
          state.lastAppend = nil
        }
        if let fault = state.fault, fault.call == call, fault.takes == 0 {
          guard fault.skips > 0 else { throw SystemError("fault", number: fault.number) }
          state.fault?.skips -= 1
        }
        outcome = .success(try body(&state))
      } catch {
        outcome = .failure(error)
      }
    }
    guard let outcome else { throw SystemError("mutex", number: EIO) }
    return try outcome.get()
  }
}

extension FileOpening {
  fileprivate var makesFile: Bool {
    switch self {
    case .reading: false
    case .appending, .creating: true
    }
  }
}

extension MemoryFiles.State {
  fileprivate func node(_ file: Int32) throws(SystemError) -> Int {
    guard let node = open[file] else { throw SystemError("file", number: EBADF) }
    return node
  }
}

/// A seeded generator (SplitMix64), so that a failing case can be run again from its seed.
struct SeededGenerator: RandomNumberGenerator {
  var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
