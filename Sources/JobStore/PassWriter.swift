package import FetchModel
import PosixIO
import Synchronization

// Theory of operation
//
// A pass has three files. Records are appended to the first as they come; a commit makes them durable and only then
// appends their columns to the second, the index, and makes that durable, too. So the index never speaks of a line
// that could be lost, and what a crash leaves behind it in the record file is torn or whole, but nobody was told of
// it. The third file is the journal, which is made durable by itself, because rows wait for it that must not leave
// before.
//
// After an error nothing more is written: a failed fsync says that something was lost, not what (fsync(2)), and after
// it the same call may well succeed.

/// Writes the files of one pass. For one thread; it notices removed files when it commits.
package struct PassWriter: ~Copyable {
  package let pass: Pass
  private let files: any FileLayer
  private let results: OpenFile
  private let index: OpenFile
  private let journal: OpenFile
  /// Of each file, in whole blocks and entries.
  private var resultsLength: UInt64
  private var indexLength: UInt64
  private var journalLength: UInt64
  /// Of lines that are written, but not in the index.
  private var pending: [ResultColumn] = []
  private var pendingOffset: UInt64
  private var journalIsDirty = false
  private var failure: JobStoreError?

  /// Makes the files of a new pass, durable with their names, the journal with its first entry. `identifier` is the
  /// pass's own 16 bytes; `selection` says which rows it is about in words that are the caller's.
  package init(
    creating pass: Pass,
    identifier: [UInt8],
    selection: [UInt8] = [],
    in files: any FileLayer
  ) throws(JobStoreError) {
    let results = try OpenFile.open(pass.resultsName, .creating, in: files)
    let index = try OpenFile.open(pass.indexName, .creating, in: files)
    let journal = try OpenFile.open(pass.journalName, .creating, in: files)
    var header: [UInt8] = []
    IndexHeader(identifier: identifier).append(to: &header)
    var entry: [UInt8] = []
    JournalEntry.began(pass: identifier, selection: selection).append(to: &entry)
    try index.append(header)
    try journal.append(entry)
    try results.synchronize()
    try index.synchronize()
    try journal.synchronize()
    try files.makeNamesDurable()
    self.init(
      pass,
      in: files,
      results: (results, 0),
      index: (index, UInt64(header.count)),
      journal: (journal, UInt64(entry.count))
    )
  }

  /// Goes on where a pass stopped. What `recover` has found must not have been changed since.
  package init(continuing recovered: RecoveredPass, in files: any FileLayer) throws(JobStoreError) {
    precondition(recovered.hasBegun, "a pass that never began is made, not continued")
    let pass = recovered.pass
    let results = try OpenFile.open(pass.resultsName, .appending, in: files)
    let index = try OpenFile.open(pass.indexName, .appending, in: files)
    let journal = try OpenFile.open(pass.journalName, .appending, in: files)
    var sizes = (results: try results.size(), index: try index.size(), journal: try journal.size())
    guard sizes.results == recovered.resultsLength, sizes.index == recovered.indexLength,
      sizes.journal == recovered.journalLength
    else {
      throw JobStoreError("the files of the job in \(files.path) were changed by somebody else while it was read")
    }
    let marks = recovered.marksOfLoss
    if !marks.isEmpty {
      // Only now: until somebody goes on, the journal stays as it is.
      try journal.append(marks)
      try journal.synchronize()
      sizes.journal += UInt64(marks.count)
    }
    self.init(
      pass,
      in: files,
      results: (results, sizes.results),
      index: (index, sizes.index),
      journal: (journal, sizes.journal)
    )
  }

  private init(
    _ pass: Pass,
    in files: any FileLayer,
    results: (OpenFile, UInt64),
    index: (OpenFile, UInt64),
    journal: (OpenFile, UInt64)
  ) {
    self.pass = pass
    self.files = files
    self.results = results.0
    resultsLength = results.1
    pendingOffset = results.1
    self.index = index.0
    indexLength = index.1
    self.journal = journal.0
    journalLength = journal.1
  }

  /// Writes lines, one for each column and in their order. They count after the next `commit`.
  package mutating func append(lines: [UInt8], columns: [ResultColumn]) throws(JobStoreError) {
    precondition(columns.reduce(0) { $0 + Int($1.lineLength) } == lines.count, "lines and columns differ in length")
    try refuseAfterFailure()
    do throws(JobStoreError) {
      try results.append(lines)
    } catch {
      // A full disk takes a part of a block, and would leave a torn line.
      try fail(error, cutting: results, to: resultsLength)
    }
    resultsLength += UInt64(lines.count)
    pending += columns
  }

  /// Makes everything durable that was appended, in the order that the theory of operation gives.
  package mutating func commit() throws(JobStoreError) {
    try refuseAfterFailure()
    do throws(JobStoreError) {
      try refuseRemovedFiles()
      if !pending.isEmpty {
        try results.synchronize()
        try writeIndex()
        try index.synchronize()
      }
    } catch {
      try fail(error)
    }
    try syncJournal()
  }

  /// Writes entries behind each other; durable after the next `syncJournal` or `commit`. The end of a pass is only
  /// written behind records that are durable.
  package mutating func journal(_ entries: [JournalEntry]) throws(JobStoreError) {
    try refuseAfterFailure()
    if !pending.isEmpty, entries.contains(where: \.isEnd) { try commit() }
    var bytes: [UInt8] = []
    for entry in entries { entry.append(to: &bytes) }
    guard !bytes.isEmpty else { return }
    do throws(JobStoreError) {
      try journal.append(bytes)
    } catch {
      try fail(error, cutting: journal, to: journalLength)
    }
    journalLength += UInt64(bytes.count)
    journalIsDirty = true
  }

  package mutating func syncJournal() throws(JobStoreError) {
    try refuseAfterFailure()
    guard journalIsDirty else { return }
    do throws(JobStoreError) { try journal.synchronize() } catch { try fail(error) }
    journalIsDirty = false
  }

  /// Puts `status.json` in place, whole but not durable: it is of no use after a crash. Notices removed files.
  package mutating func replaceStatus(_ bytes: [UInt8]) throws(JobStoreError) {
    try refuseAfterFailure()
    do throws(JobStoreError) {
      try refuseRemovedFiles()
      try files.replace("status.json", with: bytes, durably: false)
    } catch {
      try fail(error)
    }
  }

  private mutating func writeIndex() throws(JobStoreError) {
    var bytes: [UInt8] = []
    var offset = pendingOffset
    for start in stride(from: 0, to: pending.count, by: IndexBlock.maximumRows) {
      let end = min(start + IndexBlock.maximumRows, pending.count)
      let block = IndexBlock(offset: offset, columns: Array(pending[start..<end]))
      block.append(to: &bytes)
      offset = block.end
    }
    do throws(JobStoreError) {
      try index.append(bytes)
    } catch {
      try fail(error, cutting: index, to: indexLength)
    }
    indexLength += UInt64(bytes.count)
    pendingOffset = offset
    pending.removeAll(keepingCapacity: true)
  }

  /// What is written to a file without a name is lost with the process.
  private func refuseRemovedFiles() throws(JobStoreError) {
    for file in [results, index, journal] where try file.facts().links == 0 {
      throw JobStoreError(
        "\(file.path) was removed while the job runs, and what was recorded in it is lost; start the job anew"
      )
    }
  }

  private func refuseAfterFailure() throws(JobStoreError) {
    if let failure { throw failure }
  }

  private mutating func fail(
    _ error: JobStoreError,
    cutting file: OpenFile? = nil,
    to length: UInt64 = 0
  ) throws(JobStoreError) -> Never {
    if failure == nil {
      failure = error
      // The error that came first is the one to be told.
      if let file { do throws(JobStoreError) { try file.truncate(to: length) } catch {} }
    }
    throw error
  }
}

extension JournalEntry {
  fileprivate var isEnd: Bool {
    switch self {
    case .ended: true
    case .began, .joined, .left, .unsafeRowsLeft, .unsafeRowsReturned, .inputRead, .inputEnded, .inputCut,
      .unsafeRowsUnknown:
      false
    }
  }
}

extension RecoveredPass {
  /// What a journal that was lost is to say from now on. The loss comes first: a crash may tear these, too, and a new
  /// beginning alone would be that of a journal that is whole.
  fileprivate var marksOfLoss: [UInt8] {
    var bytes: [UInt8] = []
    if hasUnmarkedLoss { JournalEntry.unsafeRowsUnknown.append(to: &bytes) }
    if !hasBeginning { JournalEntry.began(pass: identifier, selection: selection).append(to: &bytes) }
    return bytes
  }
}

/// Carries a writer to the thread that uses it: a closure cannot give away what it has captured.
package final class PassHandover: Sendable {
  private let writer: Mutex<PassWriter?>

  package init(_ writer: consuming sending PassWriter) {
    self.writer = Mutex(consume writer)
  }

  /// Once.
  package func take() -> PassWriter {
    guard let writer = writer.withLock({ $0.take() }) else { preconditionFailure("a writer was taken twice") }
    return writer
  }
}
