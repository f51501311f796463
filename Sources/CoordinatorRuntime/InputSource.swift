import FetchModel
import JobStore
import PosixIO

/// Where the bytes of a list come from.
enum InputPlace: Sendable {
  /// A file that can be read again. `expected`: the running hashes after its blocks, as far as they are known.
  case file(Int32, expected: [UInt64])
  /// Can be read once only; spooled into the job's folder if there is one.
  case pipe(Int32, spooledIn: (any FileLayer)?)
  /// What an earlier coordinator spooled. `endedBytes`: how much it was, if that one came to the end.
  case spool(any FileLayer, endedBytes: UInt64?)
}

/// Reads a list a block at a time. Belongs to the input thread.
///
/// A file is read in whole blocks, and a running hash taken after each: a coordinator that goes on with the job later
/// compares them, so that no row is given out for another row's number. What comes through a pipe is put into the
/// job's folder, durably, before its rows count.
struct InputSource: ~Copyable {
  enum Read {
    case block([UInt8])
    /// `isCut`: there was more, which is lost.
    case ended(bytes: UInt64, isCut: Bool)
    case failed(String)
    /// It was over while nothing came.
    case stopped
  }

  static let blockBytes = 128 * 1024

  private let place: InputPlace
  /// Of the list, for messages.
  let name: String
  private var spool: InputSpool?
  private var hash = StreamHash()
  private var blocks = 0
  private var offset: UInt64 = 0
  /// The hashes after blocks that were read since `takeHashes`, and that nobody has seen before.
  private var fresh: [UInt64] = []

  /// Descriptors stay the caller's and have to outlive this.
  init(_ place: InputPlace, name: String) {
    self.place = place
    self.name = name
  }

  /// Whether so many blocks are all of a file.
  static func isWhole(_ size: UInt64, blocks: Int) -> Bool {
    UInt64(blocks) >= (size + UInt64(blockBytes) - 1) / UInt64(blockBytes)
  }

  mutating func takeHashes() -> [UInt64] {
    defer { fresh = [] }
    return fresh
  }

  /// The next block. `interruption`: ends the wait for a pipe if `isOver` says so when it is raised.
  mutating func read(unless interruption: EventSignal, isOver: () -> Bool) -> Read {
    do {
      switch place {
      case .file(let descriptor, let expected): return try readFile(descriptor, expected)
      case .pipe(let descriptor, let files):
        guard try wait(for: descriptor, unless: interruption, isOver) else { return .stopped }
        return try readPipe(descriptor, files)
      case .spool(let files, let endedBytes): return try readSpool(files, endedBytes)
      }
    } catch let error as SystemError {
      return .failed("cannot read \(name): \(error.reason)")
    } catch {
      return .failed("\(error)")
    }
  }

  private mutating func readFile(_ descriptor: Int32, _ expected: [UInt64]) throws -> Read {
    let block = try readFully(descriptor, Self.blockBytes)
    let changed =
      "\(name) is not the list that this job began with: it differs after byte \(offset); "
      + "put the old list back, or start a new job for the new one"
    guard !block.isEmpty else {
      return blocks < expected.count ? .failed(changed) : .ended(bytes: offset, isCut: false)
    }
    hash.add(block)
    if blocks >= expected.count {
      fresh.append(hash.value)
    } else if hash.value != expected[blocks] {
      return .failed(changed)
    }
    blocks += 1
    offset += UInt64(block.count)
    return .block(block)
  }

  private mutating func readPipe(_ descriptor: Int32, _ files: (any FileLayer)?) throws -> Read {
    let block = try readAvailable(descriptor, atMost: Self.blockBytes)
    guard !block.isEmpty else { return .ended(bytes: offset, isCut: false) }
    if let files {
      if offset == 0 { spool = try InputSpool(creatingIn: files) }
      try spool?.append(block)
      try spool?.synchronize()
    }
    offset += UInt64(block.count)
    return .block(block)
  }

  private mutating func readSpool(_ files: any FileLayer, _ endedBytes: UInt64?) throws -> Read {
    if offset == 0 { spool = try InputSpool(recoveringIn: files, endedBytes: endedBytes) }
    var block: [UInt8] = []
    block.reserveCapacity(Self.blockBytes)
    let count = try spool?.read(at: offset, Self.blockBytes, into: &block) ?? 0
    guard count > 0 else { return .ended(bytes: offset, isCut: endedBytes == nil) }
    offset += UInt64(count)
    return .block(block)
  }

  /// False if it is over before anything came.
  private func wait(
    for descriptor: Int32,
    unless interruption: EventSignal,
    _ isOver: () -> Bool
  ) throws(SystemError) -> Bool {
    while true {
      let isReady = try waitUntilReadable([descriptor, interruption.descriptor])
      if isReady[1], isOver() { return false }
      if isReady[0] { return true }
    }
  }
}
