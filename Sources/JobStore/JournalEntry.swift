/// What a job must know after a crash beside its records. One journal a pass, in the order in which things happened.
package enum JournalEntry: Equatable, Sendable {
  /// The first entry of each journal that is whole. The pass's own 16 bytes, and which rows it is about in the words
  /// of whoever selected them.
  case began(pass: [UInt8], selection: [UInt8])
  /// An agent's instance may hold rows from here on.
  case joined(instance: [UInt8], isLocal: Bool)
  case left(instance: [UInt8])
  /// Rows that must not be sent twice are about to leave to an agent.
  case unsafeRowsLeft(to: [UInt8], seqs: [UInt64])
  /// Some of them have not left, or came back without having been sent.
  case unsafeRowsReturned(seqs: [UInt64])
  /// The running hash after each further block of input.
  case inputRead(hashes: [UInt64])
  /// Standard input is spooled to its end.
  case inputEnded(bytes: UInt64)
  /// The rest of standard input is lost: so many bytes were spooled.
  case inputCut(bytes: UInt64)
  /// Every row of the pass is recorded; so many they are.
  case ended(rows: UInt64)
  /// Entries before this one were lost, and somebody went on all the same: which unsafe rows left before is not known.
  case unsafeRowsUnknown
}

/// How entries stand in the file: length of the payload, kind, payload, CRC-32C of all before. Numbers are fixed and
/// little-endian, those of rows are packed as in the index.
extension JournalEntry {
  /// Of length and kind.
  static let headBytes = 5
  static let checksumBytes = 4
  package static let maximumPayloadBytes = 16 * 1024 * 1024

  package enum Reading: Equatable, Sendable {
    /// A whole entry of `size` bytes.
    case entry(JournalEntry, size: Int)
    /// It goes on behind the bytes at hand; at least `size` are needed.
    case incomplete(size: Int)
    case damaged
  }

  package func append(to bytes: inout [UInt8]) {
    let start = bytes.count
    bytes.appendFixed(UInt32(0))
    bytes.append(kind)
    appendPayload(to: &bytes)
    let length = bytes.count - start - Self.headBytes
    precondition(length <= Self.maximumPayloadBytes, "a journal entry is too long")
    for index in 0..<4 { bytes[start + index] = UInt8(truncatingIfNeeded: length >> (index * 8)) }
    bytes.appendChecksum(from: start)
  }

  private var kind: UInt8 {
    switch self {
    case .began: 1
    case .joined: 2
    case .left: 3
    case .unsafeRowsLeft: 4
    case .inputRead: 5
    case .inputEnded: 6
    case .ended: 7
    case .unsafeRowsReturned: 8
    case .unsafeRowsUnknown: 9
    case .inputCut: 10
    }
  }

  private func appendPayload(to bytes: inout [UInt8]) {
    switch self {
    case .began(let pass, let selection):
      bytes.appendText(pass)
      bytes.append(contentsOf: selection)
    case .joined(let instance, let isLocal):
      bytes.append(isLocal ? 1 : 0)
      bytes.append(contentsOf: instance)
    case .left(let instance):
      bytes.append(contentsOf: instance)
    case .unsafeRowsLeft(let instance, let seqs):
      bytes.appendText(instance)
      bytes.appendSeqs(seqs)
    case .unsafeRowsReturned(let seqs): bytes.appendSeqs(seqs)
    case .inputRead(let hashes):
      for hash in hashes { bytes.appendFixed(hash) }
    case .inputEnded(let count), .inputCut(let count):
      bytes.appendFixed(count)
    case .ended(let rows):
      bytes.appendFixed(rows)
    case .unsafeRowsUnknown: break
    }
  }

  /// The entry that begins at `offset`.
  package static func read(_ bytes: Span<UInt8>, at offset: Int) -> Reading {
    guard bytes.count - offset >= headBytes else { return .incomplete(size: headBytes) }
    var head = PackedReader(offset..<offset + headBytes)
    let length = Int(head.fixed(UInt32.self, bytes))
    let kind = head.fixed(UInt8.self, bytes)
    // First of all: a length out of damaged bytes must not be waited for.
    guard (1...10).contains(kind), length <= maximumPayloadBytes else { return .damaged }
    let size = headBytes + length + checksumBytes
    guard bytes.count - offset >= size else { return .incomplete(size: size) }
    let payload = offset + headBytes..<offset + headBytes + length
    var foot = PackedReader(payload.upperBound..<offset + size)
    let sum = CRC32C(of: bytes.extracting(offset..<payload.upperBound)).value
    guard foot.fixed(UInt32.self, bytes) == sum, let entry = decode(kind, bytes, payload) else { return .damaged }
    return .entry(entry, size: size)
  }

  private static func decode(_ kind: UInt8, _ bytes: Span<UInt8>, _ payload: Range<Int>) -> JournalEntry? {
    var reader = PackedReader(payload)
    let entry: JournalEntry
    switch kind {
    case 1:
      guard let pass = reader.text(bytes), pass.count == 16, let selection = reader.run(reader.remaining) else {
        return nil
      }
      entry = .began(pass: pass, selection: bytes.array(selection))
    case 2:
      let isLocal = reader.fixed(UInt8.self, bytes)
      guard isLocal <= 1, let instance = reader.run(reader.remaining) else { return nil }
      entry = .joined(instance: bytes.array(instance), isLocal: isLocal == 1)
    case 3:
      entry = .left(instance: bytes.array(payload))
      _ = reader.run(reader.remaining)
    case 4:
      guard let instance = reader.text(bytes), let seqs = reader.seqs(bytes) else { return nil }
      entry = .unsafeRowsLeft(to: instance, seqs: seqs)
    case 5:
      guard payload.count.isMultiple(of: 8) else { return nil }
      entry = .inputRead(hashes: (0..<payload.count / 8).map { _ in reader.fixed(UInt64.self, bytes) })
    case 6: entry = .inputEnded(bytes: reader.fixed(UInt64.self, bytes))
    case 7: entry = .ended(rows: reader.fixed(UInt64.self, bytes))
    case 8:
      guard let seqs = reader.seqs(bytes) else { return nil }
      entry = .unsafeRowsReturned(seqs: seqs)
    case 9: entry = .unsafeRowsUnknown
    case 10: entry = .inputCut(bytes: reader.fixed(UInt64.self, bytes))
    default: return nil
    }
    return reader.isValid && reader.remaining == 0 ? entry : nil
  }
}

extension [UInt8] {
  fileprivate mutating func appendText(_ text: [UInt8]) {
    appendVariable(UInt64(text.count))
    append(contentsOf: text)
  }

  fileprivate mutating func appendSeqs(_ seqs: [UInt64]) {
    appendVariable(UInt64(seqs.count))
    var last: UInt64 = 0
    for seq in seqs {
      appendFolded(Int64(bitPattern: seq &- last))
      last = seq
    }
  }
}

extension PackedReader {
  fileprivate mutating func text(_ bytes: Span<UInt8>) -> [UInt8]? {
    let count = variable(bytes)
    return run(Int(clamping: count)).map { bytes.array($0) }
  }

  fileprivate mutating func seqs(_ bytes: Span<UInt8>) -> [UInt64]? {
    let count = variable(bytes)
    guard count <= UInt64(remaining) else { return nil }
    var seqs: [UInt64] = []
    seqs.reserveCapacity(Int(count))
    var last: UInt64 = 0
    for _ in 0..<count {
      last &+= UInt64(bitPattern: folded(bytes))
      seqs.append(last)
    }
    return seqs
  }
}
