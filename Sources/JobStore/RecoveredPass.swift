package import FetchModel

/// What the files of a pass say once their torn ends are cut.
package struct RecoveredPass: Sendable {
  /// Bytes that were cut off the end of each file.
  package struct Cut: Equatable, Sendable {
    package var results: UInt64 = 0
    package var index: UInt64 = 0
    package var journal: UInt64 = 0

    package init() {}
  }

  package let pass: Pass
  /// False if a crash came while the files were made: nothing is left of them, and the pass is to be created.
  package internal(set) var hasBegun = false
  /// The pass's own 16 bytes; zeros if neither index nor journal has them.
  package internal(set) var identifier = [UInt8](repeating: 0, count: 16)
  package internal(set) var selection: [UInt8] = []
  /// The journal's beginning cannot be read, or something in its middle, or that was so before somebody went on: which
  /// unsafe rows have left is not known, and perhaps neither are selection, agents and input.
  package internal(set) var journalWasLost = false

  package internal(set) var recorded = RowSet()
  package internal(set) var counters = RecordCounters()
  /// The instance that each unsafe row left to last, for those that are not recorded.
  package internal(set) var unsafe: [UInt64: [UInt8]] = [:]
  /// Instances that joined once more than they left.
  package internal(set) var agents: [(instance: [UInt8], isLocal: Bool)] = []
  package internal(set) var inputHashes: [UInt64] = []
  package internal(set) var inputBytes: UInt64?
  /// There was more input, which is lost.
  package internal(set) var inputWasCut = false
  package internal(set) var endedRows: UInt64?
  package internal(set) var cut = Cut()

  /// Of the files as they are now.
  var resultsLength: UInt64 = 0
  var indexLength: UInt64 = 0
  var journalLength: UInt64 = 0
  /// Whether the journal has an entry that says what the pass is.
  var hasBeginning = false
  /// Entries were lost, and nobody has gone on since. Hashes behind damage are not those of the blocks that they would
  /// be counted for.
  var hasUnmarkedLoss = false

  init(_ pass: Pass) { self.pass = pass }

  /// Unsafe rows whose fate is not known may be sent again.
  package mutating func forgetUnsafeRows() { unsafe = [:] }

  /// Entries were lost before the next one.
  mutating func passOverDamage() {
    journalWasLost = true
    hasUnmarkedLoss = true
  }

  mutating func apply(_ entry: JournalEntry) {
    switch entry {
    case .began(let name, let selection):
      hasBeginning = true
      identifier = name
      self.selection = selection
    case .joined(let instance, let isLocal): agents.append((instance, isLocal))
    case .left(let instance):
      if let position = agents.firstIndex(where: { $0.instance == instance }) { agents.remove(at: position) }
    case .unsafeRowsLeft(let instance, let seqs):
      for seq in seqs where !recorded.contains(seq) { unsafe[seq] = instance }
    case .unsafeRowsReturned(let seqs): for seq in seqs { unsafe[seq] = nil }
    case .inputRead(let hashes): if !hasUnmarkedLoss { inputHashes += hashes }
    case .inputEnded(let bytes): inputBytes = bytes
    case .inputCut(let bytes):
      inputBytes = bytes
      inputWasCut = true
    case .ended(let rows): endedRows = rows
    case .unsafeRowsUnknown:
      journalWasLost = true
      hasUnmarkedLoss = false
    }
  }
}
